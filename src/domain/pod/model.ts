/**
 * The vocabulary of one pod's life on a node: what a worker sees (`PodView`), what it remembers (`PodMemory`) and what it
 * is told to do (`Action`). All of it is plain data, so that `plan` is a pure function and a trace of a run is readable.
 */
import { Data } from "effect"
import type { Pod } from "../k8s/pod.ts"
import type { PodStatus } from "../k8s/podStatus.ts"
import type { Allocation } from "../resize/allocation.ts"

/** Where a pod was declared (parity C1, C4). */
export type PodSource = "api" | "file" | "http"

export type ContainerKind = "init" | "sidecar" | "regular" | "ephemeral"

/** A sandbox as the runtime reports it. Times are epoch milliseconds. */
export interface ObservedSandbox {
  readonly id: string
  readonly attempt: number
  readonly ready: boolean
  readonly createdAtMs: number
  /** Primary address first; empty for host network. */
  readonly ips: ReadonlyArray<string>
  readonly hostNetwork: boolean
  readonly runtimeHandler: string
}

/** A container record as the runtime reports it. Times are epoch milliseconds, 0 when they have not come yet. */
export interface ObservedContainer {
  readonly id: string
  readonly name: string
  readonly sandboxId: string
  /** `io.kubernetes.container.restartCount` of the record. */
  readonly restartCount: number
  readonly state: "Created" | "Running" | "Exited" | "Unknown"
  readonly createdAtMs: number
  readonly startedAtMs: number
  readonly finishedAtMs: number
  readonly exitCode: number
  readonly reason: string
  /** The runtime's message, or the container's own termination message once it has been read (parity D14). */
  readonly message: string
  /** Image as the user wrote it, its resolved reference and its id. */
  readonly image: string
  readonly imageRef: string
  readonly imageId: string
  /** `io.kubernetes.container.hash` of the record (parity D3). */
  readonly hash: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly logPath: string
  /** As a pod's spec would name it. */
  readonly stopSignal?: string
  readonly resources?: {
    readonly cpuShares: number
    readonly cpuQuota: number
    readonly cpuPeriod: number
    readonly memoryLimitBytes: number
  }
  readonly user?: {
    readonly uid: number
    readonly gid: number
    readonly supplementalGroups: ReadonlyArray<number>
  }
}

/** Everything the runtime knows of a pod, newest first. */
export interface ObservedPod {
  readonly sandboxes: ReadonlyArray<ObservedSandbox>
  readonly containers: ReadonlyArray<ObservedContainer>
}

/** Latest verdicts on one running container; absent means that no such probe exists or that it has not decided yet. */
export interface ProbeVerdict {
  readonly startup?: "success" | "failure"
  readonly readiness?: "success" | "failure"
  readonly liveness?: "success" | "failure"
}

/** Why a start did not come to a running container, as `state.waiting` shows it. */
export interface StartFailure {
  readonly reason: string
  readonly message: string
  readonly atMs: number
  /** Failed tries in a row for the same reason class; drives the back-off of image pulls (parity N2). */
  readonly tries: number
}

/** Why the resize that was granted to one generation of the spec could not be carried out. */
export interface ResizeFailure {
  readonly message: string
  readonly atMs: number
  readonly tries: number
  readonly generation: number
}

/** An action that was tried and may have to be tried again: when it was last, how often, and with which grace. */
export interface Attempt {
  readonly atMs: number
  readonly tries: number
  readonly graceMs: number
}

/** A back-off entry (parity D11): the delay in force and when it was last used. */
export interface BackoffEntry {
  readonly delayMs: number
  readonly lastMs: number
}

/** Something ends the pod before or besides its own containers. Irreversible; the grace can only shrink (parity C10). */
export interface Termination {
  readonly why: "Deleted" | "Evicted" | "Preempted" | "DeadlineExceeded" | "Shutdown" | "Removed" | "Finished"
  /** Overrides the pod's own grace period, in seconds. */
  readonly gracePeriodSeconds?: number
  /** Phase, reason and message that the status ends with, for ends that are not the user's deletion (parity F9). */
  readonly status?: { readonly phase: "Failed" | "Succeeded"; readonly reason: string; readonly message: string }
  /** Condition to set with it (`DisruptionTarget` of eviction, preemption and shutdown). */
  readonly condition?: { readonly type: string; readonly reason: string; readonly message: string }
}

/** What the worker knows and the runtime does not. Rebuilt from the API object after a crash, never needed for safety. */
export interface PodMemory {
  /** When the node accepted the pod: `status.startTime`. */
  readonly acceptedAtMs: number
  /** The newest status computed for the pod: source of transition times, and of records that the runtime has lost. */
  readonly lastStatus: PodStatus | undefined
  readonly startFailures: Readonly<Record<string, StartFailure>>
  readonly sandboxFailure: StartFailure | undefined
  /** Crash back-off by container name (parity D11). */
  readonly restartBackoff: Readonly<Record<string, BackoffEntry>>
  /** Actions under way, by lane: at most one of each; a lane that is busy gets no further action. */
  readonly busy: {
    /** A sandbox is being made or stopped. */
    readonly sandbox: boolean
    /** Name of the container being pulled, created or started. */
    readonly start: string | undefined
    /** Ids of containers being killed, with the reason and message that will stand in their status. */
    readonly kills: Readonly<Record<string, KillReason>>
    /** A resize is being carried out. */
    readonly resize?: boolean
  }
  readonly termination: Termination | undefined
  /** Kills, sandbox stops and removals tried, by `<verb>:<id>`: kept by `plan`, so that a failing one is paced. */
  readonly attempts?: Readonly<Record<string, Attempt>>
  /** Containers killed in order to run again, by name, whatever their policy says of it (parity D3, D9): kept by `plan`. */
  readonly owed?: Readonly<Record<string, { readonly id: string; readonly why: StartReason }>>
  /** Image that each container's start was last tried with; another one ends the back-off (parity N2): kept by `plan`. */
  readonly triedImages?: Readonly<Record<string, string>>
  /** The exit of a container restarts them all in place (KEP-5532): kept by `plan` until the records are gone. */
  readonly restartingAll?: boolean
  /** Why the resize that was granted could not be carried out yet. */
  readonly resizeFailure?: ResizeFailure
  /** What holds the pod up, once its event was given (network, volumes): kept by `plan`. */
  readonly held?: { readonly reason: string; readonly message: string }
}

