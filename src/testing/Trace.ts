/** What happened in a world, in order: for the person who asks why, and as a hash for who asks whether it is the same. */
import { createHash } from "node:crypto"

export interface TraceEntry {
  /** Since the start of the world. */
  readonly atMs: number
  /** A node, or `api`. */
  readonly where: string
  /** `StartContainer`, `pod MODIFIED`, `fault cri-slow`, … */
  readonly what: string
  /** The pod, container or object it concerns. */
  readonly about: string
}

const pendingMax = 16_384

export class Trace {
  readonly entries: Array<TraceEntry> = []
  readonly #hash = createHash("sha256")
  readonly #keep: boolean
  /** What has happened and is not in the hash yet: a call of the hash for each entry would cost more than the entry. */
  #pending = ""

  /** Without `keep` only the hash grows. */
  constructor(keep: boolean) {
    this.#keep = keep
  }

  add(entry: TraceEntry): void {
    this.#pending += `${entry.atMs} ${entry.where} ${entry.what} ${entry.about}\n`
    if (this.#pending.length >= pendingMax) this.#flush()
    if (this.#keep) this.entries.push(entry)
  }

  get hash(): string {
    this.#flush()
    return this.#hash.copy().digest("hex").slice(0, 16)
  }

  #flush(): void {
    this.#hash.update(this.#pending)
    this.#pending = ""
  }
}
