/** Reads the claims of a pod and the volumes behind them. The node may get both by name, and watch neither. */
import { Effect, Result } from "effect"
import { Lookup } from "../../domain/config/lookups.ts"
import { decodePersistentVolume, decodePersistentVolumeClaim, type MalformedObject } from "../../domain/k8s/decode.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import { type ApiResource, persistentVolumeClaims, persistentVolumes } from "../../domain/k8s/resources.ts"
import { claimState } from "../../domain/volumes/claims.ts"
import type { ClaimUse } from "../../domain/volumes/desired.ts"
import { KubeApi, type KubeObject, type ObjectName } from "../../layers/api/KubeApi.ts"
import { VolumeHost } from "./VolumeHost.ts"

const read = Effect.fnUntraced(function*<A>(
  resource: ApiResource,
  target: ObjectName,
  decode: (object: KubeObject) => Result.Result<A, MalformedObject>
) {
  const api = yield* KubeApi
  const answer = yield* Effect.result(api.get(resource, target))
  if (Result.isFailure(answer)) {
    const { failure } = answer
    return failure.reason._tag === "NotFound" ? Lookup.Missing() : Lookup.Failed({ message: failure.detail })
  }
  const decoded = decode(answer.success)
  return Result.isSuccess(decoded)
    ? Lookup.Found({ value: decoded.success })
    : Lookup.Failed({ message: decoded.failure.message })
})

const readClaim = Effect.fnUntraced(function*(pod: Pod, { claimName, ephemeral }: ClaimUse) {
  const { namespace } = pod.metadata
  const claim = yield* read(persistentVolumeClaims, { namespace, name: claimName }, decodePersistentVolumeClaim)
  const volumeName = claim._tag === "Found" ? claim.value.spec.volumeName ?? "" : ""
  const volume = volumeName === "" ? undefined : yield* read(
    persistentVolumes,
    { name: volumeName },
    decodePersistentVolume
  )
  return [
    claimName,
    claimState(pod, { claimName, ephemeral, claim, volume, node: yield* (yield* VolumeHost).node })
  ] as const
})

export const readClaims = Effect.fn("readClaims")(function*(pod: Pod, claims: ReadonlyArray<ClaimUse>) {
  return yield* Effect.forEach(claims, (claim) => readClaim(pod, claim), { concurrency: "unbounded" })
})
