/** Clients that mean harm: raw bytes, and requests at random that no client should send. */
import { assert } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import * as net from "node:net"
import { Access, Unauthenticated } from "../../../src/layers/streaming/Access.ts"
import { ask, model, runningPod, start } from "./fixture.ts"

/** Lets `Bearer NAME` in as NAME, who has the rights given. */
export const access = (rights: Readonly<Record<string, ReadonlyArray<string>>>) =>
  Layer.succeed(Access)(Access.of({
    authenticate: ({ token }) =>
      Option.match(token, {
        onNone: () => Effect.fail(new Unauthenticated({ why: "none" })),
        onSome: (name) =>
          Object.hasOwn(rights, name)
            ? Effect.succeed({ name, groups: [] })
            : Effect.fail(new Unauthenticated({ why: "unknown" }))
      }),
    authorize: ({ name }, attributes) =>
      Effect.succeed(attributes.some(({ subresource, verb }) => rights[name]?.includes(`${verb} ${subresource}`)))
  }))

/** Sends bytes as they are; gives what came back until the server closed, or `forMs` have passed. */
export const send = (port: number, bytes: string | Uint8Array, forMs = 5000) =>
  Effect.callback<string>((resume) => {
    const socket = net.connect(port, "127.0.0.1", () => socket.write(bytes))
    let back = ""
    const timer = setTimeout(() => done(), forMs)
    const done = () => {
      clearTimeout(timer)
      socket.destroy()
      resume(Effect.succeed(back))
    }
    socket.on("data", (part) => back += part.toString("latin1"))
    socket.on("close", done)
    socket.on("error", done)
    return Effect.sync(done)
  })

// A small generator of our own: the same requests on every run.
const random = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}
const pieces = [
  "GET ",
  "POST ",
  "BREW ",
  "/pods",
  "/exec/ns/a/c?command=id&output=1",
  "/containerLogs/ns/a/c?tailLines=",
  "/logs/../..",
  "/metrics",
  "/%2e%2e/",
  "?a=b",
  " HTTP/1.1\r\n",
  " HTTP/1.0\r\n",
  " HTTP/9.9\r\n",
  "Host: x\r\n",
  "Authorization: Bearer x\r\n",
  "Connection: Upgrade\r\n",
  "Upgrade: SPDY/3.1\r\n",
  "Upgrade: websocket\r\nSec-WebSocket-Key: AAAA\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: -1\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Expect: 100-continue\r\n",
  "\r\n",
  "\r\n\r\n",
  "5\r\nhello\r\n0\r\n\r\n",
  "\0",
  "\n",
  ":",
  "\xff\xfe"
]
const paths = pieces.filter((piece) => piece.startsWith("/"))
const headers = [
  "Authorization: Bearer x\r\n",
  "Authorization: \r\n",
  "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n",
  "Upgrade: websocket\r\nSec-WebSocket-Key: AAAA\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n",
  "Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.%%\r\n",
  "X-Remote-User: admin\r\n",
  "Expect: 100-continue\r\n",
  "X-Junk: \xff\xfe\r\n"
]
const request = (next: () => number): string => {
  const pick = (from: ReadonlyArray<string>) => from[Math.floor(next() * from.length)] ?? ""
  const some = (from: ReadonlyArray<string>, most: number) =>
    Array.from({ length: Math.floor(next() * most) }, () => pick(from)).join("")
  // Half of them are in order but for what they ask, the others are out of order.
  return next() < 0.5
    ? `${pick(["GET", "POST", "PUT", "HEAD"])} ${pick(paths)} HTTP/1.1\r\nHost: x\r\n${some(headers, 4)}\r\n`
    : some(pieces, 12)
}

/** Sends `count` odd requests: none may get in, none may get through, and the server must live. */
export const fuzz = Effect.fnUntraced(function*(count: number, seed: number) {
  const { main } = yield* start({ model: model([runningPod("a")]), access: access({ ok: ["get pods"] }) })
  const next = random(seed)
  const statuses = new Map<string, number>()
  const one = Effect.gen(function*() {
    // Two share a connection with an orderly last one: what one leaves behind must not open it for another.
    const last = "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    const back = yield* send(main, Buffer.from(request(next) + request(next) + last, "latin1"), 2000)
    for (const [, status = ""] of back.matchAll(/HTTP\/1\.1 (\d+)/g)) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  })
  yield* Effect.all(Array.from({ length: count / 2 }, () => one), { concurrency: 100, discard: true })
  const expected = ["100", "301", "400", "401", "408", "431", "505"]
  const odd = [...statuses.keys()].filter((status) => !expected.includes(status))
  assert.deepStrictEqual(odd, [], JSON.stringify([...statuses]))
  assert.isAbove(statuses.get("401") ?? 0, count / 10, JSON.stringify([...statuses]))
  assert.strictEqual((yield* ask(main, "/pods", { headers: { authorization: "Bearer ok" } })).status, 200)
})
