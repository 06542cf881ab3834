/** Says whether the node takes a pod (parity C6–C9): one at a time, so that two pods never count on the same room. */
import { Context, Effect, Layer, Semaphore } from "effect"
import { type AdmissionNode, admit, type Verdict } from "../../domain/admission/admit.ts"
import { preemptedMessage } from "../../domain/admission/preemption.ts"
import { decodeNode } from "../../domain/k8s/decode.ts"
import type { Node } from "../../domain/k8s/node.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import * as resources from "../../domain/k8s/resources.ts"
import { newNode } from "../../domain/node/nodeObject.ts"
import { isTerminalPhase } from "../../domain/pod/spec.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { NodeState } from "../node/NodeState.ts"
import { RuntimeHealth } from "../runtime/RuntimeHealth.ts"
import { RuntimeView } from "../runtime/RuntimeView.ts"
import { StatusWriter } from "../status/StatusWriter.ts"
import { type DesiredPod, PodRegistry } from "./PodRegistry.ts"

export type AdmissionVerdict =
  | { readonly _tag: "Admitted" }
  /** Reason and message as the pod's status and event show them. */
  | { readonly _tag: "Rejected"; readonly reason: string; readonly message: string }

export class Admission extends Context.Service<Admission, {
  readonly decide: (desired: DesiredPod) => Effect.Effect<AdmissionVerdict>
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
  readonly api: KubeApi["Service"]
  readonly config: AgentConfig["Service"]
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

const others = Effect.fnUntraced(function*(gate: Gate, uid: string) {
  const { admitted, registry } = gate
  const known = yield* registry.all
  const present = new Set(known.map(({ pod }) => pod.metadata.uid))
  for (const former of admitted) if (!present.has(former)) admitted.delete(former)
  const taken = known.filter(({ ending, pod }) =>
    pod.metadata.uid !== uid && admitted.has(pod.metadata.uid) && ending === undefined
  )
  return yield* Effect.filter(taken.map(({ pod }) => pod), (pod) => Effect.map(isOver(gate, pod), (over) => !over))
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

const judge = Effect.fnUntraced(function*(gate: Gate, { pod, source }: DesiredPod) {
  const first = admit(pod, source, yield* look(gate, pod, yield* currentNode(gate)))
  return first._tag === "Rejected" && first.byNodeLabels && !gate.config.standalone
    ? admit(pod, source, yield* look(gate, pod, yield* freshNode(gate)))
    : first
})

const decide = Effect.fn("Admission.decide")(function*(gate: Gate, desired: DesiredPod) {
  const { pod } = desired
  const verdict: Verdict = (yield* hasBegun(gate, pod)) ? { _tag: "Admitted" } : yield* judge(gate, desired)
  if (verdict._tag === "Rejected") return verdict
  if (verdict._tag === "Preempt") yield* makeRoom(gate, verdict.victims)
  gate.admitted.add(pod.metadata.uid)
  return { _tag: "Admitted" as const }
})

type Requirements =
  | AgentConfig
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
      api: yield* KubeApi,
      config: yield* AgentConfig,
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
    return Admission.of({ decide: (desired) => Semaphore.withPermits(oneAtATime, 1)(decide(gate, desired)) })
  })
)
