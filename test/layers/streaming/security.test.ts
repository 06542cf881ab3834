import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { everyRoute, everything, isStream, servedPatterns } from "./everyRoute.ts"
import { ask, model, runningPod, start, upgrade } from "./fixture.ts"
import { access, fuzz, send } from "./hostile.ts"
import { authority } from "./pki.ts"
import { askTls, tlsNode } from "./tlsNode.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "kubeffect-security-"))
    fs.mkdirSync(path.join(dir, "log"))
    fs.writeFileSync(path.join(dir, "log", "syslog"), "a line\n")
    fs.writeFileSync(path.join(dir, "secret"), secret)
    return dir
  }),
  (dir) => Effect.sync(() => fs.rmSync(dir, { recursive: true }))
)
const secret = "no-business-of-anybody"

/** A server with all routes; `rights` as `access` takes them. */
const closedNode = (rights: Readonly<Record<string, ReadonlyArray<string>>>) =>
  Effect.flatMap(folder, (dir) =>
    start({
      model: model([runningPod("a")]),
      access: access(rights),
      cri: { exec: () => Effect.die(new Error("let in")), attach: () => Effect.die(new Error("let in")) },
      options: everything(path.join(dir, "log"))
    }))

/** No path for it here, or nothing of it: what a stranger gets for a guess. */
const strange = ["GET /nowhere", "GET /", "DELETE /pods", "OPTIONS /pods", "POST /exec", "GET /spec/", "GET /debug"]

const lines = [...everyRoute.map(({ ask }) => ask), ...strange]

const split = (line: string): readonly [method: string, target: string] => {
  const [method = "", target = ""] = line.split(" ")
  return [method, target]
}

