/** The interpreter of `Action`s: each is run through the layers and answers with what the worker has to remember of it. */
import { Context, Data, type Effect } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { Action, ObservedPod, PodSource, StartFailure } from "../../domain/pod/model.ts"

/** The pod an action is for, as it was when the action was planned. */
export interface ActionContext {
  readonly pod: Pod
  readonly source: PodSource
  readonly observed: ObservedPod
}

/** How an action ended; failures have been reported as events already. */
export type Outcome = Data.TaggedEnum<{
  Done: {}
  /** No sandbox came of it. */
  SandboxFailed: { readonly failure: Omit<StartFailure, "tries"> }
  /** No running container came of it. */
  StartFailed: { readonly name: string; readonly failure: Omit<StartFailure, "tries"> }
  /** The resize granted to that generation has not been carried out, or not in whole. */
  ResizeFailed: { readonly message: string; readonly atMs: number; readonly generation: number }
  /** The runtime could not do it now; the next look decides again. */
  Failed: { readonly message: string }
}>
export const Outcome = Data.taggedEnum<Outcome>()

export class PodActions extends Context.Service<PodActions, {
  readonly run: (context: ActionContext, action: Action) => Effect.Effect<Outcome>
  /** After the last container and volume: removes the pod's cgroup. Retries until done. */
  readonly releaseResources: (pod: Pod) => Effect.Effect<void>
  /** After the pod is gone from its source: removes its sandboxes, container records and folders. Retries until done. */
  readonly removeRecords: (pod: Pod) => Effect.Effect<void>
}>()("kubeffect/programs/pods/PodActions") {}
