/**
 * Waits until a volume is attached to this node (parity I16): the node says that it is going to use it, the attach
 * controller says in the node's status that it is there, and the VolumeAttachment tells how drivers find it.
 */
import { Effect, Schedule, Stream } from "effect"
import { attachmentName, type CsiIdentity, uniqueName } from "../../domain/csi/csiPaths.ts"
import { decodeVolumeAttachment } from "../../domain/k8s/decode.ts"
import { volumeAttachments } from "../../domain/k8s/resources.ts"
import type { VolumeAttachment } from "../../domain/k8s/storage.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import { GrpcCode } from "../../layers/grpc/Grpc.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { NodeState } from "../node/NodeState.ts"
import { refuse, VolumeError } from "../volumes/VolumeError.ts"
import { CsiDrivers } from "./CsiDrivers.ts"
import { VolumesInUse } from "./VolumesInUse.ts"

const patienceMs = 600_000

/** A node may read an attachment by its name, and watch none. */
const lookAgain = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")])

const shownAttached = Effect.fnUntraced(function*(name: string) {
  const state = yield* NodeState
  yield* state.nodeChanges.pipe(
    Stream.filter((node) => node?.status?.volumesAttached?.some((volume) => volume.name === name) === true),
    Stream.take(1),
    Stream.runDrain
  )
})

const readAttachment = Effect.fnUntraced(function*(name: string) {
  const api = yield* KubeApi
  return yield* Effect.fromResult(decodeVolumeAttachment(yield* api.get(volumeAttachments, { name })))
})

const problemOf = ({ metadata, status }: VolumeAttachment): string | undefined => {
  if (metadata.deletionTimestamp !== undefined) return "volume attachment is being deleted"
  return status?.attached === true ? undefined : status?.attachError?.message
}

/** The driver serves no more volumes on this node. */
const isLimit = ({ status }: VolumeAttachment): boolean =>
  status?.attached !== true && status?.attachError?.errorCode === GrpcCode.ResourceExhausted

/** The scheduler believed that there is room: it is told the truth, and the pod is left for another node (parity J2). */
const refuseForLimit = Effect.fnUntraced(function*({ driver }: CsiIdentity, problem: string) {
  const drivers = yield* CsiDrivers
  yield* drivers.refresh(driver).pipe(
    Effect.catch((error) => Effect.logWarning(`the limit of driver ${driver} cannot be asked for`, error))
  )
  return yield* new VolumeError({
    detail: problem,
    ends: {
      reason: "VolumeAttachmentLimitExceeded",
      message: "Node has reached its volume attachment limit, rejecting pod"
    }
  })
})

/** Answers the publish context. */
export const untilAttached = Effect.fn("csi.untilAttached")(function*(identity: CsiIdentity) {
  const { enableControllerAttachDetach, nodeName } = yield* AgentConfig
  const inUse = yield* VolumesInUse
  const name = uniqueName(identity)
  yield* inUse.add(name)
  const waited = Effect.gen(function*() {
    yield* inUse.untilReported(name)
    if (enableControllerAttachDetach) yield* shownAttached(name)
    const attachment = yield* readAttachment(attachmentName(identity, nodeName)).pipe(
      Effect.filterOrFail(
        (found) => found.status?.attached === true || problemOf(found) !== undefined,
        () => refuse("not yet")
      ),
      Effect.retry(lookAgain)
    )
    const problem = problemOf(attachment)
    if (problem !== undefined && isLimit(attachment)) return yield* refuseForLimit(identity, problem)
    if (problem !== undefined) return yield* refuse(problem)
    return attachment.status?.attachmentMetadata ?? {}
  })
  return yield* Effect.timeoutOrElse(waited, {
    duration: patienceMs,
    orElse: () => Effect.fail(refuse(`timed out waiting for attachment of volume ${identity.handle}`))
  })
})
