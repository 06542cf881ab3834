import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Schedule } from "effect"
import * as net from "node:net"
import { Access, Unauthenticated } from "../../../src/layers/streaming/Access.ts"
import { ask, model, pod, runningPod, start } from "./fixture.ts"

describe("the routes of the node's server", () => {
  it.live("O1: /pods and /runningpods/ list pods as the API has them", () =>
    Effect.gen(function*() {
      const { main } = yield* start({ model: model([runningPod("a")]) })
      for (const path of ["/pods", "/runningpods/"]) {
        const { body, headers, status } = yield* ask(main, path)
        assert.strictEqual(status, 200)
        assert.strictEqual(headers["content-type"], "application/json")
        const list = JSON.parse(body) as {
          kind: string
          apiVersion: string
          items: ReadonlyArray<{ metadata: unknown }>
        }
        assert.deepStrictEqual([list.kind, list.apiVersion], ["PodList", "v1"])
        assert.deepStrictEqual(list.items[0]?.metadata, { name: "a", namespace: "ns", uid: "a-uid" })
      }
    }))

  it.live("O1: /configz shows the configuration", () =>
    Effect.gen(function*() {
      const { main } = yield* start({ model: model([]) })
      const { body } = yield* ask(main, "/configz")
      assert.deepStrictEqual(JSON.parse(body), { kubeletconfig: { kind: "KubeletConfiguration", maxPods: 110 } })
    }))

  it.live("O10: /healthz says ok, in detail when asked, and by name", () =>
    Effect.gen(function*() {
      const { healthz, main } = yield* start({ model: model([]) })
      for (const port of [main, Option.getOrThrow(healthz)]) {
        assert.strictEqual((yield* ask(port, "/healthz")).body, "ok")
        assert.strictEqual(
          (yield* ask(port, "/healthz?verbose")).body,
          "[+]ping ok\n[+]log ok\n[+]syncloop ok\nhealthz check passed\n"
        )
        assert.strictEqual((yield* ask(port, "/healthz/syncloop")).body, "ok")
        assert.strictEqual((yield* ask(port, "/healthz/other")).status, 404)
      }
    }))

  it.live("O10: a failed check fails /healthz, and does not say why", () =>
    Effect.gen(function*() {
      const health = Effect.succeed([{ name: "syncloop", problem: Option.some("stuck for 3m") }])
      const { main } = yield* start({ model: model([], { health }) })
      const failed = yield* ask(main, "/healthz")
      assert.strictEqual(failed.status, 500)
      assert.strictEqual(failed.body, "[+]ping ok\n[-]syncloop failed: reason withheld\nhealthz check failed\n")
      assert.strictEqual((yield* ask(main, "/healthz?exclude=syncloop")).status, 200)
    }))

  it.live("A15: the health port opens once whoever has it leaves it", () =>
    Effect.gen(function*() {
      const other = net.createServer()
      yield* Effect.callback<void>((resume) => void other.listen(0, "127.0.0.1", () => resume(Effect.void)))
      const { port } = other.address() as net.AddressInfo
      const options = { healthz: Option.some({ address: "127.0.0.1", port }) }
      const { healthz, main } = yield* start({ model: model([]), options })
      assert.isTrue(Option.isNone(healthz))
      assert.strictEqual((yield* ask(main, "/healthz")).status, 200)
      other.close()
      const health = Effect.orElseSucceed(Effect.map(ask(port, "/healthz"), ({ status }) => status), () => 0)
      yield* Effect.repeat(health, { schedule: Schedule.spaced("50 millis"), until: (status) => status === 200 })
    }), 15_000)

  it.live("O1: disabled debugging handlers answer 405 on every path of theirs", () =>
    Effect.gen(function*() {
      const { main } = yield* start({ model: model([pod("a")]), options: { enableDebuggingHandlers: false } })
      const paths = ["/run/ns/a/c", "/exec/ns/a/c", "/attach/ns/a/c", "/portForward/ns/a", "/containerLogs/ns/a/c"]
      for (const path of [...paths, "/runningpods/", "/debug/pprof/heap", "/logs/", "/logs/x"]) {
        const { body, status } = yield* ask(main, path)
        assert.deepStrictEqual([status, body], [405, "Debug endpoints are disabled.\n"], path)
      }
      assert.strictEqual((yield* ask(main, "/pods")).status, 200)
    }))

  it.live("O10: the read-only port serves nothing that acts on containers", () =>
    Effect.gen(function*() {
      const { readOnly } = yield* start({ model: model([pod("a")]) })
      const port = Option.getOrThrow(readOnly)
      assert.strictEqual((yield* ask(port, "/pods")).status, 200)
      assert.strictEqual((yield* ask(port, "/healthz")).status, 200)
      assert.strictEqual((yield* ask(port, "/containerLogs/ns/a/c")).status, 405)
      assert.strictEqual((yield* ask(port, "/exec/ns/a/c?command=sh&output=1", { method: "POST" })).status, 405)
      assert.strictEqual((yield* ask(port, "/configz")).status, 404)
    }))

  it.live.each([
    { method: "GET", path: "/nothing", want: 404 },
    { method: "GET", path: "/", want: 404 },
    { method: "DELETE", path: "/pods", want: 405 },
    { method: "GET", path: "/run/ns/a/c", want: 405 },
    { method: "POST", path: "/containerLogs/ns/a/c", want: 405 },
    { method: "GET", path: "/containerLogs/ns/a", want: 404 },
    { method: "GET", path: "/stats/../pods", want: 301 },
    { method: "GET", path: "//pods", want: 301 },
    { method: "GET", path: "/%zz", want: 400 },
    { method: "GET", path: "/exec/ns/a/c?output=1&command=ls", want: 400 }
  ])("$method $path gets $want", ({ method, path, want }) =>
    Effect.gen(function*() {
      const { main } = yield* start({ model: model([pod("a")]) })
      assert.strictEqual((yield* ask(main, path, { method })).status, want)
    }))

  it.live("O5: /run gives the output of a command, or its failure", () =>
    Effect.gen(function*() {
      const bytes = (text: string) => new TextEncoder().encode(text)
      const { main } = yield* start({
        model: model([pod("a")]),
        cri: {
          execSync: ({ cmd }) =>
            Effect.succeed({
              $typeName: "runtime.v1.ExecSyncResponse",
              exitCode: cmd?.[0] === "false" ? 1 : 0,
              stdout: bytes((cmd ?? []).join("|")),
              stderr: bytes("!")
            })
        }
      })
      const ran = yield* ask(main, "/run/ns/a/c?cmd=echo%20hi", { method: "POST" })
      assert.deepStrictEqual([ran.status, ran.body], [200, "echo|hi!"])
      const failed = yield* ask(main, "/run/ns/a/a-uid/c?cmd=false", { method: "POST" })
      assert.deepStrictEqual([failed.status, failed.body], [500, "command 'false' exited with 1: !"])
      assert.strictEqual((yield* ask(main, "/run/ns/none/c?cmd=x", { method: "POST" })).status, 404)
    }))

  it.live("a bug in what is asked is a 500, and the next request is served", () =>
    Effect.gen(function*() {
      const { main } = yield* start({ model: model([], { pods: Effect.die(new Error("secret")) }) })
      const { body, status } = yield* ask(main, "/pods")
      assert.deepStrictEqual([status, body], [500, ""])
      assert.strictEqual((yield* ask(main, "/healthz")).status, 200)
    }))

  it.live("O2, O3: nobody gets past the gate without an identity and a right, whatever the path", () =>
    Effect.gen(function*() {
      const access = Layer.succeed(Access)(Access.of({
        authenticate: ({ token }) =>
          Option.match(token, {
            onNone: () => Effect.fail(new Unauthenticated({ why: "none" })),
            onSome: (name) => Effect.succeed({ name, groups: [] })
          }),
        authorize: ({ name }, attributes) => Effect.succeed(attributes.some(({ subresource }) => subresource === name))
      }))
      const { main } = yield* start({ model: model([pod("a")]), access })
      const as = (name: string) => ({ headers: { authorization: `Bearer ${name}` } })
      for (const path of ["/pods", "/healthz", "/nothing", "/exec/ns/a/c", "/metrics"]) {
        const refused = yield* ask(main, path)
        assert.deepStrictEqual([refused.status, refused.body], [401, "Unauthorized"], path)
      }
      assert.strictEqual((yield* ask(main, "/pods", as("pods"))).status, 200)
      assert.strictEqual((yield* ask(main, "/pods", as("proxy"))).status, 200)
      const forbidden = yield* ask(main, "/configz", as("pods"))
      assert.strictEqual(forbidden.status, 403)
      assert.strictEqual(
        forbidden.body,
        "Forbidden (user=pods, verb=get, resource=nodes, subresource(s)=[configz proxy])\n"
      )
    }))
})
