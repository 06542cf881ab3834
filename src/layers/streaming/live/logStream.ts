/**
 * The bytes of a container's log as a stream: from the start or the last lines, and with `follow` on through rotations
 * until the container has ended. New lines are noticed by file events; a slow reader makes this wait, not remember.
 */
import { Duration, Effect, Exit, Fiber, Option, Queue, Scope, Stream } from "effect"
import { dirname } from "node:path"
import {
  dropCarry,
  type LogFilter,
  read,
  type ReadingState,
  type ReadingStep,
  readRest,
  startReading
} from "../../../domain/logs/reading.ts"
import { scanTail, startTail } from "../../../domain/logs/tail.ts"
import type { HostFileError, HostFiles, PinnedPath } from "../../host/HostFiles.ts"

export interface LogSource {
  readonly path: string
  readonly filter: LogFilter
  readonly tailLines: Option.Option<number>
}

export interface FollowOptions {
  /** Ends when the container is known to have ended. A hint: `isRunning` decides. */
  readonly ended: Effect.Effect<void>
  readonly isRunning: Effect.Effect<boolean>
}

const blockBytes = 64 * 1024
// Lines that come close together are read together: that keeps thousands of lines a second cheap.
const gatherMs = 10
// A writer may hold the old file for a moment after the new one has appeared.
const rotationMs = 100
// Should an event be lost after all.
const safetyNet = Duration.seconds(10)

type Files = HostFiles["Service"]

/** An open log file and how far it has been read. */
interface OpenLog {
  readonly file: PinnedPath
  readonly scope: Scope.Closeable
  offset: number
}

/** The log as it is now. */
export const readLog = (files: Files, source: LogSource): Stream.Stream<Uint8Array, HostFileError> =>
  produce((emit) =>
    Effect.gen(function*() {
      const log = yield* openLog(files, yield* files.realPath(source.path))
      log.offset = yield* startOf(files, log, source.tailLines)
      const reader = makeReader(files, source.filter, emit)
      yield* reader.drain(log)
      yield* reader.finish
    }).pipe(Effect.scoped)
  )

/** The log as it is now, and as it grows until the container has ended. */
export const followLog = (
  files: Files,
  source: LogSource,
  options: FollowOptions
): Stream.Stream<Uint8Array, HostFileError> =>
  produce((emit) =>
    Effect.gen(function*() {
      const path = yield* files.realPath(source.path)
      const hints = yield* Queue.sliding<void, HostFileError>(1)
      // The first hint says that the watch is in place, so nothing is missed between reading and waiting.
      yield* files.watch(dirname(path)).pipe(
        Stream.runForEach(() => Queue.offer(hints, undefined)),
        Effect.catch((error) => Effect.asVoid(Queue.fail(hints, error))),
        Effect.forkScoped
      )
      yield* Queue.take(hints)
      const life = yield* watchLife(options)
      let log = yield* openLog(files, path)
      log.offset = yield* startOf(files, log, source.tailLines)
      const reader = makeReader(files, source.filter, emit)
      while (!reader.isDone()) {
        // Known before reading: what a container wrote before its end is in the file by then.
        const running = life.isRunning()
        if (yield* reader.drain(log)) {
          yield* Effect.sleep(gatherMs)
          continue
        }
        // Only now: a hint may have stood for both, more lines and a rotation.
        const next = yield* rotated(files, path, log, reader.drain)
        if (next !== log) {
          log = next
          reader.startFile()
        } else if (running) {
          yield* life.wait(Queue.take(hints))
        } else {
          break
        }
      }
      yield* reader.finish
    }).pipe(Effect.scoped)
  )

const produce = (
  make: (emit: (bytes: Uint8Array) => Effect.Effect<void>) => Effect.Effect<void, HostFileError>
): Stream.Stream<Uint8Array, HostFileError> =>
  Stream.callback<Uint8Array, HostFileError>(
    (queue) =>
      make((bytes) => bytes.length === 0 ? Effect.void : Effect.asVoid(Queue.offer(queue, bytes))).pipe(
        Effect.andThen(Queue.end(queue)),
        Effect.catch((error) => Queue.fail(queue, error))
      ),
    { bufferSize: 2, strategy: "suspend" }
  )

