/** Which container's log a reader means (O4), by the pod's status, and the kubelet's words when there is none. */
import { Result } from "effect"
import type { ContainerStatus, PodStatus } from "../k8s/podStatus.ts"

/** The id of the container whose log to read, as the status has it (`containerd://…`), or why there is none. */
export const logSource = (
  pod: string,
  container: string,
  status: PodStatus | undefined,
  previous: boolean
): Result.Result<string, string> => {
  const found = statusOf(status, container)
  const subject = `container ${JSON.stringify(container)} in pod ${JSON.stringify(pod)}`
  if (found === undefined) {
    return Result.fail(`${subject} is not available`)
  }
  const last = found.lastState?.terminated
  const lastId = last?.containerID ?? ""
  if (previous) {
    return lastId === "" ? Result.fail(`previous terminated ${subject} not found`) : Result.succeed(lastId)
  }
  const { running, terminated, waiting } = found.state ?? {}
  if (running !== undefined) {
    return Result.succeed(found.containerID ?? "")
  }
  if (terminated !== undefined || last !== undefined) {
    // A container that could not be started again has no id of its own: its last run is what there is to read.
    const id = terminated?.containerID ?? ""
    return id !== "" || lastId !== ""
      ? Result.succeed(id === "" ? lastId : id)
      : Result.fail(`${subject} is terminated`)
  }
  return Result.fail(
    `${subject} is waiting to start${waiting === undefined ? " - no logs yet" : `: ${why(waiting.reason)}`}`
  )
}

const why = (reason = ""): string =>
  reason === "ErrImagePull"
    ? "image can't be pulled"
    : reason === "ImagePullBackOff"
    ? "trying and failing to pull image"
    : reason

const statusOf = (status: PodStatus | undefined, container: string): ContainerStatus | undefined =>
  [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? [])
  ].find(({ name }) => name === container)

/** `containerd://ID` → `ID`. */
export const runtimeIdOf = (containerId: string): string => containerId.replace(/^[^/]*:\/\//, "")
