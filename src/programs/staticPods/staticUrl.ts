/**
 * The static pods of a URL: asked for every now and then. While the server does not answer, or answers with what is no
 * manifest, the pods that it told of last run on; an empty answer ends them (parity C4).
 */
import { Clock, Effect } from "effect"
import * as Yaml from "effect/encoding/Yaml"
import { formatTime } from "../../domain/k8s/time.ts"
import { staticPods } from "../../domain/staticPods/manifestList.ts"
import { MalformedManifest } from "../../domain/staticPods/staticPod.ts"
import { ManifestUrl } from "../../layers/manifests/ManifestUrl.ts"
import { AgentConfig, type ManifestPlace } from "../AgentConfig.ts"
import { PodRegistry } from "../pods/PodRegistry.ts"
import { supervise } from "../supervise.ts"

/** After so many failures in a row only those who ask for details are told of more. */
const loudFailures = 3

/** Runs for ever; keeps the registry's `http` source equal to what the server has. */
export const staticUrl = Effect.fnUntraced(function*({ everyMs, headers, url }: ManifestPlace) {
  const manifests = yield* ManifestUrl
  const config = yield* AgentConfig
  const registry = yield* PodRegistry
  let known: string | undefined
  let failures = 0

  const parse = Effect.fnUntraced(function*(contents: string) {
    const manifest = yield* Effect.try({
      try: () => Yaml.parse(contents),
      catch: (cause) => new MalformedManifest({ origin: url, detail: String(cause) })
    })
    const seen = formatTime(yield* Clock.currentTimeMillis)
    const origin = { source: "http", origin: url, contents, nodeName: config.nodeName, seen } as const
    return yield* Effect.fromResult(staticPods(manifest, origin))
  })

  const ask = Effect.gen(function*() {
    const contents = yield* manifests.read({ url, headers })
    if (contents === "") {
      known = undefined
      yield* registry.replace("http", [])
      return yield* new MalformedManifest({ origin: url, detail: "zero-length data received" })
    }
    if (contents === known) return
    yield* registry.replace("http", yield* parse(contents))
    known = contents
  })

  const told = ask.pipe(
    Effect.tap(() => {
      const said = failures > 0 ? Effect.logInfo(`Successfully read pods from URL ${url}`) : Effect.void
      failures = 0
      return said
    }),
    Effect.catch((error) => {
      failures += 1
      const words = `Failed to read pods from URL: ${error.message}`
      if (failures === loudFailures + 1) return Effect.logDebug(`${words}. Dropping verbosity of this message`)
      return failures <= loudFailures ? Effect.logWarning(words) : Effect.logDebug(words)
    })
  )
  return yield* supervise("static pod URL", Effect.forever(Effect.andThen(told, Effect.sleep(everyMs))))
})
