import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { HTTPGetAction } from "../../../src/domain/k8s/container.ts"
import { probeErrored, probeFailed, probeWarned } from "../../../src/domain/probes/events.ts"
import { execCommand, grpcTarget, httpTarget, resolvePort, tcpTarget } from "../../../src/domain/probes/target.ts"

const web = { name: "c", ports: [{ name: "web", containerPort: 8080 }], env: [{ name: "A", value: "1" }] }

describe("targets", () => {
  it.each<{ action: HTTPGetAction; want: object; why: string }>([
    { action: { port: 80 }, want: { scheme: "http", host: "10.0.0.7", port: 80, path: "/" }, why: "defaults" },
    { action: { port: "web", path: "/x?a=b" }, want: { port: 8080, path: "/x?a=b" }, why: "a named port and a query" },
    { action: { port: 1, scheme: "HTTPS", host: "h" }, want: { scheme: "https", host: "h" }, why: "scheme and host" },
    { action: { port: 1, path: "healthz" }, want: { path: "/healthz" }, why: "a path without its slash" },
    { action: { port: 1, path: "/a b/%20/ü" }, want: { path: "/a%20b/%20/%C3%BC" }, why: "escaped once" },
    { action: { port: "443" }, want: { port: 443 }, why: "a number as text" }
  ])("H4: $action: $why", ({ action, want }) => {
    assert.deepInclude(Result.getOrThrow(httpTarget(action, web, "10.0.0.7")), want)
  })
  it("H4: headers keep their order and may repeat", () => {
    const headers = [{ name: "X", value: "1" }, { name: "X", value: "2" }, { name: "Host", value: "h" }]
    const target = Result.getOrThrow(httpTarget({ port: 1, httpHeaders: headers }, web, "::1"))
    assert.deepStrictEqual(target.headers, headers)
  })
  it.each([
    { port: "nope", want: "couldn't find port: \"nope\" in container c" },
    { port: 0, want: "invalid port number: 0" },
    { port: 70_000, want: "invalid port number: 70000" }
  ])("H4: port $port is refused", ({ port, want }) => {
    assert.deepStrictEqual(resolvePort(port, web), Result.fail(want))
  })
  it("H5: TCP and gRPC go to the pod's address", () => {
    assert.deepStrictEqual(
      tcpTarget({ port: "web" }, web, "10.0.0.7"),
      Result.succeed({ host: "10.0.0.7", port: 8080 })
    )
    assert.deepStrictEqual(grpcTarget({ port: 9 }, "10.0.0.7"), { host: "10.0.0.7", port: 9, service: "" })
  })
  it("H5: a command knows variables with a literal value only", () => {
    assert.deepStrictEqual(execCommand(["sh", "-c", "$(A) $(B) $$(A)"], web), ["sh", "-c", "1 $(B) $(A)"])
  })
})

describe("events", () => {
  const slot = { name: "c", kind: "regular", index: 0, container: web } as const
  it("H7: Unhealthy tells kind and output", () => {
    assert.deepStrictEqual(probeFailed(slot, "liveness", "nope\n"), {
      type: "Warning",
      reason: "Unhealthy",
      message: "Liveness probe failed: nope\n",
      container: { name: "c", kind: "regular" }
    })
    assert.strictEqual(probeErrored(slot, "startup", "x").message, "Startup probe errored: x")
    assert.include(probeWarned(slot, "readiness", "x"), {
      reason: "ProbeWarning",
      message: "Readiness probe warning: x"
    })
  })
  it("H7: long output is cut", () => {
    assert.isBelow(probeFailed(slot, "liveness", "x".repeat(20_000)).message.length, 1100)
  })
})