/** What the plan needs of the node. */
export interface NodeView {
  readonly nodeName: string
  readonly hostIPs: ReadonlyArray<string>
  readonly networkReady: boolean
  readonly networkMessage: string
  /** Cap of the crash back-off in milliseconds, 300 000 by default (parity D11). */
  readonly maxRestartDelayMs: number
  /** Scheme of container ids in the status; `containerd` by default. */
  readonly runtimeName?: string
  /** Runtime handlers that can mount recursively read-only; the default handler is "" (parity D21). */
  readonly recursiveReadOnlyHandlers?: ReadonlyArray<string>
}

export interface VolumeView {
  readonly ready: boolean
  /** Why not, as users read it in the event `FailedMount`. */
  readonly message: string
}

/** How the pod stands to what its spec asks for (parity D17). */
export interface ResizeView {
  /** What containers and group have until the resize is carried out; absent: what they were allotted. */
  readonly inForce?: Allocation
  /** What the spec asks for and the node does not grant. */
  readonly pending?: {
    readonly reason: "Deferred" | "Infeasible"
    readonly message: string
    readonly generation: number
  }
  /** Generation of the spec that was granted last, as far as this agent knows. */
  readonly generation?: number
}

/** One look at one pod. */
export interface PodView {
  /** With the resources that it was allotted. */
  readonly pod: Pod
  readonly source: PodSource
  readonly observed: ObservedPod
  readonly memory: PodMemory
  /** By container id. */
  readonly probes: Readonly<Record<string, ProbeVerdict>>
  readonly volumes: VolumeView
  readonly resize?: ResizeView
  readonly node: NodeView
  readonly nowMs: number
}

export type KillReason =
  | "PodTerminating"
  | "PodFinished"
  | "LivenessFailed"
  | "StartupFailed"
  | "DefinitionChanged"
  | "SandboxChanged"
  | "ContainerUnknown"
  | "PostStartFailed"
  | "SidecarNotNeeded"
  | "RestartAllContainers"
  | "Resize"

export type StartReason = "FirstStart" | "Restart" | "DefinitionChanged" | "SandboxChanged"

/** What the interpreter is to do. Repeating an action that has happened is harmless. */
export type Action = Data.TaggedEnum<{
  /** Makes attempt `attempt` of the pod's sandbox. */
  RunSandbox: { readonly attempt: number; readonly why: "FirstStart" | "SandboxChanged" }
  /** Stops a sandbox none of whose containers runs any more. */
  StopSandbox: { readonly id: string; readonly why: "PodTerminating" | "PodFinished" | "SandboxChanged" }
  /** Pulls, creates and starts a container, then runs its postStart hook. */
  StartContainer: {
    readonly name: string
    readonly kind: ContainerKind
    readonly sandboxId: string
    readonly restartCount: number
    readonly why: StartReason
  }
  /** Fits the pod's group and the containers that run to what the pod was allotted (parity D17). */
  ResizePod: {
    readonly sandboxId: string
    /** Of the spec that it was granted to. */
    readonly generation: number
    readonly containers: ReadonlyArray<{ readonly id: string; readonly name: string }>
  }
  /** Gives up the start that is under way: the pod ends, or its container is not wanted any more. */
  CancelStart: { readonly name: string }
  /**
   * preStop hook, then TERM, then KILL after what is left of `graceMs`. `message` is the text of the event `Killing`, of
   * which there is none when it is empty. `preStopOnly`: the hook alone; the rest follows when its turn comes (parity D7).
   */
  KillContainer: {
    readonly id: string
    readonly name: string
    readonly graceMs: number
    readonly runPreStop: boolean
    readonly preStopOnly?: boolean
    readonly why: KillReason
    readonly message: string
  }
  /** Drops a dead record, such as an init container's before its next run. */
  RemoveContainer: { readonly id: string; readonly name: string }
}>
export const Action = Data.taggedEnum<Action>()

/** An event on the pod, as `kubectl describe` shows it. */
export interface PodEvent {
  readonly type: "Normal" | "Warning"
  readonly reason: string
  readonly message: string
  /** Container the event is about; absent for the pod itself. */
  readonly container?: { readonly name: string; readonly kind: ContainerKind }
}

export type PodStage = "syncing" | "terminating" | "terminated"

/** The answer to a `PodView`. */
export interface Plan {
  readonly actions: ReadonlyArray<Action>
  /** The status users should see now. */
  readonly status: PodStatus
  /** Events of this very transition (back-off, refusal to start); those of actions are made by their interpreter. */
  readonly events: ReadonlyArray<PodEvent>
  /** When to look again if nothing happens before, epoch milliseconds. */
  readonly wakeAtMs: number | undefined
  /** `terminated`: no container runs, no sandbox is ready, none will be made again; volumes and cgroups may go. */
  readonly stage: PodStage
  /** The memory to keep: back-off entries and termination as this plan changed them. */
  readonly memory: PodMemory
}
