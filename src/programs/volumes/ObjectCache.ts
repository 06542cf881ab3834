/**
 * The Secrets and ConfigMaps that pods of this node refer to, each watched by itself (the node authorizer allows nothing
 * wider, parity Q4), shared between pods and dropped with the last of them (parity I6).
 */
import { Context, Effect, Layer } from "effect"
import { type EnvLookups, type Lookup, podReferences } from "../../domain/config/lookups.ts"
import type { ConfigMap } from "../../domain/k8s/configMap.ts"
import { decodeConfigMap, decodeSecret } from "../../domain/k8s/decode.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import { configMaps, secrets } from "../../domain/k8s/resources.ts"
import type { Secret } from "../../domain/k8s/secret.ts"
import type { KubeApi } from "../../layers/api/KubeApi.ts"
import * as KeyedMailbox from "../KeyedMailbox.ts"
import { objectStore } from "./objectStore.ts"

export interface ObjectReferences {
  readonly secrets: ReadonlySet<string>
  readonly configMaps: ReadonlySet<string>
}

export class ObjectCache extends Context.Service<ObjectCache, {
  /** Watches what the pod refers to from now on, and no more what it did before; repeatable. */
  readonly track: (pod: Pod) => Effect.Effect<void>
  readonly untrack: (uid: string) => Effect.Effect<void>
  /** What is known now; `undefined` until the server has answered once. Of what no pod tracks: a `Failed`. */
  readonly secret: (namespace: string, name: string) => Effect.Effect<Lookup<Secret> | undefined>
  readonly configMap: (namespace: string, name: string) => Effect.Effect<Lookup<ConfigMap> | undefined>
  /** Waits for the first answers, at most ten seconds; what has not come by then is `Failed`. For variables of containers. */
  readonly lookup: (
    namespace: string,
    references: ObjectReferences
  ) => Effect.Effect<Pick<EnvLookups, "secrets" | "configMaps">>
  /** UIDs of the pods that refer to an object that changed. One consumer. */
  readonly changed: Effect.Effect<ReadonlyArray<string>>
}>()("kubeffect/programs/volumes/ObjectCache") {}

export const layer: Layer.Layer<ObjectCache, never, KubeApi> = Layer.effect(
  ObjectCache,
  Effect.gen(function*() {
    const mailbox = yield* KeyedMailbox.make
    const ofSecrets = yield* objectStore(
      { resource: secrets, label: "secret", decode: decodeSecret },
      mailbox.offer
    )
    const ofConfigMaps = yield* objectStore(
      { resource: configMaps, label: "configmap", decode: decodeConfigMap },
      mailbox.offer
    )
    const none: ReadonlySet<string> = new Set()

    return ObjectCache.of({
      track: Effect.fnUntraced(function*(pod: Pod) {
        const { namespace, uid } = pod.metadata
        const references = podReferences(pod)
        yield* ofSecrets.retain(uid, namespace, references.secrets)
        yield* ofConfigMaps.retain(uid, namespace, references.configMaps)
      }),
      untrack: (uid) => Effect.andThen(ofSecrets.retain(uid, "", none), ofConfigMaps.retain(uid, "", none)),
      secret: ofSecrets.peek,
      configMap: ofConfigMaps.peek,
      lookup: Effect.fnUntraced(function*(namespace: string, references: ObjectReferences) {
        return {
          secrets: yield* ofSecrets.waitAll(namespace, references.secrets),
          configMaps: yield* ofConfigMaps.waitAll(namespace, references.configMaps)
        }
      }),
      changed: mailbox.takeAll
    })
  })
)
