/** Keeps the logs of running containers within their size: moves them aside, compresses and drops old ones (parity G6). */
import { Clock, Effect } from "effect"
import { compressedName, compressingName, logRotation } from "../../domain/gc/logRotation.ts"
import { Cri, type CriError } from "../../layers/cri/Cri.ts"
import { Compression } from "../../layers/host/Compression.ts"
import { type HostFileError, HostFiles } from "../../layers/host/HostFiles.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { rounds } from "../rounds.ts"
import { RuntimeView } from "../runtime/RuntimeView.ts"
import { supervise } from "../supervise.ts"

const compress = Effect.fnUntraced(function*(path: string) {
  const files = yield* HostFiles
  const compression = yield* Compression
  yield* compression.gzipFile(path, compressingName(path))
  yield* files.rename(compressingName(path), compressedName(path))
  yield* files.removeFile(path)
})

/**
 * Gives the container a new file. In one piece: between the two steps the container writes into a file that nobody looks
 * for. A crash there is healed by the next round, which finds no live file and has the runtime open one.
 */
const moveAside = Effect.fnUntraced(function*(containerId: string, path: string, to: string) {
  const cri = yield* Cri
  const files = yield* HostFiles
  yield* files.rename(path, to)
  yield* cri.reopenContainerLog({ containerId }).pipe(
    Effect.tapError(() => files.rename(to, path))
  )
}, Effect.uninterruptible)

const rotate = Effect.fnUntraced(function*(containerId: string, path: string, maxFiles: number) {
  const files = yield* HostFiles
  const slash = path.lastIndexOf("/")
  const folder = path.slice(0, slash)
  const siblings = yield* files.readDirectory(folder)
  const plan = logRotation({ log: path.slice(slash + 1), siblings }, maxFiles, yield* Clock.currentTimeMillis)
  yield* Effect.forEach(plan.remove, (name) => files.removeFile(`${folder}/${name}`), { discard: true })
  yield* Effect.forEach(plan.compress, (name) => compress(`${folder}/${name}`), { discard: true })
  if (plan.rotateTo !== undefined) yield* moveAside(containerId, path, `${folder}/${plan.rotateTo}`)
})

/** A log that may want something done: it has grown, or cannot be found. */
interface Log {
  readonly containerId: string
  readonly path: string
}

const look = Effect.fnUntraced(function*({ containerId, path }: Log) {
  const cri = yield* Cri
  const files = yield* HostFiles
  const config = yield* AgentConfig
  const size = yield* Effect.map(files.stat(path), ({ sizeBytes }) => sizeBytes).pipe(
    Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(undefined))
  )
  if (size === undefined) return yield* cri.reopenContainerLog({ containerId })
  if (size >= config.containerLogMaxSizeBytes) yield* rotate(containerId, path, config.containerLogMaxFiles)
}, (effect, { containerId }) => tolerant(effect, containerId))

/** One log that cannot be rotated must not let the others grow. */
const tolerant = <R>(effect: Effect.Effect<unknown, HostFileError | CriError, R>, containerId: string) =>
  effect.pipe(
    Effect.catchReason("CriError", "NotFound", () => Effect.void),
    Effect.catch((error) => Effect.logWarning(`cannot rotate the log of the container ${containerId}`, error))
  )

/** Runs for ever. */
export const logRotationLoop = Effect.gen(function*() {
  const cri = yield* Cri
  const files = yield* HostFiles
  const config = yield* AgentConfig
  const view = yield* RuntimeView
  // Where a container's log lies never changes, so the runtime is asked for it once at most. Empty: it has none.
  const paths = new Map<string, string>()
  // Made anew when a container comes or goes, for nearly every round is about the same ones.
  let logs: ReadonlyArray<Log> = []
  let logPaths: ReadonlyArray<string> = []

  const learn = Effect.fnUntraced(function*(containerId: string) {
    const path = (yield* view.logPathOf(containerId)) ?? (yield* cri.containerStatus({ containerId })).status?.logPath
    paths.set(containerId, path ?? "")
  }, (effect, containerId) => tolerant(effect, containerId))

  const round = Effect.gen(function*() {
    const running = yield* view.running
    let changed = false
    for (const id of paths.keys()) if (!running.has(id)) changed = paths.delete(id)
    for (const id of running) {
      if (paths.has(id)) continue
      yield* learn(id)
      changed = true
    }
    if (changed) {
      logs = [...paths].filter(([, path]) => path !== "").map(([containerId, path]) => ({ containerId, path }))
      logPaths = logs.map(({ path }) => path)
    }
    // All at once: most logs are far from their size most of the time.
    const stats = yield* files.statAll(logPaths)
    const due = logs.filter((_, index) => (stats[index]?.sizeBytes ?? Infinity) >= config.containerLogMaxSizeBytes)
    if (due.length === 0) return
    yield* Effect.forEach(due, look, { concurrency: config.containerLogMaxWorkers, discard: true })
  })

  return yield* supervise("log rotation", rounds(config.containerLogMonitorIntervalMs, round))
})
