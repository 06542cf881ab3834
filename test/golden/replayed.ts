/** What one pod did when its recording was played again on our node, as it was seen: nothing is made alike yet. */
import type { RecordedEvent } from "./recording.ts"

export interface Replayed {
  /** Calls that change something and are about this pod, in the order in which they were made. */
  readonly calls: ReadonlyArray<{ readonly method: string; readonly request: unknown; readonly response: unknown }>
  /** Every version that was stored, and how many of them were there when the pod was deleted. */
  readonly statuses: ReadonlyArray<unknown>
  readonly statusesBeforeDeletion: number
  readonly events: ReadonlyArray<RecordedEvent>
  /** A shell's view by container. */
  readonly inside: Readonly<Record<string, string>>
  /** Cgroup v1 values by the path below the node's cgroup. */
  readonly cgroups: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** What was still there when the pod was gone: empty, if all is well. */
  readonly left: ReadonlyArray<string>
  /** Texts of this run, and what the recording has in their place. */
  readonly places: ReadonlyArray<readonly [ours: string, theirs: string]>
}
