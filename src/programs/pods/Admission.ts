/** Says whether the node takes a pod (parity C6–C9): one at a time, so that two pods never count on the same room. */
import { Context, Effect, Layer, Semaphore } from "effect"
import { type AdmissionNode, admit, type Verdict } from "../../domain/admission/admit.ts"
import { preemptedMessage } from "../../domain/admission/preemption.ts"
import { decodeNode } from "../../domain/k8s/decode.ts"
import type { Node } from "../../domain/k8s/node.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import * as resources from "../../domain/k8s/resources.ts"
import { newNode } from "../../domain/node/nodeObject.ts"
import type { PodSource } from "../../domain/pod/model.ts"
import { isTerminalPhase } from "../../domain/pod/spec.ts"
import { admitResize, type ResizeVerdict } from "../../domain/resize/admitResize.ts"
import { allocationFromStatus, allocationOf } from "../../domain/resize/allocation.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { Devices } from "../devices/Devices.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { NodeState } from "../node/NodeState.ts"
import { RuntimeHealth } from "../runtime/RuntimeHealth.ts"
import { RuntimeView } from "../runtime/RuntimeView.ts"
import { StatusWriter } from "../status/StatusWriter.ts"
import { Allocations } from "./Allocations.ts"
import { type DesiredPod, PodRegistry } from "./PodRegistry.ts"

export type AdmissionVerdict =
  | { readonly _tag: "Admitted" }
  /** Reason and message as the pod's status and event show them. */
  | { readonly _tag: "Rejected"; readonly reason: string; readonly message: string }

export class Admission extends Context.Service<Admission, {
  /** Whether the node takes a pod that it is to run; one that it takes is allotted the resources that it asks for. */
  readonly decide: (desired: DesiredPod) => Effect.Effect<AdmissionVerdict>
  /** Whether a pod that was taken may have the resources that its spec asks for by now; if so, it is allotted those. */
  readonly resize: (pod: Pod, source: PodSource) => Effect.Effect<ResizeVerdict>
}>()("kubeffect/programs/pods/Admission") {}

const appArmorSwitch = "/sys/module/apparmor/parameters/enabled"

/** A pod that makes room goes at once: whom it makes room for keeps the node alive (parity C8). */
const preempted = {
  why: "Preempted" as const,
  gracePeriodSeconds: 0,
  status: { phase: "Failed" as const, reason: "Preempting", message: preemptedMessage },
  condition: {
    type: "DisruptionTarget",
    reason: "TerminationByKubelet",
    message: "Pod was preempted by Kubelet to accommodate a critical pod."
  }
}

interface Gate {
  readonly allocations: Allocations["Service"]
  readonly api: KubeApi["Service"]
  readonly config: AgentConfig["Service"]
  readonly devices: Devices["Service"]
  readonly events: EventRecorder["Service"]
  readonly health: RuntimeHealth["Service"]
  readonly nodeState: NodeState["Service"]
  readonly registry: PodRegistry["Service"]
  readonly runtime: RuntimeView["Service"]
  readonly statuses: StatusWriter["Service"]
  readonly appArmor: boolean
  /** UIDs of the pods that have their place. */
  readonly admitted: Set<string>
}

/** Before the API has shown the node, it is what it will be registered as. */
const currentNode = Effect.fnUntraced(function*({ config, nodeState }: Gate) {
  const known = yield* nodeState.node
  return known ?? newNode(config, yield* nodeState.facts, {})
})

const freshNode = (gate: Gate) =>
  gate.api.get(resources.nodes, { name: gate.config.nodeName }).pipe(
    Effect.flatMap((object) => Effect.fromResult(decodeNode(object))),
    Effect.catch((error) => Effect.andThen(Effect.logWarning("cannot read the node anew", error), currentNode(gate)))
  )

const isOver = Effect.fnUntraced(function*({ statuses }: Gate, pod: Pod) {
  const latest = yield* statuses.latest(pod.metadata.uid)
  return isTerminalPhase(latest?.phase ?? pod.status?.phase)
})

/** Everybody else with what they were allotted. */
const others = Effect.fnUntraced(function*(gate: Gate, uid: string) {
  const { admitted, allocations, registry } = gate
  const known = yield* registry.all
  const present = new Set(known.map(({ pod }) => pod.metadata.uid))
  for (const former of admitted) if (!present.has(former)) admitted.delete(former)
  const taken = known.filter(({ ending, pod }) =>
    pod.metadata.uid !== uid && admitted.has(pod.metadata.uid) && ending === undefined
  )
  const alive = yield* Effect.filter(
    taken.map(({ pod }) => pod),
    (pod) => Effect.map(isOver(gate, pod), (over) => !over)
  )
  return yield* allocations.allApplied(alive)
})

const look = Effect.fnUntraced(function*(gate: Gate, pod: Pod, node: Node): Effect.fn.Return<AdmissionNode> {
  const { appArmor, config, health, nodeState } = gate
  return {
    node,
    allocatable: yield* nodeState.allocatable,
    kernelVersion: (yield* nodeState.facts).kernelVersion,
    allowedUnsafeSysctls: config.allowedUnsafeSysctls,
    pressure: yield* nodeState.pressure,
    strictSupplementalGroups: (yield* health.status).supplementalGroupsPolicy,
    appArmor,
    declaredFeatures: config.declaredFeatures,
    podLevelResources: config.podLevelResources,
    // Nothing announces a shutdown of the machine to the agent (parity B13).
    shuttingDown: false,
    others: yield* others(gate, pod.metadata.uid)
  }
})

