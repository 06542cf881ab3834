/**
 * The static pods of a file or folder on the node: read at each change and, as a net, every now and then. A manifest that
 * is no good is reported by name and hides none of the others; a pod already running from it runs on (parity C4).
 */
import { Clock, Effect, Ref, Stream } from "effect"
import * as Yaml from "effect/encoding/Yaml"
import type { Pod } from "../../domain/k8s/pod.ts"
import { formatTime } from "../../domain/k8s/time.ts"
import { MalformedManifest, staticPod } from "../../domain/staticPods/staticPod.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { PodRegistry } from "../pods/PodRegistry.ts"
import { supervise } from "../supervise.ts"

/** Larger manifests are refused (parity C4). */
const maxManifestBytes = 10 * 1024 * 1024

interface Known {
  readonly contents: string
  readonly pod: Pod | undefined
}

/** Runs for ever; keeps the registry's `file` source equal to what lies at `path`. */
export const staticFiles = Effect.fnUntraced(function*(path: string) {
  const files = yield* HostFiles
  const config = yield* AgentConfig
  const registry = yield* PodRegistry
  const events = yield* EventRecorder
  // By file. A file that cannot be read now keeps the pod it had: a half-written manifest must not kill a running pod.
  const known = yield* Ref.make<ReadonlyMap<string, Known>>(new Map())

  const parse = Effect.fnUntraced(function*(origin: string, contents: string) {
    const manifest = yield* Effect.try({
      try: () => Yaml.parse(contents),
      catch: (cause) => new MalformedManifest({ origin, detail: String(cause) })
    })
    return yield* Effect.fromResult(staticPod(manifest, {
      source: "file",
      origin,
      contents,
      nodeName: config.nodeName,
      seen: formatTime(yield* Clock.currentTimeMillis)
    }))
  })

  const readOne = Effect.fnUntraced(function*(file: string, before: Known | undefined) {
    const stat = yield* files.stat(file)
    if (stat.type !== "file") return before
    if (stat.sizeBytes > maxManifestBytes) {
      return yield* new MalformedManifest({ origin: file, detail: `is larger than ${maxManifestBytes} bytes` })
    }
    const contents = yield* files.readText(file)
    if (before !== undefined && before.contents === contents) return before
    return yield* parse(file, contents).pipe(
      Effect.map((pod): Known => ({ contents, pod })),
      Effect.tapError((error) =>
        Effect.andThen(
          Effect.logError(error.message),
          events.recordNode({ type: "Warning", reason: "FailedValidation", message: error.message })
        )
      ),
      Effect.catch(() => Effect.succeed({ contents, pod: before?.pod }))
    )
  })

  const list = Effect.gen(function*() {
    const stat = yield* files.stat(path)
    if (stat.type !== "directory") return [path]
    const names = yield* files.readDirectory(path)
    return names.filter((name) => !name.startsWith(".")).map((name) => `${path}/${name}`)
  }).pipe(Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed<Array<string>>([])))

  const readAll = Effect.gen(function*() {
    const before = yield* Ref.get(known)
    const next = new Map<string, Known>()
    for (const file of yield* list) {
      const seen = yield* readOne(file, before.get(file)).pipe(
        Effect.catch((error) => Effect.as(Effect.logError(error.message), before.get(file)))
      )
      if (seen !== undefined) next.set(file, seen)
    }
    yield* Ref.set(known, next)
    const pods = [...next.values()].flatMap(({ pod }) => pod === undefined ? [] : [pod])
    yield* registry.replace("file", pods)
  })

  const loop = Effect.gen(function*() {
    yield* readAll
    yield* files.watch(path).pipe(
      // Editors write in several steps; one reading after them is enough.
      Stream.debounce("50 millis"),
      Stream.runForEach(() => readAll),
      // A folder that does not exist yet, or went away: the next round looks again.
      Effect.catch(() => Effect.never),
      Effect.timeoutOrElse({ duration: config.fileCheckFrequencyMs, orElse: () => Effect.void })
    )
  })
  return yield* supervise("static pod files", Effect.forever(loop))
})
