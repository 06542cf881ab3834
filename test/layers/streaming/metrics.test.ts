import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric } from "effect"
import { ask, model, start } from "./fixture.ts"

const lines = (body: string, name: string) => body.split("\n").filter((line) => line.startsWith(name))

describe("/metrics", () => {
  it.live("T2: shows what the agent counted, the process, and the server's own requests", () =>
    Effect.gen(function*() {
      const { main } = yield* start({ model: model([]) })
      const counter = Metric.counter("kubelet_test_things_total", { description: "Things", incremental: true })
      yield* Metric.update(Metric.withAttributes(counter, { kind: "a" }), 2)
      yield* ask(main, "/healthz")
      yield* ask(main, "/no/such/path")
      const { body, headers } = yield* ask(main, "/metrics")
      assert.strictEqual(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
      assert.deepStrictEqual(lines(body, "kubelet_test_things_total"), [`kubelet_test_things_total{kind="a"} 2`])
      for (
        const name of [
          "process_cpu_seconds_total",
          "process_resident_memory_bytes",
          "process_open_fds",
          "process_start_time_seconds"
        ]
      ) {
        assert.isAbove(Number(lines(body, `${name} `)[0]?.split(" ")[1]), 0, name)
      }
      const requests = lines(body, "kubelet_http_requests_total{")
      const path = (name: string) => requests.some((line) => line.includes(`path="${name}"`))
      assert.isTrue(path("healthz"))
      assert.isTrue(path("other"), "unknown paths share one series")
      assert.isFalse(path("no"))
      assert.isNotEmpty(lines(body, "kubelet_http_requests_duration_seconds_bucket{"))
    }))

  it.live("T2: probe results are shown apart", () =>
    Effect.gen(function*() {
      const { main } = yield* start({ model: model([]) })
      yield* Metric.update(Metric.counter("prober_probe_total", { attributes: { probe_type: "Liveness" } }), 1)
      assert.isEmpty(lines((yield* ask(main, "/metrics")).body, "prober_probe_total"))
      const { body } = yield* ask(main, "/metrics/probes")
      assert.deepStrictEqual(lines(body, "prober_probe_total"), [`prober_probe_total{probe_type="Liveness"} 1`])
      assert.isEmpty(lines(body, "kubelet_"))
    }))
})
