/**
 * What a pod may show to an image registry: its pull secrets (parity N4), then the node's own Docker configuration, then
 * what the credential plugins know (parity N6).
 */
import { Context, Effect, Layer, Result } from "effect"
import type { ImageName } from "../../domain/images/imageName.ts"
import { authsOfKeyrings, type SourcedAuth } from "../../domain/images/keyring.ts"
import {
  credentialsOf,
  CredentialSource,
  type KeyringEntry,
  readDockerConfig
} from "../../domain/images/pullSecrets.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { ObjectCache } from "../volumes/ObjectCache.ts"
import { PluginCredentials } from "./PluginCredentials.ts"

export class Credentials extends Context.Service<Credentials, {
  /** To try in this order; none means that the registry is asked anonymously. */
  readonly forImage: (pod: Pod, image: ImageName) => Effect.Effect<ReadonlyArray<SourcedAuth>>
}>()("kubeffect/programs/images/Credentials") {}

/** The node's own credentials, for every pod on it. A configuration that is no good is as one that is not there. */
const nodeEntries = Effect.fnUntraced(function*(rootDir: string) {
  const files = yield* HostFiles
  const read = Effect.fnUntraced(function*(path: string, form: "dockerconfigjson" | "dockercfg") {
    const text = yield* files.readText(path).pipe(
      Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(undefined)),
      Effect.catch((error) => Effect.as(Effect.logWarning("cannot read the node's credentials", error), undefined))
    )
    if (text === undefined) return []
    const entries = readDockerConfig(text, form, CredentialSource.Node())
    if (Result.isSuccess(entries)) return entries.success
    yield* Effect.logWarning(`${path} ${entries.failure}`)
    return []
  })
  const config = yield* read(`${rootDir}/config.json`, "dockerconfigjson")
  return config.length > 0 ? config : yield* read(`${rootDir}/.dockercfg`, "dockercfg")
})

type Requirements = AgentConfig | EventRecorder | HostFiles | ObjectCache | PluginCredentials

export const layer: Layer.Layer<Credentials, never, Requirements> = Layer.effect(
  Credentials,
  Effect.gen(function*() {
    const objects = yield* ObjectCache
    const events = yield* EventRecorder
    const plugins = yield* PluginCredentials
    const files = yield* HostFiles
    const { rootDir } = yield* AgentConfig

    /** A pull may still succeed without the secret: the image may be public. */
    const tellMissing = (pod: Pod, names: ReadonlyArray<string>) =>
      names.length === 0 ? Effect.void : events.recordPod(pod, {
        type: "Warning",
        reason: "FailedToRetrieveImagePullSecret",
        message: `Unable to retrieve some image pull secrets (${names.join(", ")}); ` +
          "attempting to pull the image may not succeed."
      })

    const secretsOf = Effect.fnUntraced(function*(pod: Pod) {
      const names = (pod.spec.imagePullSecrets ?? []).flatMap(({ name }) =>
        name === undefined || name === "" ? [] : [name]
      )
      if (names.length === 0) return []
      const looked = yield* objects.lookup(pod.metadata.namespace, { secrets: new Set(names), configMaps: new Set() })
      const entries: Array<KeyringEntry> = []
      const missing: Array<string> = []
      for (const name of names) {
        const secret = looked.secrets.get(name)
        if (secret?._tag !== "Found") {
          missing.push(name)
          continue
        }
        const read = credentialsOf(secret.value)
        if (Result.isSuccess(read)) entries.push(...read.success)
        else {
          yield* Effect.logWarning(read.failure.message)
          missing.push(name)
        }
      }
      yield* tellMissing(pod, missing)
      return entries
    })

    return Credentials.of({
      forImage: Effect.fn("Credentials.forImage")(function*(pod: Pod, image: ImageName) {
        const keyrings = [
          yield* secretsOf(pod),
          yield* Effect.provideService(nodeEntries(rootDir), HostFiles, files),
          yield* plugins.forImage(pod, image)
        ]
        return authsOfKeyrings(keyrings, image)
      })
    })
  })
)
