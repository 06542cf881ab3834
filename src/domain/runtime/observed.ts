/**
 * Turns what the runtime answers into the `ObservedPod` that `plan` reads: CRI messages in, plain data with
 * millisecond times out, newest first.
 */
import {
  type Container,
  ContainerState,
  type ContainerStatus,
  NamespaceMode,
  type PodSandbox,
  PodSandboxState,
  type PodSandboxStatus
} from "../../gen/cri/api_pb.ts"
import type { ObservedContainer, ObservedPod, ObservedSandbox } from "../pod/model.ts"
import { annotationHash, annotationRestartCount, labelContainerName } from "./labels.ts"
import { signalName } from "./stopSignal.ts"

const nanosPerMilli = 1_000_000n

/** CRI times are nanoseconds since the epoch; some runtimes answer Go's zero time, which is far below 0. */
const toMillis = (nanos: bigint): number => nanos <= 0n ? 0 : Number(nanos / nanosPerMilli)

const stateNames: Record<ContainerState, ObservedContainer["state"]> = {
  [ContainerState.CONTAINER_CREATED]: "Created",
  [ContainerState.CONTAINER_RUNNING]: "Running",
  [ContainerState.CONTAINER_EXITED]: "Exited",
  [ContainerState.CONTAINER_UNKNOWN]: "Unknown"
}

export const observedSandbox = (status: PodSandboxStatus): ObservedSandbox => ({
  id: status.id,
  attempt: status.metadata?.attempt ?? 0,
  ready: status.state === PodSandboxState.SANDBOX_READY,
  createdAtMs: toMillis(status.createdAt),
  ips: [status.network?.ip ?? "", ...(status.network?.additionalIps ?? []).map((address) => address.ip)]
    .filter((ip) => ip !== ""),
  hostNetwork: status.linux?.namespaces?.options?.network === NamespaceMode.NODE,
  runtimeHandler: status.runtimeHandler
})

const restartCountOf = (annotations: Readonly<Record<string, string>>, attempt: number): number => {
  const text = annotations[annotationRestartCount]
  const count = text === undefined ? Number.NaN : Number(text)
  return Number.isInteger(count) && count >= 0 ? count : attempt
}

export const observedContainer = (status: ContainerStatus, sandboxId: string): ObservedContainer => {
  const resources = status.resources?.linux
  const user = status.user?.linux
  const stopSignal = signalName(status.stopSignal)
  return {
    id: status.id,
    name: status.metadata?.name ?? status.labels[labelContainerName] ?? "",
    sandboxId,
    restartCount: restartCountOf(status.annotations, status.metadata?.attempt ?? 0),
    state: stateNames[status.state] ?? "Unknown",
    createdAtMs: toMillis(status.createdAt),
    startedAtMs: toMillis(status.startedAt),
    finishedAtMs: toMillis(status.finishedAt),
    exitCode: status.exitCode,
    reason: status.reason,
    message: status.message,
    image: status.image?.userSpecifiedImage || status.image?.image || "",
    imageRef: status.imageRef,
    imageId: status.imageId,
    hash: status.annotations[annotationHash] ?? "",
    labels: status.labels,
    annotations: status.annotations,
    logPath: status.logPath,
    ...(stopSignal === undefined ? {} : { stopSignal }),
    ...(resources === undefined ? {} : {
      resources: {
        cpuShares: Number(resources.cpuShares),
        cpuQuota: Number(resources.cpuQuota),
        cpuPeriod: Number(resources.cpuPeriod),
        memoryLimitBytes: Number(resources.memoryLimitInBytes)
      }
    }),
    ...(user === undefined ? {} : {
      user: {
        uid: Number(user.uid),
        gid: Number(user.gid),
        supplementalGroups: user.supplementalGroups.map(Number)
      }
    })
  }
}

/**
 * Newest first: of two the one with the higher count came later, whatever their times say, because the clock may have been
 * set back between them. Then by time, and by id, so that the order never depends on a listing's.
 */
export const observedPod = (
  sandboxes: ReadonlyArray<ObservedSandbox>,
  containers: ReadonlyArray<ObservedContainer>
): ObservedPod => ({
  sandboxes: [...sandboxes].sort((a, b) =>
    b.attempt - a.attempt || b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1)
  ),
  containers: [...containers].sort((a, b) =>
    b.restartCount - a.restartCount || b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1)
  )
})

/** What a listing shows of a sandbox or container that can change: differs exactly when its pod deserves a look. */
export const listedState = (entry: Container | ContainerStatus | PodSandbox | PodSandboxStatus): string =>
  `${entry.$typeName.startsWith("runtime.v1.Container") ? "c" : "s"}${entry.state}`

/** What it gives for a container that runs. */
export const runningState = `c${ContainerState.CONTAINER_RUNNING}`
