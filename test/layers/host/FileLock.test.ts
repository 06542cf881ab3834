import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { FileLock } from "../../../src/layers/host/FileLock.ts"
import { isWaitedFor, layer } from "../../../src/layers/host/FileLockLive.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "kubeffect-lock-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

describe("FileLock", () => {
  it.live("A15: the second waits for the first, who hears of it; it has the lock when the first lets go", () =>
    Effect.gen(function*() {
      const locks = yield* FileLock
      const path = join(yield* folder, "kubelet.lock")
      const second = yield* Effect.scoped(Effect.gen(function*() {
        const { contended } = yield* locks.acquire(path)
        const waiting = yield* Effect.forkDetach(Effect.scoped(locks.acquire(path)))
        yield* contended
        assert.isUndefined(waiting.pollUnsafe())
        return waiting
      }))
      yield* Fiber.join(second)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("A15: a lock that cannot be had names its file", () =>
    Effect.gen(function*() {
      const locks = yield* FileLock
      const error = yield* Effect.flip(Effect.scoped(locks.acquire("/no/such/folder/lock")))
      assert.include(error.message, "lock /no/such/folder/lock: ")
      assert.include(error.message, "No such file or directory")
    }).pipe(Effect.provide(layer)))

  it.each([
    { locks: "1: FLOCK  ADVISORY  WRITE 7 fe:00:1 0 EOF\n1: -> FLOCK  ADVISORY  WRITE 8 fe:00:1 0 EOF\n", want: true },
    { locks: "1: FLOCK  ADVISORY  WRITE 7 fe:00:1 0 EOF\n2: FLOCK  ADVISORY  WRITE 8 fe:00:2 0 EOF\n", want: false },
    { locks: "2: FLOCK  ADVISORY  WRITE 8 fe:00:2 0 EOF\n2: -> FLOCK  ADVISORY  WRITE 7 fe:00:2 0 EOF\n", want: false },
    { locks: "", want: false }
  ])("waited for: $want", ({ locks, want }) => assert.strictEqual(isWaitedFor(locks, 7), want))
})
