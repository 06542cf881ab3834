/**
 * Fills a simulated runtime with what its machine ran before, as far as the API server remembers it: a process that
 * takes a node over finds the same sandboxes and containers, by their ids, that another one left. Processes go on from
 * where they would be now.
 */
import { create } from "@bufbuild/protobuf"
import { containerAnnotations, containerLabels, sandboxLabels } from "../../../domain/config/labels.ts"
import { containerResources } from "../../../domain/config/linuxResources.ts"
import { namespaceOptions } from "../../../domain/config/namespaces.ts"
import { defaultNodeSettings } from "../../../domain/config/nodeSettings.ts"
import { containerLogPath, podLogDirectory } from "../../../domain/config/podPaths.ts"
import type { Container } from "../../../domain/k8s/container.ts"
import type { Pod } from "../../../domain/k8s/pod.ts"
import type { ContainerStateTerminated, ContainerStatus } from "../../../domain/k8s/podStatus.ts"
import { parseTime } from "../../../domain/k8s/time.ts"
import { isTerminalPhase, slotOf } from "../../../domain/pod/spec.ts"
import { LinuxContainerResourcesSchema, NamespaceMode, NamespaceOptionSchema, Signal } from "../../../gen/cri/api_pb.ts"
import { behaviourOf } from "./createContainer.ts"
import { fullName } from "./images.ts"
import type { Program } from "./program.ts"
import { type ContainerRecord, neverRun, type SandboxRecord } from "./records.ts"
import { containerName, sandboxName, type SimRuntime } from "./SimRuntime.ts"

/** A loop is not played again for longer than this: nobody waits for the log of a month. */
const replayMs = 600_000

const timeOf = (text: string | undefined): number => text === undefined ? 0 : parseTime(text) ?? 0

/** `containerd://<id>`. */
const idOf = (reference: string | undefined): string => /^[^:]+:\/\/(.+)$/.exec(reference ?? "")?.[1] ?? ""

const loops = ({ steps }: Program): boolean => steps.some((step, at) => step.op === "jump" && step.to <= at)

/** One run of a container as the pod's status tells it. */
interface Run {
  readonly id: string
  readonly attempt: number
  readonly startedAtMs: number
  readonly ended: ContainerStateTerminated | undefined
}

/** The newest run; none for a container that waits for its first. */
const newestRun = ({ containerID, lastState, restartCount = 0, state }: ContainerStatus): Run | undefined => {
  const ended = state?.terminated ?? (state?.running === undefined ? lastState?.terminated : undefined)
  if (state?.running === undefined && ended === undefined) return undefined
  const id = idOf(ended?.containerID ?? containerID)
  const startedAtMs = timeOf(ended === undefined ? state?.running?.startedAt : ended.startedAt)
  return id === "" ? undefined : { id, attempt: restartCount, startedAtMs, ended }
}

const imageOf = (runtime: SimRuntime, container: Container): ContainerRecord["image"] | undefined => {
  const name = fullName(container.image ?? "")
  const answer = runtime.options.registry(name)
  if (answer._tag !== "Image") return undefined
  const stored = runtime.images.add(name, answer)
  return {
    image: stored.tags[0] ?? stored.id,
    userSpecifiedImage: container.image ?? "",
    ref: stored.digests[0] ?? stored.id,
    id: stored.id
  }
}

