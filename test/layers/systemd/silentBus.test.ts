/** A bus that is there but does not do its part: every operation ends all the same. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Systemd } from "../../../src/layers/systemd/Systemd.ts"
import * as SystemdLive from "../../../src/layers/systemd/SystemdLive.ts"

/** Hears the first words of who connects; gives its path and the connection. */
const listening = Effect.gen(function*() {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "kubeffect-silent-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true }))
  )
  const heard = yield* Deferred.make<Socket>()
  const server = yield* Effect.acquireRelease(
    Effect.sync(() =>
      createServer((socket) => {
        socket.on("error", () => {})
        socket.once("data", () => Deferred.doneUnsafe(heard, Effect.succeed(socket)))
      })
    ),
    (one) => Effect.sync(() => one.close())
  )
  const socketPath = join(folder, "bus")
  yield* Effect.callback<void>((resume) => void server.listen(socketPath, () => resume(Effect.void)))
  return { socketPath, heard: Deferred.await(heard) }
})

const askVersion = (socketPath: string) =>
  Effect.flatMap(Systemd, ({ version }) => Effect.flip(version)).pipe(
    Effect.provide(SystemdLive.layer({ socketPath, privatePath: "/no/such/systemd" })),
    Effect.forkChild({ startImmediately: true })
  )

describe("Systemd: a bus", () => {
  it.effect("that says nothing is given up at the deadline, and the connection with it", () =>
    Effect.gen(function*() {
      const { heard, socketPath } = yield* listening
      const asking = yield* askVersion(socketPath)
      const socket = yield* heard
      const closed = Effect.callback<void>((resume) => void socket.once("close", () => resume(Effect.void)))
      yield* TestClock.adjust("30 seconds")
      const error = yield* Fiber.join(asking)
      assert.strictEqual(error.reason._tag, "Uncertain")
      assert.include(error.message, "no answer in 30000 ms")
      yield* closed
    }))

  it.effect("that does not let this user in says so for good", () =>
    Effect.gen(function*() {
      const { heard, socketPath } = yield* listening
      const asking = yield* askVersion(socketPath)
      const socket = yield* heard
      socket.write("REJECTED EXTERNAL\r\n")
      const error = yield* Fiber.join(asking)
      assert.strictEqual(error.reason._tag, "Permanent")
      assert.include(error.message, "REJECTED EXTERNAL")
      socket.destroy()
    }))

  it.effect("that hangs up on who greets it says so too", () =>
    Effect.gen(function*() {
      const { heard, socketPath } = yield* listening
      const asking = yield* askVersion(socketPath)
      const socket = yield* heard
      socket.destroy()
      const error = yield* Fiber.join(asking)
      assert.strictEqual(error.reason._tag, "Permanent")
      assert.include(error.message, "closed the connection")
    }))
})
