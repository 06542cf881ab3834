/** What a pod may show to an image registry: its pull secrets (parity N4). */
import { Context, Effect, Layer, Result } from "effect"
import type { ImageName } from "../../domain/images/imageName.ts"
import { authsFor } from "../../domain/images/keyring.ts"
import { credentialsOf, type KeyringEntry, type RegistryAuth } from "../../domain/images/pullSecrets.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { ObjectCache } from "../volumes/ObjectCache.ts"

export class Credentials extends Context.Service<Credentials, {
  /** To try in this order; none means that the registry is asked anonymously. */
  readonly forImage: (pod: Pod, image: ImageName) => Effect.Effect<ReadonlyArray<RegistryAuth>>
}>()("kubeffect/programs/images/Credentials") {}

export const layer: Layer.Layer<Credentials, never, EventRecorder | ObjectCache> = Layer.effect(
  Credentials,
  Effect.gen(function*() {
    const objects = yield* ObjectCache
    const events = yield* EventRecorder

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
      forImage: (pod, image) => Effect.map(secretsOf(pod), (entries) => authsFor(entries, image))
    })
  })
)