const newRecord = (
  runtime: SimRuntime,
  { pod, sandbox }: { readonly pod: Pod; readonly sandbox: SandboxRecord },
  { container, run }: { readonly container: Container; readonly run: Run }
): ContainerRecord | undefined => {
  const image = imageOf(runtime, container)
  if (image === undefined) return undefined
  return {
    id: run.id,
    sandbox,
    name: container.name,
    attempt: run.attempt,
    labels: containerLabels(pod, container),
    annotations: containerAnnotations(pod, container, run.attempt),
    mounts: [],
    image,
    createdAtMs: Math.max(1, run.startedAtMs),
    logPath: `${sandbox.logDirectory}/${containerLogPath(container.name, run.attempt)}`,
    user: { uid: 0, gid: 0, groups: [0] },
    stopSignal: Signal.SIGTERM,
    isInit: sandbox.namespaces?.pid === NamespaceMode.CONTAINER,
    resources: create(LinuxContainerResourcesSchema, containerResources(pod, container, defaultNodeSettings)),
    ...neverRun,
    ...behaviourOf(runtime, {
      image: container.image ?? "",
      podName: pod.metadata.name,
      podNamespace: pod.metadata.namespace,
      podAnnotations: pod.metadata.annotations ?? {},
      containerName: container.name,
      attempt: run.attempt,
      command: [...container.command ?? [], ...container.args ?? []]
    })
  }
}

const resume = (runtime: SimRuntime, record: ContainerRecord, { ended, startedAtMs }: Run, now: number): void => {
  if (ended === undefined) {
    // Everything that the process did since is due at once, each at its own time, and so is its log.
    runtime.start(record, loops(record.process.program) ? Math.max(startedAtMs, now - replayMs) : startedAtMs)
    record.startedAtMs = startedAtMs
    return
  }
  runtime.touchLog(record)
  record.state = "Exited"
  record.startedAtMs = startedAtMs
  record.finishedAtMs = timeOf(ended.finishedAt)
  record.exitCode = ended.exitCode
  record.reason = ended.reason ?? ""
  record.message = ended.message ?? ""
}

const adoptSandbox = (runtime: SimRuntime, pod: Pod, podLogsDir: string, now: number): SandboxRecord | undefined => {
  const { annotations = {}, name, namespace, uid } = pod.metadata
  const ips = (pod.status?.podIPs ?? []).flatMap(({ ip }) => ip === undefined ? [] : [ip])
  const address = pod.spec.hostNetwork === true ? undefined : runtime.addresses.claim(ips)
  // Its address lies in no range of this machine: it is made anew, with one that does.
  if (address === undefined && pod.spec.hostNetwork !== true) return undefined
  const sandbox: SandboxRecord = {
    id: runtime.newId(),
    name,
    namespace,
    uid,
    attempt: 0,
    labels: sandboxLabels(pod),
    annotations,
    createdAtMs: Math.max(1, timeOf(pod.status?.startTime ?? pod.metadata.creationTimestamp)),
    runtimeHandler: "",
    logDirectory: podLogDirectory(podLogsDir, pod),
    namespaces: create(NamespaceOptionSchema, namespaceOptions(pod, {})),
    address,
    ready: true,
    containers: new Set(),
    listed: undefined
  }
  runtime.names.set(sandboxName(sandbox), sandbox.id)
  runtime.addSandbox(sandbox, now)
  return sandbox
}

/** Nothing is adopted of a pod that is over, or that had not begun. */
export const adopt = (runtime: SimRuntime, pod: Pod, { now, podLogsDir }: {
  readonly now: number
  readonly podLogsDir: string
}): void => {
  const { containerStatuses = [], ephemeralContainerStatuses = [], initContainerStatuses = [], phase } = pod.status ??
    {}
  if (isTerminalPhase(phase)) return
  const runs = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].flatMap((status) => {
    const run = newestRun(status)
    const container = slotOf(pod, status.name)?.container
    return run === undefined || container === undefined ? [] : [{ container, run }]
  })
  if (runs.length === 0) return
  const sandbox = adoptSandbox(runtime, pod, podLogsDir, now)
  if (sandbox === undefined) return
  for (const each of runs) {
    const record = newRecord(runtime, { pod, sandbox }, each)
    if (record === undefined || runtime.containers.has(record.id)) continue
    runtime.containers.set(record.id, record)
    runtime.names.set(containerName(record), record.id)
    sandbox.containers.add(record)
    resume(runtime, record, each.run, now)
  }
}
