/** A bug of the kubelet's history, as lines of the agent that are replaced by others. */
import type { Fault } from "../../../src/domain/chaos/fault.ts"

export interface Patch {
  /** Below `src`. */
  readonly file: string
  /** There once, exactly so. */
  readonly find: string
  readonly replace: string
}

export interface Mutant {
  readonly name: string
  /** Issue or pull request of kubernetes/kubernetes. */
  readonly issue: number
  /** What users saw. */
  readonly saw: string
  readonly patches: ReadonlyArray<Patch>
  /** Families or kinds of faults that are drawn when it is hunted. */
  readonly kinds: string
  /** Kinds of pods that are drawn. */
  readonly pods: string
  /** Default 1. */
  readonly nodes?: number
  /** For which faults strike; default 1. */
  readonly minutes?: number
}

/** How a mutant was caught: the run that shows it again. */
export interface Catch {
  readonly seed: number
  readonly invariant: string
  readonly faults: ReadonlyArray<Fault>
}
