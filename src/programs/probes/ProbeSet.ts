/** The probes of the pods that run here: started and stopped with their containers, each a fiber of its own (parity H). */
import { Context, type Effect } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { ObservedPod, ProbeVerdict } from "../../domain/pod/model.ts"

export class ProbeSet extends Context.Service<ProbeSet, {
  /**
   * Makes the running probes fit the containers that run now. `terminating` stops liveness and startup probes and keeps
   * readiness (parity C13). A verdict that changes wakes the pod through `changed`.
   */
  readonly reconcile: (pod: Pod, observed: ObservedPod, terminating: boolean) => Effect.Effect<void>
  /** Latest verdicts by container id. */
  readonly verdicts: (uid: string) => Effect.Effect<Readonly<Record<string, ProbeVerdict>>>
  /** Ends all probes of the pod and forgets their verdicts. */
  readonly stop: (uid: string) => Effect.Effect<void>
  /** Waits for pods whose verdicts changed. One consumer. */
  readonly changed: Effect.Effect<ReadonlyArray<string>>
}>()("kubeffect/programs/probes/ProbeSet") {}
