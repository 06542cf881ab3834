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
    const api = yield* KubeApi
    const config = yield* AgentConfig
    const events = yield* EventRecorder
    const files = yield* HostFiles
    const health = yield* RuntimeHealth
    const nodeState = yield* NodeState
    const registry = yield* PodRegistry
    const runtime = yield* RuntimeView
    const statuses = yield* StatusWriter
    const oneAtATime = yield* Semaphore.make(1)
    const admitted = new Set<string>()
    const appArmor = yield* files.readText(appArmorSwitch).pipe(
      Effect.map((text) => text.startsWith("Y")),
      // A kernel without AppArmor has no such file.
      Effect.catch(() => Effect.succeed(false))
    )

    /** Before the API has shown the node, it is what it will be registered as. */
    const currentNode = Effect.gen(function*() {
      const known = yield* nodeState.node
      return known ?? newNode(config, yield* nodeState.facts, {})
    })

    const freshNode = api.get(resources.nodes, { name: config.nodeName }).pipe(
      Effect.flatMap((object) => Effect.fromResult(decodeNode(object))),
      Effect.catch((error) => Effect.andThen(Effect.logWarning("cannot read the node anew", error), currentNode))
    )

    const isOver = Effect.fnUntraced(function*(pod: Pod) {
      const latest = yield* statuses.latest(pod.metadata.uid)
      return isTerminalPhase(latest?.phase ?? pod.status?.phase)
    })

    const others = Effect.fnUntraced(function*(uid: string) {
      const known = yield* registry.all
      const present = new Set(known.map(({ pod }) => pod.metadata.uid))
      for (const former of admitted) if (!present.has(former)) admitted.delete(former)
      const taken = known.filter(({ ending, pod }) =>
        pod.metadata.uid !== uid && admitted.has(pod.metadata.uid) && ending === undefined
      )
      return yield* Effect.filter(taken.map(({ pod }) => pod), (pod) => Effect.map(isOver(pod), (over) => !over))
    })

    const look = Effect.fnUntraced(function*(pod: Pod, node: Node): Effect.fn.Return<AdmissionNode> {
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
        others: yield* others(pod.metadata.uid)
      }
    })

    const makeRoom = Effect.fnUntraced(function*(victims: ReadonlyArray<Pod>) {
      for (const victim of victims) {
        yield* events.recordPod(victim, { type: "Warning", reason: "Preempting", message: preemptedMessage })
        yield* registry.end(victim.metadata.uid, preempted)
      }
    })

    /** A pod that this node began under an earlier agent stays: its place is taken already (parity C15). */
    const hasBegun = Effect.fnUntraced(function*(pod: Pod) {
      if (isTerminalPhase(pod.status?.phase) || pod.metadata.deletionTimestamp !== undefined) return true
      return (yield* runtime.pods).some(({ uid }) => uid === pod.metadata.uid)
    })

    const judge = Effect.fnUntraced(function*({ pod, source }: DesiredPod) {
      const first = admit(pod, source, yield* look(pod, yield* currentNode))
      return first._tag === "Rejected" && first.byNodeLabels && !config.standalone
        ? admit(pod, source, yield* look(pod, yield* freshNode))
        : first
    })

    const decide = Effect.fn("Admission.decide")(function*(desired: DesiredPod) {
      const { pod } = desired
      const verdict: Verdict = (yield* hasBegun(pod)) ? { _tag: "Admitted" } : yield* judge(desired)
      if (verdict._tag === "Rejected") return verdict
      if (verdict._tag === "Preempt") yield* makeRoom(verdict.victims)
      admitted.add(pod.metadata.uid)
      return { _tag: "Admitted" as const }
    })

    return Admission.of({ decide: (desired) => Semaphore.withPermits(oneAtATime, 1)(decide(desired)) })
  })
)
