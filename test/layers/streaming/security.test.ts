import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { ask, model, runningPod, start, upgrade } from "./fixture.ts"
import { access, fuzz, send } from "./hostile.ts"

const routes = [
  "GET /healthz",
  "GET /healthz/ping",
  "GET /pods",
  "GET /runningpods/",
  "GET /stats/summary",
  "GET /metrics",
  "GET /metrics/cadvisor",
  "GET /metrics/resource",
  "GET /metrics/probes",
  "GET /containerLogs/ns/a/c",
  "GET /configz",
  "GET /logs/",
  "GET /statusz",
  "GET /flagz",
  "GET /debug/pprof/",
  "PUT /debug/flags/v",
  "POST /run/ns/a/c?cmd=id",
  "POST /checkpoint/ns/a/c",
  "GET /nowhere"
]
const streams = ["/exec/ns/a/c?command=id&output=1", "/attach/ns/a/c?output=1", "/portForward/ns/a"]

describe("who may what", () => {
  it.live("O3: without a credential, or with one that is nobody's, every route is closed", () =>
    Effect.gen(function*() {
      const { main } = yield* start({ model: model([runningPod("a")]), access: access({}) })
      for (const headers of [{}, { authorization: "Bearer forged" }, { authorization: "Basic YTpi" }]) {
        for (const line of routes) {
          const [method = "", path = ""] = line.split(" ")
          const { body, status } = yield* ask(main, path, { method, headers })
          assert.deepStrictEqual([status, body], [401, "Unauthorized"], line)
        }
        for (const path of streams) {
          assert.strictEqual((yield* Effect.flip(upgrade(main, path, headers))).status, 401, path)
        }
      }
    }))

  it.live("O2: who has no right to a route gets a 403 for it, known path or not", () =>
    Effect.gen(function*() {
      const { main } = yield* start({ model: model([runningPod("a")]), access: access({ eve: [] }) })
      const headers = { authorization: "Bearer eve" }
      for (const line of routes) {
        const [method = "", path = ""] = line.split(" ")
        const { body, status } = yield* ask(main, path, { method, headers })
        assert.strictEqual(status, 403, line)
        assert.match(body, /^Forbidden \(user=eve, verb=\w+, resource=nodes, subresource\(s\)=\[[a-z ]+\]\)\n$/, line)
      }
      for (const path of streams) {
        assert.strictEqual((yield* Effect.flip(upgrade(main, path, headers))).status, 403, path)
      }
    }))

  it.live("O2: a right to metrics is no right to anything else, however the path is written", () =>
    Effect.gen(function*() {
      const { main } = yield* start({ model: model([runningPod("a")]), access: access({ mon: ["get metrics"] }) })
      const headers = { authorization: "Bearer mon" }
      assert.strictEqual((yield* ask(main, "/metrics", { headers })).status, 200)
      const tricks = [
        "/metrics/../pods",
        "/metrics/..%2fpods",
        "/metrics/%2e%2e/pods",
        "//pods",
        "/pods/.",
        "/%70ods",
        "/pods%2f",
        "/metrics%2f..%2fconfigz",
        "/metrics/../exec/ns/a/c",
        "/metrics/;/../pods",
        "/metrics\\..\\pods"
      ]
      for (const path of tricks) {
        const { status } = yield* ask(main, path, { headers })
        assert.include([301, 400, 403, 404], status, path)
      }
      assert.strictEqual((yield* ask(main, "/metrics/../pods", { headers })).headers.location, "/pods")
      assert.strictEqual((yield* ask(main, "/pods", { headers })).status, 403)
    }))

  it.live("a method is not what a header says it is", () =>
    Effect.gen(function*() {
      const { main } = yield* start({ model: model([runningPod("a")]), access: access({ mon: ["get metrics"] }) })
      const headers = { authorization: "Bearer mon", "x-http-method-override": "GET" }
      assert.strictEqual((yield* ask(main, "/metrics", { method: "POST", headers })).status, 403)
    }))
})

describe("hostile clients", () => {
  const closed = start({ model: model([runningPod("a")]), access: access({ ok: ["get pods"] }) })

  it.live("O13: a header of more than 1 MiB is refused", () =>
    Effect.gen(function*() {
      const { main } = yield* closed
      const back = yield* send(main, `GET /pods HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(1_100_000)}\r\n\r\n`)
      assert.match(back, /^(HTTP\/1.1 431|$)/)
      const url = yield* send(main, `GET /${"a".repeat(1_100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`)
      assert.match(url, /^(HTTP\/1.1 4\d\d|$)/)
    }))

  it.live.each([
    ["no HTTP at all", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"],
    ["no version", "GET /pods\r\n\r\n"],
    ["a bare newline in a header", "GET /pods HTTP/1.1\r\nHost: x\r\nA: b\nAuthorization: Bearer ok\r\n\r\n"],
    ["two lengths", "POST /pods HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
    [
      "length and chunks",
      "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ],
    ["a space before a colon", "GET /pods HTTP/1.1\r\nHost : x\r\n\r\n"],
    ["no host", "GET /pods HTTP/1.1\r\n\r\n"],
    ["another server's URL", "GET http://example.com/pods HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ok\r\n\r\n"],
    ["a tunnel", "CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n"]
  ])("%s is refused", ([, bytes]) =>
    Effect.gen(function*() {
      const { main } = yield* closed
      const back = yield* send(main, bytes ?? "", 500)
      assert.notMatch(back, /^HTTP\/1.1 [23]/)
      assert.strictEqual((yield* ask(main, "/pods", { headers: { authorization: "Bearer ok" } })).status, 200)
    }))

  it.live("what follows a refused upgrade on its connection is not served", () =>
    Effect.gen(function*() {
      const { main } = yield* closed
      const back = yield* send(
        main,
        "POST /exec/ns/a/c?command=id&output=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"
          + "GET /pods HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ok\r\n\r\n"
      )
      assert.strictEqual(back.match(/HTTP\/1\.1/g)?.length, 1)
      assert.match(back, /^HTTP\/1.1 401/)
    }))

  it.live("a client that never finishes its header is cut off, others are served meanwhile", () =>
    Effect.gen(function*() {
      const { main } = yield* start({ model: model([]), options: { headerTimeoutMs: 400 } })
      const slow = yield* Effect.forkChild(Effect.all(
        Array.from(
          { length: 200 },
          (_, i) => send(main, i % 2 === 0 ? "GET /pods HTTP/1.1\r\nHost: x\r\nX-" : "", 15_000)
        ),
        { concurrency: "unbounded" }
      ))
      assert.strictEqual((yield* ask(main, "/pods")).status, 200)
      const backs = yield* Effect.timeout(Fiber.join(slow), "10 seconds")
      assert.isTrue(backs.every((back) => back === "" || back.startsWith("HTTP/1.1 408")))
    }))

  it.live("a body nobody asked for is not kept", () =>
    Effect.gen(function*() {
      const { main } = yield* closed
      const before = process.memoryUsage().rss
      const body = Buffer.alloc(64 * 1024 * 1024, "x")
      const head = `POST /run/ns/a/c HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`
      const back = yield* send(main, Buffer.concat([Buffer.from(head), body]))
      assert.match(back, /^(HTTP\/1.1 401|$)/)
      assert.isBelow(process.memoryUsage().rss - before, 256 * 1024 * 1024)
    }))
})

describe("fuzz", () => {
  it.live("O3: odd requests: none gets in, none gets through, and the server lives", () => fuzz(400, 7), 60_000)
})
