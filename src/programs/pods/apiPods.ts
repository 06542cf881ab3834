/** The API server as a source of pods: those bound to this node (parity C1). */
import { Effect, Result, Stream } from "effect"
import { decodePod } from "../../domain/k8s/decode.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import * as resources from "../../domain/k8s/resources.ts"
import type { KubeObject } from "../../layers/api/KubeApi.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { type Change, reflect } from "../api/reflector.ts"
import { StatusWriter } from "../status/StatusWriter.ts"
import { supervise } from "../supervise.ts"
import { PodRegistry } from "./PodRegistry.ts"

/** A pod that does not fit its schema is reported and left alone: it must not hide the others. */
const decode = (object: KubeObject): Effect.Effect<Pod | undefined> => {
  const decoded = decodePod(object)
  return Result.isSuccess(decoded)
    ? Effect.succeed(decoded.success)
    : Effect.as(Effect.logError(decoded.failure.message), undefined)
}

/** Runs for ever. */
export const apiPods = Effect.gen(function*() {
  const config = yield* AgentConfig
  const registry = yield* PodRegistry
  const statuses = yield* StatusWriter

  const take = Effect.fnUntraced(function*(change: Change) {
    if (change._tag === "Snapshot") {
      const pods = (yield* Effect.forEach(change.objects, decode)).filter((pod) => pod !== undefined)
      yield* registry.replace("api", pods)
      return yield* Effect.forEach(pods, statuses.reconcile, { discard: true })
    }
    const pod = yield* decode(change.object)
    if (pod === undefined) return
    if (change._tag === "Remove") return yield* registry.remove("api", pod.metadata.uid, pod)
    yield* registry.upsert("api", pod)
    yield* statuses.reconcile(pod)
  })

  const selection = { fieldSelector: `spec.nodeName=${config.nodeName}` }
  return yield* supervise("pods of the API", Stream.runForEach(reflect(resources.pods, selection), take))
})
