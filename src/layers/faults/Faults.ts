/**
 * Who decides what becomes of the calls of one agent. The fault layers ask before each call and for each thing that a
 * stream tells; what answers them is a list of faults with dice, a test's own rule, or the end of an agent that was killed.
 */
import { type Clock, Context } from "effect"
import type { OutsideCall, Verdict } from "../../domain/chaos/fault.ts"
import type { ApiResource } from "../../domain/k8s/resources.ts"
import type { KubeList, Selection } from "../api/KubeApi.ts"

/** A verdict, or that the process of whoever asks is no more: nothing that is left of it reaches the outside. */
export type Ruling = Verdict | { readonly _tag: "Gone" }

/** Rules are plain functions: they are asked at every call there is, and only compute. */
export class Faults extends Context.Service<Faults, {
  readonly verdict: (call: OutsideCall) => Ruling
  /** After a call that no fault struck: whether its caller goes on, or is no more. */
  readonly returned: (call: OutsideCall) => boolean
  /** What a list said so many changes ago; undefined where nobody has kept it. */
  readonly past?: (resource: ApiResource, selection: Selection, changes: number) => KubeList | undefined
  /** The agent's machine has a clock that jumps: what is outside goes by this one. */
  readonly clock?: Clock.Clock | undefined
  /** What that clock said at a time of the one outside. */
  readonly wallMs?: ((outsideMs: number) => number) | undefined
}>()("kubeffect/layers/faults/Faults") {}