const openLog = Effect.fnUntraced(function*(files: Files, path: string) {
  const outer = yield* Effect.scope
  const scope = yield* Scope.fork(outer)
  // Pinned: a rename must not change what is read.
  const file = yield* Scope.provide(files.openBeneath(dirname(path), path.slice(dirname(path).length + 1)), scope)
  const log: OpenLog = { file, scope, offset: 0 }
  return log
})

const startOf = Effect.fnUntraced(function*(files: Files, { file }: OpenLog, tailLines: Option.Option<number>) {
  if (Option.isNone(tailLines)) {
    return 0
  }
  const { sizeBytes } = yield* files.stat(file.path)
  let step = startTail(tailLines.value, sizeBytes)
  while (step._tag === "More") {
    const to = step.search.scannedFrom
    const from = Math.max(0, to - blockBytes)
    const block = yield* files.readRange(file.path, { offsetBytes: from, lengthBytes: to - from })
    if (block.length < to - from) {
      // Truncated meanwhile: what is left is newer than any tail.
      return 0
    }
    step = scanTail(step.search, block, sizeBytes)
  }
  return step.offset
})

const makeReader = (files: Files, filter: LogFilter, emit: (bytes: Uint8Array) => Effect.Effect<void>) => {
  let state: ReadingState = startReading(filter)
  let done = false
  const take = (step: ReadingStep): Effect.Effect<void> => {
    state = step.state
    done = step.done
    return Effect.andThen(
      emit(step.output),
      step.malformed === 0 ? Effect.void : Effect.logWarning(`Skipped ${step.malformed} malformed lines of a log`)
    )
  }
  /** Reads to the end of the file; true when there was anything. */
  const drain = Effect.fnUntraced(function*(log: OpenLog) {
    let found = false
    while (!done) {
      const bytes = yield* files.readRange(log.file.path, { offsetBytes: log.offset, lengthBytes: blockBytes })
      found ||= bytes.length > 0
      log.offset += bytes.length
      if (bytes.length > 0) {
        yield* take(read(filter, state, bytes))
      }
      if (bytes.length < blockBytes) {
        break
      }
    }
    return found
  })
  return {
    drain,
    isDone: () => done,
    startFile: () => {
      state = dropCarry(state)
    },
    finish: Effect.suspend(() => done ? Effect.void : take(readRest(filter, state)))
  }
}

// Looked at only when a file has nothing new: as long as it grows it is the live one.
const rotated = Effect.fnUntraced(function*(
  files: Files,
  path: string,
  log: OpenLog,
  drain: (log: OpenLog) => Effect.Effect<boolean, HostFileError>
) {
  const now = yield* files.stat(path).pipe(
    Effect.map(Option.some),
    Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(Option.none()))
  )
  if (Option.isNone(now)) {
    // Renamed, and the new one is yet to be made.
    return log
  }
  if (now.value.ino === log.file.stat.ino && now.value.dev === log.file.stat.dev) {
    // Cut off in place, as tools do that copy and truncate: it begins anew.
    return now.value.sizeBytes < log.offset ? { ...log, offset: 0 } : log
  }
  yield* Effect.sleep(rotationMs)
  yield* drain(log)
  const next = yield* openLog(files, path)
  yield* Scope.close(log.scope, Exit.void)
  return next
})

/** Knows whether the container runs, asking the runtime only when there is a reason to. */
const watchLife = Effect.fnUntraced(function*(options: FollowOptions) {
  let running = yield* options.isRunning
  let ended: Effect.Effect<void> = Effect.asVoid(Fiber.await(yield* Effect.forkScoped(options.ended)))
  const look = Effect.map(options.isRunning, (now) => {
    running = now
  })
  const lookTwice = Effect.gen(function*() {
    yield* look
    if (running) {
      // The agent may know a moment before the runtime says so. If not even then, it was wrong.
      ended = Effect.never
      yield* Effect.sleep(rotationMs)
      yield* look
    }
  })
  return {
    isRunning: () => running,
    /** Waits for a hint, or for news of the container's end. */
    wait: <E>(hint: Effect.Effect<void, E>): Effect.Effect<void, E> =>
      Effect.raceFirst(Effect.as(hint, Effect.void), Effect.suspend(() => Effect.as(ended, lookTwice))).pipe(
        Effect.timeoutOrElse({ duration: safetyNet, orElse: () => Effect.succeed(look) }),
        Effect.flatten
      )
  }
})
