/**
 * Locks by the `flock` program: Node has no such call. It holds the lock for as long as its standard input is open, which
 * is as long as this process lives.
 */
import { Deferred, Effect, Layer } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { readFile } from "node:fs/promises"
import { FileLock, FileLockError, type HeldLock } from "./FileLock.ts"

/** The kernel shows who waits for a lock, and tells of no change: it has to be asked. */
const lookMs = 1000

/** `7: FLOCK ADVISORY WRITE 1234 …` is the lock of process 1234, `7: -> FLOCK …` somebody who waits for it. */
export const isWaitedFor = (locks: string, holder: number): boolean => {
  const lines = locks.split("\n")
  const own = lines.flatMap((line) => {
    const [, id, pid] = /^(\d+): FLOCK\s+\S+\s+\S+\s+(\d+)\s/.exec(line) ?? []
    return id !== undefined && Number(pid) === holder ? [id] : []
  })
  return lines.some((line) => own.some((id) => line.startsWith(`${id}: ->`)))
}

const fail = (path: string, detail: string, cause?: unknown) =>
  new FileLockError({ path, detail, ...(cause === undefined ? {} : { cause }) })

const start = (path: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn("flock", ["--exclusive", path, "cat"], { stdio: ["pipe", "pipe", "pipe"] })
      // What is written to one that has ended comes to nothing.
      child.stdin.on("error", () => {})
      return child
    }),
    (child) => Effect.sync(() => child.stdin.end())
  )

/** Fails when the program ends, whyever. */
const ended = (path: string, child: ChildProcess, lost: Deferred.Deferred<never, FileLockError>) =>
  Effect.sync(() => {
    let complaint = ""
    child.stderr?.on("data", (chunk: Buffer) => complaint += chunk.toString())
    child.once("error", (cause) => Deferred.doneUnsafe(lost, Effect.fail(fail(path, cause.message, cause))))
    child.once("close", (code) =>
      Deferred.doneUnsafe(lost, Effect.fail(fail(path, complaint.trim() || `flock ended with ${code}`))))
  })

/** `cat` runs once the lock is there, and says back what it is told. */
const held = (child: ChildProcess) =>
  Effect.callback<void>((resume) => {
    child.stdout?.once("data", () => resume(Effect.void))
    child.stdin?.write("held\n")
  })

const contention = (path: string, pid: number) =>
  Effect.gen(function*() {
    while (true) {
      const locks = yield* Effect.tryPromise({
        try: () => readFile("/proc/locks", "utf8"),
        catch: (cause) => fail(path, `cannot see who waits: ${String(cause)}`, cause)
      })
      if (isWaitedFor(locks, pid)) return
      yield* Effect.sleep(lookMs)
    }
  })

export const layer: Layer.Layer<FileLock> = Layer.succeed(
  FileLock,
  FileLock.of({
    acquire: Effect.fn("FileLock.acquire")(function*(path: string) {
      const child = yield* start(path)
      const lost = yield* Deferred.make<never, FileLockError>()
      yield* ended(path, child, lost)
      yield* Effect.raceFirst(held(child), Deferred.await(lost))
      const lock: HeldLock = {
        contended: Effect.raceFirst(contention(path, child.pid ?? 0), Deferred.await(lost))
      }
      return lock
    })
  })
)
