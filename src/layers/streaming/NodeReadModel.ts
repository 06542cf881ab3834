/**
 * What the node's HTTP server may know of the agent: its pods, containers, configuration and health, as they are now.
 * The agent program provides it from its own state; the server only reads, and acts through `Cri`.
 */
import { Context, type Effect, type Option, Schema } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"

/** No such pod here, or no such container in it. */
export class NotOnNode extends Schema.TaggedError<NotOnNode>()("NotOnNode", {
  what: Schema.Literals(["pod", "container"]),
  name: Schema.String
}) {
  override get message(): string {
    return `${this.what} not found (${JSON.stringify(this.name)})`
  }
}

export interface PodTarget {
  readonly namespace: string
  readonly pod: string
  /** When given, a pod of that name with another uid does not count. */
  readonly uid?: string
}

export interface ContainerTarget extends PodTarget {
  readonly container: string
}

/** A container as the runtime has it. */
export interface FoundContainer {
  /** Without the `containerd://` that statuses put before it. */
  readonly containerId: string
  readonly sandboxId: string
  readonly podUid: string
  readonly state: "Created" | "Running" | "Exited" | "Unknown"
}

/** One check of `/healthz`; a failure says what is wrong, for the log only. */
export interface HealthReport {
  readonly name: string
  readonly problem: Option.Option<string>
}

/** Space of one volume of a pod, for `/stats/summary`. Absent values are unknown. */
export interface VolumeUsage {
  readonly name: string
  readonly claim?: { readonly name: string; readonly namespace: string }
  readonly capacityBytes?: number
  readonly availableBytes?: number
  readonly usedBytes?: number
  readonly inodes?: number
  readonly inodesFree?: number
  readonly inodesUsed?: number
  readonly measuredAtMs: number
}

/** A control group that is neither a pod nor a container: the agent, the runtime, all pods together. */
export interface SystemGroup {
  readonly name: "kubelet" | "runtime" | "pods" | "misc"
  readonly cgroup: string
}

export class NodeReadModel extends Context.Service<NodeReadModel, {
  readonly nodeName: string
  /** The pods of this node with the statuses last computed for them. A mirror pod's name stands for its static pod. */
  readonly pods: Effect.Effect<ReadonlyArray<Pod>>
  /** What the runtime has, whoever asked for it, as minimal pods: `/runningpods/`. */
  readonly runtimePods: Effect.Effect<ReadonlyArray<Pod>>
  /** The newest container of that name, preferring one that runs. */
  readonly findContainer: (target: ContainerTarget) => Effect.Effect<FoundContainer, NotOnNode>
  /** The id of the pod's ready sandbox. */
  readonly findSandbox: (target: PodTarget) => Effect.Effect<string, NotOnNode>
  /** Ends once the container is known not to run; at once when it does not, or is not known. */
  readonly awaitContainerEnd: (containerId: string) => Effect.Effect<void>
  /** The KubeletConfiguration in force, as `/configz` shows it. */
  readonly config: Effect.Effect<unknown>
  /** `log` and `syncloop`, and what else the agent checks. `ping` is the server's own. */
  readonly health: Effect.Effect<ReadonlyArray<HealthReport>>
  readonly capacity: Effect.Effect<{ readonly cpus: number; readonly memoryBytes: number }>
  /** The pod's control group, as `Cgroups` names it; a container's lies in it under the container's id. */
  readonly podCgroup: (pod: Pod) => Option.Option<string>
  readonly systemGroups: Effect.Effect<ReadonlyArray<SystemGroup>>
  readonly volumeUsage: (podUid: string) => Effect.Effect<ReadonlyArray<VolumeUsage>>
}>()("kubeffect/layers/streaming/NodeReadModel") {}
