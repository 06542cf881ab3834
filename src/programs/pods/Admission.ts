/** Says whether the node takes a pod (parity C6–C9): one at a time, so that two pods never count on the same room. */
import { Context, type Effect } from "effect"
import type { DesiredPod } from "./PodRegistry.ts"

export type AdmissionVerdict =
  | { readonly _tag: "Admitted" }
  /** Reason and message as the pod's status and event show them. */
  | { readonly _tag: "Rejected"; readonly reason: string; readonly message: string }

export class Admission extends Context.Service<Admission, {
  readonly decide: (desired: DesiredPod) => Effect.Effect<AdmissionVerdict>
}>()("kubeffect/programs/pods/Admission") {}
