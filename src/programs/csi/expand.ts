/**
 * Makes a volume that has grown larger on this node, and tells its claim (parity I18). What is written to the claim holds
 * for the claim as it was read, so that of several writers none undoes another's word.
 */
import { Clock, Effect, Result } from "effect"
import { uniqueName } from "../../domain/csi/csiPaths.ts"
import {
  type ClaimPatch,
  expansionBegun,
  expansionFailed,
  expansionFinished,
  type ExpansionStep,
  expansionStep,
  type Growth,
  isInfeasible,
  isSmaller
} from "../../domain/csi/expansion.ts"
import { statusText } from "../../domain/csi/outcome.ts"
import { expandRequest } from "../../domain/csi/requests.ts"
import type { EventText } from "../../domain/events/occurrence.ts"
import { decodePersistentVolumeClaim } from "../../domain/k8s/decode.ts"
import { persistentVolumeClaims } from "../../domain/k8s/resources.ts"
import type { PersistentVolumeClaim } from "../../domain/k8s/storage.ts"
import { valueOfText } from "../../domain/resources/quantity.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import type { CsiError } from "../../layers/csi/Csi.ts"
import { GrpcCode } from "../../layers/grpc/Grpc.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { refuse } from "../volumes/VolumeError.ts"
import type { RegisteredDriver } from "./CsiDrivers.ts"
import { readSecret } from "./csiInputs.ts"
import { CsiLocks } from "./CsiLocks.ts"
import { identityOf, type OfPod, toldOf } from "./told.ts"

export interface ExpandWish extends OfPod {
  readonly driver: RegisteredDriver
  /** Empty for a volume that is not staged. */
  readonly stagingPath: string
  readonly volumePath: string
  /** The size it is known to have. */
  readonly reached: string | undefined
}

export interface Expanded {
  /** As it is now. */
  readonly claim: PersistentVolumeClaim
  /** There is nothing more to do for this size. */
  readonly reached: boolean
}

const nameOf = ({ metadata }: PersistentVolumeClaim) => ({
  namespace: metadata.namespace ?? "",
  name: metadata.name
})

const readClaim = Effect.fnUntraced(function*(claim: PersistentVolumeClaim) {
  const api = yield* KubeApi
  const object = yield* api.get(persistentVolumeClaims, nameOf(claim)).pipe(
    Effect.mapError(({ detail }) => refuse(`mountVolume.NodeExpandVolume get PVC failed : ${detail}`))
  )
  return yield* Effect.fromResult(decodePersistentVolumeClaim(object))
})

const tellClaim = Effect.fnUntraced(function*(claim: PersistentVolumeClaim, body: ClaimPatch) {
  const api = yield* KubeApi
  const object = yield* api.patch(persistentVolumeClaims, nameOf(claim), { type: "merge", body }, {
    subresource: "status"
  })
  return yield* Effect.fromResult(decodePersistentVolumeClaim(object))
})

/** Users look at the pod and at the claim. */
const tellUsers = Effect.fnUntraced(function*({ pod }: OfPod, claim: PersistentVolumeClaim, text: EventText) {
  const events = yield* EventRecorder
  yield* events.recordPod(pod, text)
  yield* events.record({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    ...nameOf(claim),
    uid: claim.metadata.uid ?? ""
  }, text)
})

/** What cannot be written is told: the failure itself matters more. */
const tellFailure = Effect.fnUntraced(function*(wish: ExpandWish, growth: Growth, error: CsiError, text: string) {
  const locks = yield* CsiLocks
  const name = uniqueName(identityOf(toldOf(wish)))
  const asked = growth.claim.spec.resources?.requests?.["storage"]
  // A user who meanwhile asks for another size than the one that fails is not kept waiting for it.
  const changedMind = locks.failedExpansions.has(name) && asked !== growth.capacity
  locks.failedExpansions.add(name)
  const nowMs = yield* Clock.currentTimeMillis
  const infeasible = isInfeasible(error.code) || changedMind
  yield* tellClaim(growth.claim, expansionFailed(growth.claim, { message: text, infeasible, nowMs })).pipe(
    Effect.catch((problem) => Effect.logWarning(`claim ${growth.claim.metadata.name} cannot be told`, problem))
  )
})

