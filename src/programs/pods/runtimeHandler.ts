/** Which handler of the runtime runs a pod: its RuntimeClass says so (parity D19). */
import { Effect, Schema } from "effect"
import { decodeRuntimeClass } from "../../domain/k8s/decode.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import * as resources from "../../domain/k8s/resources.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"

/** The pod names a RuntimeClass that cannot be used. */
export class RuntimeClassError extends Schema.TaggedError<RuntimeClassError>()("RuntimeClassError", {
  runtimeClass: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    const detail = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `failed to get sandbox runtime: RuntimeClass "${this.runtimeClass}": ${detail}`
  }
}

/** Empty for the runtime's default. */
export const runtimeHandlerOf = Effect.fnUntraced(function*(pod: Pod) {
  const name = pod.spec.runtimeClassName ?? ""
  if (name === "") return ""
  const api = yield* KubeApi
  return yield* api.get(resources.runtimeClasses, { name }).pipe(
    Effect.flatMap((object) => Effect.fromResult(decodeRuntimeClass(object))),
    Effect.map((runtimeClass) => runtimeClass.handler),
    Effect.mapError((cause) => new RuntimeClassError({ runtimeClass: name, cause }))
  )
})
