/** The recent changes of one kind, so that a watch can start from a version in the past; what is older is forgotten. */
import type { KubeObject } from "../KubeApi.ts"

export interface Change {
  readonly type: "ADDED" | "MODIFIED" | "DELETED"
  readonly revision: number
  /** The object after the change; for a deletion its last state under the version of the deletion. */
  readonly object: KubeObject
  readonly before: KubeObject | undefined
}

export class History {
  readonly #limit: number
  #changes: Array<Change> = []
  #floor = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  add(change: Change): void {
    this.#changes.push(change)
    if (this.#changes.length < 2 * this.#limit) return
    const dropped = this.#changes.splice(0, this.#changes.length - this.#limit)
    this.#floor = dropped.at(-1)?.revision ?? this.#floor
  }

  /** Forgets everything up to a version. */
  compact(revision: number): void {
    this.#floor = Math.max(this.#floor, revision)
    this.#changes = this.#changes.filter((change) => change.revision > revision)
  }

  /** The oldest version that a watch can still start from. */
  get floor(): number {
    return this.#floor
  }

  /** The changes after a version. */
  since(revision: number): ReadonlyArray<Change> {
    let low = 0
    let high = this.#changes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#changes[middle]?.revision ?? 0) <= revision) low = middle + 1
      else high = middle
    }
    return this.#changes.slice(low)
  }
}