const callDriver = Effect.fnUntraced(function*(wish: ExpandWish, growth: Growth) {
  const { driver, stagingPath, volumePath } = wish
  const { expandSecret, facts } = toldOf(wish)
  return yield* Effect.result(driver.calls.nodeExpandVolume(expandRequest({
    facts,
    abilities: driver.abilities,
    sizeBytes: valueOfText(growth.capacity),
    secrets: yield* readSecret(expandSecret),
    stagingPath,
    volumePath
  })))
})

const grow = Effect.fnUntraced(function*(
  wish: ExpandWish,
  read: Growth,
  { legacy, tells }: ExpansionStep & { _tag: "Expand" }
) {
  const locks = yield* CsiLocks
  const { nodeName } = yield* AgentConfig
  const { specName } = wish.volume
  const claim = tells && !legacy ? yield* tellClaim(read.claim, expansionBegun(read.claim)) : read.claim
  const growth = { ...read, claim }
  const answer = yield* callDriver(wish, growth)
  if (Result.isFailure(answer)) {
    const { failure } = answer
    const text = `Expander.NodeExpand failed to expand the volume: ${statusText(failure.code, failure.detail)}`
    if (failure.final && !legacy) yield* tellFailure(wish, growth, failure, text)
    if (failure.code !== GrpcCode.FailedPrecondition) return yield* refuse(text)
    // The driver can only do this to volumes that nobody uses: the next mount will, perhaps.
    yield* Effect.logWarning(`volume ${specName}: ${text}`)
    return { claim, reached: true } satisfies Expanded
  }
  const name = uniqueName(identityOf(toldOf(wish)))
  locks.failedExpansions.delete(name)
  locks.sizes.set(name, growth.capacity)
  yield* tellUsers(wish, claim, {
    type: "Normal",
    reason: "FileSystemResizeSuccessful",
    message: `MountVolume.NodeExpandVolume succeeded for volume "${specName}" ${nodeName}`
  })
  if (!tells) return { claim, reached: true } satisfies Expanded
  const told = yield* tellClaim(claim, expansionFinished(claim, growth.capacity)).pipe(
    Effect.mapError(({ message }) => refuse(`mountVolume.NodeExpandVolume update pvc status failed: ${message}`))
  )
  return { claim: told, reached: true } satisfies Expanded
})

const refuseReadOnly = Effect.fnUntraced(function*(wish: ExpandWish, claim: PersistentVolumeClaim) {
  yield* tellUsers(wish, claim, {
    type: "Warning",
    reason: "FileSystemResizeFailed",
    message: `MountVolume.NodeExpandVolume failed for volume "${wish.volume.specName}" requested read-only file system`
  })
  return { claim, reached: true } satisfies Expanded
})

/** Undefined for a volume that cannot grow. Under the volume's lock. */
export const expand = Effect.fn("csi.expand")(function*(wish: ExpandWish) {
  const { driver, volume } = wish
  const { growth } = volume
  if (growth === undefined) return undefined
  const locks = yield* CsiLocks
  // Whether its controller makes it larger all by itself: then there is nothing to do here.
  if (!driver.abilities.expands) return { claim: growth.claim, reached: true } satisfies Expanded
  const known = locks.sizes.get(uniqueName(identityOf(toldOf(wish))))
  const reached = known !== undefined && isSmaller(wish.reached, known) ? known : wish.reached
  const first = expansionStep(growth, reached, volume)
  if (first._tag === "Done") return { claim: growth.claim, reached: true } satisfies Expanded
  // Decided on the claim as it is at this moment; what led here may be a minute old.
  const claim = yield* readClaim(growth.claim)
  const now = { ...growth, claim }
  const step = expansionStep(now, reached, volume)
  if (step._tag === "Expand") return yield* grow(wish, now, step)
  if (step._tag === "ReadOnly") return yield* refuseReadOnly(wish, claim)
  return { claim, reached: step._tag === "Done" } satisfies Expanded
})
