/**
 * When a volume that has grown is made larger on this node, and what its claim says of it meanwhile. The controller that
 * resizes the volume itself tells by the claim's status whether it is the node's turn (parity I18, KEP-1790).
 */
import { Data, Result } from "effect"
import type { PersistentVolumeClaim, PersistentVolumeClaimCondition } from "../k8s/storage.ts"
import { formatTime } from "../k8s/time.ts"
import { parseQuantity, valueOf } from "../resources/quantity.ts"

/** A persistent volume behind a claim, as both were last read. */
export interface Growth {
  /** Quantity: what the PersistentVolume says it holds. */
  readonly capacity: string
  readonly claim: PersistentVolumeClaim
}

export type ExpansionStep = Data.TaggedEnum<{
  /** It is as large as it should be. */
  Done: {}
  /** It is not the node's turn, or no longer. */
  Wait: {}
  /** A volume that may only be read cannot grow here. */
  ReadOnly: {}
  /** `tells`: the claim is told of it; its status has the new size already when another node was first. */
  Expand: { readonly legacy: boolean; readonly tells: boolean }
}>
export const ExpansionStep = Data.taggedEnum<ExpansionStep>()

const notRequired = "volume.kubernetes.io/node-expansion-not-required"

const bytesOf = (text: string | undefined): bigint | undefined => {
  const parsed = parseQuantity(text ?? "")
  return Result.isSuccess(parsed) ? valueOf(parsed.success) : undefined
}

export const claimSize = ({ status }: PersistentVolumeClaim): string | undefined => status?.capacity?.["storage"]

export const isSmaller = (size: string | undefined, than: string): boolean => {
  const [one, other] = [bytesOf(size), bytesOf(than)]
  return one !== undefined && other !== undefined && one < other
}

/** `reached`: the size the volume is known to have on this node. */
export const expansionStep = (
  { capacity, claim }: Growth,
  reached: string | undefined,
  volume: { readonly readOnly: boolean }
): ExpansionStep => {
  if (!isSmaller(reached, capacity)) return ExpansionStep.Done()
  if (volume.readOnly) return ExpansionStep.ReadOnly()
  const { metadata, spec, status } = claim
  const state = status?.allocatedResourceStatuses?.["storage"] ?? ""
  // A controller older than the recovery of failed expansions tells nothing.
  if (state === "" && status?.allocatedResources === undefined) {
    return ExpansionStep.Expand({ legacy: true, tells: true })
  }
  if (state === "" && !isSmaller(claimSize(claim), capacity)) {
    // Another node was first. A volume of many nodes is to be made larger on each of them all the same.
    if (metadata.annotations?.[notRequired] !== undefined) return ExpansionStep.Done()
    return spec.accessModes?.includes("ReadWriteMany") === true
      ? ExpansionStep.Expand({ legacy: false, tells: false })
      : ExpansionStep.Wait()
  }
  return state === "NodeResizePending" || state === "NodeResizeInProgress"
    ? ExpansionStep.Expand({ legacy: false, tells: true })
    : ExpansionStep.Wait()
}

/** InvalidArgument, NotFound, OutOfRange: as it was asked for it will never be (numbers of gRPC's status codes). */
const hopeless: ReadonlySet<number> = new Set([3, 5, 11])

export const isInfeasible = (code: number): boolean => hopeless.has(code)

const resizeConditions: ReadonlySet<string> = new Set([
  "FileSystemResizePending",
  "Resizing",
  "ControllerResizeError",
  "NodeResizeError"
])

/** A merge patch of the claim's status. */
export interface ClaimPatch {
  readonly metadata?: { readonly resourceVersion: string }
  readonly status: {
    readonly capacity?: Readonly<Record<string, string>>
    readonly conditions?: ReadonlyArray<PersistentVolumeClaimCondition>
    readonly allocatedResourceStatuses?: Readonly<Record<string, string | null>>
  }
}

/** Holds only for the claim as it was read: another writer in between is not overwritten. */
const ofVersion = ({ metadata }: PersistentVolumeClaim) =>
  metadata.resourceVersion === undefined ? {} : { metadata: { resourceVersion: metadata.resourceVersion } }

export const expansionBegun = (claim: PersistentVolumeClaim): ClaimPatch => ({
  ...ofVersion(claim),
  status: { allocatedResourceStatuses: { storage: "NodeResizeInProgress" } }
})

/** `infeasible`: the node gives up, and the controller may settle for a smaller size. */
export const expansionFailed = (
  claim: PersistentVolumeClaim,
  failure: { readonly message: string; readonly infeasible: boolean; readonly nowMs: number }
): ClaimPatch => {
  const others = (claim.status?.conditions ?? []).filter(({ type }) => type !== "NodeResizeError")
  const condition = {
    type: "NodeResizeError",
    status: "True",
    lastTransitionTime: formatTime(failure.nowMs),
    message: `failed to expand pvc with ${failure.message}`
  }
  return {
    status: {
      conditions: [...others, condition],
      ...(failure.infeasible ? { allocatedResourceStatuses: { storage: "NodeResizeInfeasible" } } : {})
    }
  }
}

export const expansionFinished = (claim: PersistentVolumeClaim, capacity: string): ClaimPatch => ({
  ...ofVersion(claim),
  status: {
    capacity: { storage: capacity },
    conditions: (claim.status?.conditions ?? []).filter(({ type }) => !resizeConditions.has(type)),
    ...(claim.status?.allocatedResourceStatuses?.["storage"] === undefined
      ? {}
      : { allocatedResourceStatuses: { storage: null } })
  }
})
