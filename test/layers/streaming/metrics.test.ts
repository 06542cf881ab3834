import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric, Option } from "effect"
import { gunzipSync } from "node:zlib"
import { scrape, valueOf } from "../../fixture/stats/scrape.ts"
import { ask, model, pod, runningPod, start } from "./fixture.ts"

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

  it.live("T2: says what runs here, by state and source, and how full the claims are", () =>
    Effect.gen(function*() {
      const mirror = pod("s", { status: { phase: "Failed" } })
      const pods = [runningPod("a"), {
        ...mirror,
        metadata: { ...mirror.metadata, annotations: { "kubernetes.io/config.source": "file" } }
      }]
      const volumeUsage = () =>
        Effect.succeed([
          { name: "v", claim: { name: "data", namespace: "ns" }, usedBytes: 7, capacityBytes: 10, measuredAtMs: 0 },
          { name: "scratch", usedBytes: 1, measuredAtMs: 0 }
        ])
      const { main } = yield* start({
        model: model(pods, { volumeUsage }),
        options: { zpages: { version: "v1.36.0+x", flags: {} } }
      })
      const { body } = yield* ask(main, "/metrics")
      for (
        const line of [
          `kubernetes_build_info{git_version="v1.36.0+x",major="1",minor="36",platform="linux"} 1`,
          `kubelet_node_name{node="node"} 1`,
          "kubelet_running_pods 1",
          `kubelet_running_containers{container_state="running"} 1`,
          `kubelet_desired_pods{static=""} 1`,
          `kubelet_desired_pods{static="true"} 1`,
          `kubelet_active_pods{static=""} 1`,
          `kubelet_volume_stats_used_bytes{namespace="ns",persistentvolumeclaim="data"} 7`
        ]
      ) {
        assert.include(body, `${line}\n`)
      }
      assert.isEmpty(lines(body, `kubelet_active_pods{static="true"`))
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

  it.live("O10: /metrics/slis says how each check of health went, and /metrics does not", () =>
    Effect.gen(function*() {
      const bad = { name: "syncloop", problem: Option.some("stuck") }
      const { main } = yield* start({ model: model([], { health: Effect.succeed([bad]) }) })
      yield* ask(main, "/healthz")
      yield* ask(main, "/healthz")
      const slis = scrape((yield* ask(main, "/metrics/slis")).body)
      assert.strictEqual(valueOf(slis, "kubernetes_healthcheck", { name: "ping", type: "healthz" }), 1)
      assert.strictEqual(valueOf(slis, "kubernetes_healthcheck", { name: "syncloop", type: "healthz" }), 0)
      assert.isAtLeast(valueOf(slis, "kubernetes_healthchecks_total", { name: "syncloop", status: "error" }), 2)
      assert.isEmpty(lines((yield* ask(main, "/metrics")).body, "kubernetes_healthcheck"))
    }))

  it.live.each<{ path: string; accept: string; want: boolean; why: string }>([
    { path: "/metrics", accept: "gzip", want: true, why: "as Prometheus asks" },
    { path: "/metrics", accept: "br, GZIP;q=0.5", want: true, why: "among others" },
    { path: "/metrics", accept: "*", want: true, why: "whatever it is" },
    { path: "/metrics", accept: "gzip;q=0, identity", want: false, why: "refused by name" },
    { path: "/metrics", accept: "identity", want: false, why: "not asked for" },
    { path: "/healthz", accept: "gzip", want: false, why: "two letters are not worth it" }
  ])(
    "O13: $path for a client that accepts $accept is gzip: $want ($why)",
    ({ accept, path, want }) =>
      Effect.gen(function*() {
        const { main } = yield* start({ model: model([runningPod("a")]) })
        const reply = yield* ask(main, path, { headers: { "accept-encoding": accept } })
        assert.strictEqual(reply.headers["content-encoding"], want ? "gzip" : undefined)
        assert.strictEqual(Number(reply.headers["content-length"]), reply.bytes.length)
        if (want) assert.isNotEmpty(scrape(gunzipSync(reply.bytes).toString()))
      })
  )
})