const makeRoom = Effect.fnUntraced(function*({ events, registry }: Gate, victims: ReadonlyArray<Pod>) {
  for (const victim of victims) {
    yield* events.recordPod(victim, { type: "Warning", reason: "Preempting", message: preemptedMessage })
    yield* registry.end(victim.metadata.uid, preempted)
  }
})

/** A pod that this node began under an earlier agent stays: its place is taken already (parity C15). */
const hasBegun = Effect.fnUntraced(function*({ runtime }: Gate, pod: Pod) {
  if (isTerminalPhase(pod.status?.phase) || pod.metadata.deletionTimestamp !== undefined) return true
  return (yield* runtime.pods).some(({ uid }) => uid === pod.metadata.uid)
})

const judge = Effect.fnUntraced(function*(gate: Gate, { pod: wanted, source }: DesiredPod) {
  // What it was allotted before the agent was restarted counts, not what it would like to have since.
  const pod = yield* gate.allocations.applied(wanted)
  const first = admit(pod, source, yield* look(gate, pod, yield* currentNode(gate)))
  return first._tag === "Rejected" && first.byNodeLabels && !gate.config.standalone
    ? admit(pod, source, yield* look(gate, pod, yield* freshNode(gate)))
    : first
})

/** Devices are given out with the place on the node (parity L12): a pod that cannot have them is not taken. */
const takeDevices = ({ devices }: Gate, pod: Pod) =>
  devices.allocate(pod).pipe(
    Effect.as(undefined),
    Effect.catch(({ detail }) =>
      Effect.succeed({
        _tag: "Rejected" as const,
        reason: "UnexpectedAdmissionError",
        message: `Allocate failed due to ${detail}, which is unexpected`
      })
    )
  )

const decide = Effect.fn("Admission.decide")(function*(gate: Gate, desired: DesiredPod) {
  const { pod } = desired
  const begun = yield* hasBegun(gate, pod)
  const verdict: Verdict = begun ? { _tag: "Admitted" } : yield* judge(gate, desired)
  if (verdict._tag === "Rejected") return verdict
  if (verdict._tag === "Preempt") yield* makeRoom(gate, verdict.victims)
  const missing = begun ? undefined : yield* takeDevices(gate, pod)
  if (missing !== undefined) return missing
  const { uid } = pod.metadata
  gate.admitted.add(uid)
  if ((yield* gate.allocations.of(uid)) === undefined) {
    yield* gate.allocations.admit(uid, begun ? allocationFromStatus(pod) : allocationOf(pod))
  }
  return { _tag: "Admitted" as const }
})

const resize = Effect.fn("Admission.resize")(function*(gate: Gate, pod: Pod, source: PodSource) {
  const { allocations, config, nodeState } = gate
  const { uid } = pod.metadata
  const { memoryTotalBytes, swaps } = yield* nodeState.facts
  const verdict = admitResize(pod, (yield* allocations.of(uid)) ?? allocationOf(pod), source, {
    allocatable: yield* nodeState.allocatable,
    swap: {
      behavior: config.swapBehavior,
      controllerAvailable: true,
      nodeMemoryBytes: memoryTotalBytes,
      nodeSwapBytes: swaps.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    },
    exclusiveCpus: config.exclusiveCpus,
    exclusiveMemory: config.exclusiveMemory,
    others: yield* others(gate, uid)
  })
  if (verdict._tag === "Granted") yield* allocations.resize(pod)
  return verdict
})

type Requirements =
  | AgentConfig
  | Allocations
  | Devices
  | EventRecorder
  | HostFiles
  | KubeApi
  | NodeState
  | PodRegistry
  | RuntimeHealth
  | RuntimeView
  | StatusWriter

export const layer: Layer.Layer<Admission, never, Requirements> = Layer.effect(
  Admission,
  Effect.gen(function*() {
    const files = yield* HostFiles
    const gate = {
      allocations: yield* Allocations,
      api: yield* KubeApi,
      config: yield* AgentConfig,
      devices: yield* Devices,
      events: yield* EventRecorder,
      health: yield* RuntimeHealth,
      nodeState: yield* NodeState,
      registry: yield* PodRegistry,
      runtime: yield* RuntimeView,
      statuses: yield* StatusWriter,
      appArmor: yield* files.readText(appArmorSwitch).pipe(
        Effect.map((text) => text.startsWith("Y")),
        // A kernel without AppArmor has no such file.
        Effect.catch(() => Effect.succeed(false))
      ),
      admitted: new Set<string>()
    }
    const oneAtATime = yield* Semaphore.make(1)
    return Admission.of({
      decide: (desired) => Semaphore.withPermits(oneAtATime, 1)(decide(gate, desired)),
      resize: (pod, source) => Semaphore.withPermits(oneAtATime, 1)(resize(gate, pod, source))
    })
  })
)
