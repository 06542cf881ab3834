/** Reasons and messages for ends of containers that nobody saw (parity F3, D10). */
import type { ContainerStateTerminated } from "../k8s/podStatus.ts"

export const unknownReason = "ContainerStatusUnknown"

export const lostAtEnd = "The container could not be located when the pod was terminated"

/** The two spaces are the kubelet's. */
export const lostWhileRunning =
  "The container could not be located when the pod was deleted.  The container used to be Running"

export const initLostButDone =
  "Unable to get init container status from container runtime and pod has been initialized, treat it as exited normally"

export const restartingAllReason = "RestartingAllContainers"
export const restartingAllMessage = "The container is removed because RestartAllContainers in place"

/** Its record was removed in order to run it again: whatever its policy says of the exit code, it does. */
export const isRestartInPlace = (ended: ContainerStateTerminated | undefined): boolean =>
  ended?.reason === restartingAllReason

/** An end that was inferred. The status that tells it counts the next run already. */
export const isSurmise = (ended: ContainerStateTerminated | undefined): boolean =>
  ended !== undefined && ended.containerID === undefined &&
  (ended.reason === unknownReason || ended.reason === restartingAllReason)