/** What must never be in an answer to a stranger. */
const leak = /node_modules|\.ts:\d|\.mjs|at \w+ \(|a-uid|kubeffect-security|no-business-of-anybody/

describe("who may what", () => {
  it.live("O2: every route that is served says in everyRoute.ts who may use it", () =>
    Effect.gen(function*() {
      const { healthz, main, readOnly } = yield* servedPatterns(yield* folder)
      const listed = everyRoute.map(({ pattern }) => pattern).sort()
      assert.deepStrictEqual(main, listed)
      // What needs no credential shows nothing of what runs in containers, and acts on nothing.
      assert.deepStrictEqual(healthz, ["/healthz", "/healthz/{name}"])
      const open = readOnly.filter((pattern) => listed.includes(pattern) && !pattern.endsWith("*"))
      assert.deepStrictEqual(
        open,
        [
          "/healthz",
          "/healthz/{name}",
          "/metrics",
          "/metrics/cadvisor",
          "/metrics/probes",
          "/metrics/resource",
          "/metrics/slis",
          "/pods",
          "/stats/summary"
        ].filter((pattern) => readOnly.includes(pattern))
      )
    }))

  it.live(
    "O3: without a credential, or with one that is nobody's, every route is closed",
    () =>
      Effect.gen(function*() {
        const { main } = yield* closedNode({})
        const forged = [
          {},
          { authorization: "Bearer forged" },
          { authorization: `Bearer ${"x".repeat(100_000)}` },
          { authorization: "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJzeXN0ZW06YWRtaW4ifQ." },
          { authorization: "Basic YTpi" },
          { "x-remote-user": "system:admin", "x-remote-group": "system:masters" },
          { "sec-websocket-protocol": "base64url.bearer.authorization.k8s.io.Zm9yZ2Vk, v4.channel.k8s.io" }
        ]
        for (const headers of forged) {
          for (const line of lines) {
            const [method, target] = split(line)
            const { body, status } = yield* ask(main, target, { method, headers })
            assert.deepStrictEqual([status, body], [401, "Unauthorized"], line)
          }
          for (const known of everyRoute.filter(isStream)) {
            const refused = yield* Effect.flip(upgrade(main, split(known.ask)[1], headers))
            assert.deepStrictEqual([refused.status, refused.body], [401, "Unauthorized"], known.pattern)
          }
        }
      }),
    30_000
  )

  it.live("O2: who has no right to a route gets a 403 for it, known path or not", () =>
    Effect.gen(function*() {
      const { main } = yield* closedNode({ eve: [] })
      const headers = { authorization: "Bearer eve" }
      for (const line of lines) {
        const [method, target] = split(line)
        const { body, status } = yield* ask(main, target, { method, headers })
        assert.strictEqual(status, 403, line)
        assert.match(body, /^Forbidden \(user=eve, verb=\w*, resource=nodes, subresource\(s\)=\[[a-z ]+\]\)\n$/, line)
      }
      for (const known of everyRoute.filter(isStream)) {
        assert.strictEqual((yield* Effect.flip(upgrade(main, split(known.ask)[1], headers))).status, 403, known.pattern)
      }
    }))

  it.live("O2: each route opens to its own rights, and to no other route's", () =>
    Effect.gen(function*() {
      const all = [...new Set(everyRoute.flatMap(({ rights }) => rights))]
      const users = Object.fromEntries(all.map((right) => [right.replace(" ", "-"), [right]]))
      const { main } = yield* closedNode(users)
      for (const known of everyRoute) {
        const [method, target] = split(known.ask)
        for (const [user, [right = ""]] of Object.entries(users)) {
          const { body, status } = yield* ask(main, target, { method, headers: { authorization: `Bearer ${user}` } })
          assert.notStrictEqual(status, 401)
          assert.strictEqual(
            status !== 403,
            known.rights.includes(right),
            `${known.ask} with the right to ${right}: ${body}`
          )
        }
      }
    }), 30_000)

  it.live(
    "O3: a wrong CA, an expired certificate, a server's or none: every route is closed over TLS too",
    () =>
      Effect.gen(function*() {
        const dir = yield* folder
        const [ca, stranger] = [yield* authority("clients"), yield* authority("clients")]
        const { port, serving } = yield* tlsNode(everything(path.join(dir, "log")), ca.cert)
        const clients = {
          "none": {},
          "wrong CA": yield* stranger.sign({ name: "O=system:masters,CN=ann" }),
          "expired": yield* ca.sign({ name: "O=system:masters,CN=ann", fromMs: -7_200_000, toMs: -3_600_000 }),
          "a server's": yield* ca.sign({ name: "O=system:masters,CN=ann", usage: "server" })
        }
        for (const [why, client] of Object.entries(clients)) {
          for (const { ask: line } of everyRoute) {
            const [method, target] = split(line)
            const reply = yield* askTls(port, { ca: serving.cert, ...client, method, path: target })
            assert.deepStrictEqual([reply.status, reply.body], [401, "Unauthorized"], `${line}, ${why}`)
          }
        }
        const good = yield* ca.sign({ name: "O=system:masters,CN=ann" })
        const reply = yield* askTls(port, { ca: serving.cert, ...good, method: "GET", path: "/healthz" })
        assert.deepStrictEqual([reply.status, reply.body], [200, "ok"])
      }),
    30_000
  )

  it.live("O4, O8: no way of writing a path leads out of the folders of logs", () =>
    Effect.gen(function*() {
      const { main } = yield* closedNode({ ok: ["get log", "get proxy", "create proxy"] })
      const headers = { authorization: "Bearer ok" }
      const ups = ["..", "%2e%2e", "..%2f..", "%2e%2e%2f%2e%2e", "....//", "..%5c..", ".%00.", "..;", "%c0%ae%c0%ae"]
      const targets = ups.flatMap((up) => [
        `/logs/${up}/secret`,
        `/logs/${up}/${up}/etc/passwd`,
        `/logs//${up}//secret`,
        `/containerLogs/ns/a/${up}/secret`,
        `/containerLogs/${up}/${up}/secret`,
        `/containerLogs/ns/a/${encodeURIComponent(`../${up}/secret`)}`,
        `/containerLogs/ns/${up}/c`,
        `/containerLogs/${encodeURIComponent("../../../etc")}/passwd/c`
      ])
      for (const target of targets) {
        const { body, status } = yield* ask(main, target, { headers })
        assert.include([301, 400, 404, 405], status, target)
        assert.notMatch(body, leak, target)
      }
      assert.strictEqual((yield* ask(main, "/logs/syslog", { headers })).body, "a line\n")
    }), 30_000)

  it.live("nothing of the node's inside is told with a refusal", () =>
    Effect.gen(function*() {
      const { main } = yield* closedNode({ ok: ["get proxy", "create proxy", "get log", "create checkpoint"] })
      const headers = { authorization: "Bearer ok" }
      const odd = [
        "GET /containerLogs/ns/none/c",
        "GET /containerLogs/ns/a/none",
        "GET /containerLogs/ns/a/c?tailLines=x",
        "GET /containerLogs/ns/a/c?sinceTime=yesterday&limitBytes=-1",
        "POST /exec/ns/none/c?command=id&output=1",
        "POST /run/ns/none/c?cmd=id",
        "POST /checkpoint/ns/none/c",
        "GET /logs/none",
        "GET /healthz/none",
        "GET /nowhere"
      ]
      for (const line of odd) {
        const [method, target] = split(line)
        const { body, headers: said, status } = yield* ask(main, target, { method, headers })
        assert.isAtLeast(status, 400, line)
        assert.notMatch(body, leak, line)
        assert.isUndefined(said.server)
        assert.isUndefined(said["x-powered-by"])
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

  it.live("a client that never finishes its handshake, or its body, is cut off too", () =>
    Effect.gen(function*() {
      const ca = yield* authority("clients")
      const { port, serving } = yield* tlsNode({ ...everything(yield* folder), headerTimeoutMs: 400 }, ca.cert)
      const hello = Buffer.from("16030100a5010000a10303", "hex")
      const slow = yield* Effect.forkChild(
        Effect.all(Array.from({ length: 100 }, (_, i) => send(port, i % 2 === 0 ? hello : "", 15_000)), {
          concurrency: "unbounded"
        })
      )
      const client = yield* ca.sign({ name: "O=system:masters,CN=ann" })
      const reply = yield* askTls(port, { ca: serving.cert, ...client, method: "GET", path: "/healthz" })
      assert.strictEqual(reply.status, 200)
      const backs = yield* Effect.timeout(Fiber.join(slow), "10 seconds")
      assert.isTrue(backs.every((back) => !back.includes("HTTP/1.1 2")))

      const { main } = yield* start({ model: model([]), options: { headerTimeoutMs: 400 } })
      const head = "POST /stats/summary HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
      // Ends with the connection, long before it would have waited enough.
      yield* Effect.timeout(send(main, `${head}x`, 15_000), "10 seconds")
    }), 30_000)

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
