/** What an invariant sees of a world, and what it may say: nothing while all is well, else what is wrong. */
import type { Fault } from "../domain/chaos/fault.ts"
import type { Pod } from "../domain/k8s/pod.ts"
import type { KubeObject } from "../layers/api/KubeApi.ts"
import type { RuntimeHappening } from "../layers/cri/sim/records.ts"
import type { SimNode } from "./SimNode.ts"

export interface Sight {
  readonly nodes: ReadonlyArray<SimNode>
  /** Since the start of the run. */
  readonly nowMs: () => number
  /** By the clock of the world. */
  readonly worldMs: () => number
  /** The pod as it was made, also when it is gone. */
  readonly pod: (uid: string) => Pod | undefined
  readonly objects: () => ReadonlyArray<KubeObject>
  /** What the ConfigMap of a pod says now. */
  readonly content: (name: string) => unknown
  /** All that strikes in this run. */
  readonly faults: ReadonlyArray<Fault>
}

/** Of a pod, or of a node. */
export interface ObjectChange {
  readonly type: "ADDED" | "MODIFIED" | "DELETED"
  readonly object: KubeObject
  readonly before: KubeObject | undefined
}

export interface Watching {
  /** Something happened in a runtime; called within the step in which it does. */
  readonly happening?: (node: SimNode, happening: RuntimeHappening) => string | undefined
  /** A pod of the API server changed. */
  readonly change?: (change: ObjectChange) => string | undefined
  /** A node of the API server changed. */
  readonly node?: (change: ObjectChange) => string | undefined
  /** Faults are over and all pods are as they shall be. */
  readonly atRest?: () => string | undefined
  /** All pods were deleted, and nothing is left to do. */
  readonly atEnd?: () => string | undefined
}

export interface Invariant {
  readonly name: string
  readonly watch: (sight: Sight) => Watching
}
