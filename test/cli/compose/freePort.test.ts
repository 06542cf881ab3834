import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { createServer, type Server } from "node:net"
import { freePort } from "../../../src/cli/compose/freePort.ts"

const listening = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const server = createServer()
      server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )

describe("a free port", () => {
  it.effect("is none that a connection may be given meanwhile", () =>
    Effect.gen(function*() {
      const ports = yield* Effect.replicateEffect(freePort("127.0.0.1"), 50)
      assert.isEmpty(ports.filter((port) => port < 10_000 || port >= 32_768))
    }))

  it.effect("is another one when the first is in use", () =>
    Effect.gen(function*() {
      const first = yield* Random.withSeed(freePort("127.0.0.1"), "same")
      yield* listening(first)
      const second = yield* Random.withSeed(freePort("127.0.0.1"), "same")
      assert.notStrictEqual(second, first)
      yield* listening(second)
    }))

  it.effect("is one of its own for each who looks at the same time, unless that is in use", () =>
    Effect.gen(function*() {
      const first = yield* freePort("127.0.0.1")
      const own = first - 10_000
      assert.strictEqual(yield* freePort("127.0.0.1", own), first)
      yield* listening(first)
      assert.notStrictEqual(yield* freePort("127.0.0.1", own), first)
    }))

  it.effect("is not looked for on an address that is not this machine's", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(freePort("192.0.2.1"))
      assert.match(error.message, /^cannot listen on 192\.0\.2\.1:\d+: .*EADDRNOTAVAIL/)
    }))
})
