/**
 * The open watches of one kind. A change is shown only to those whose namespace, name or node it can concern: with a
 * thousand nodes that each watch their own pods, an event costs one watch, not a thousand.
 */
import type { KubeObject, WatchEvent } from "../KubeApi.ts"
import { nodeOf } from "./collection.ts"
import type { Change } from "./history.ts"
import { keyOf } from "./revision.ts"

/** What a list or watch asks for. */
export interface Chosen {
  readonly namespace?: string
  /** Values of fields that must be equal. */
  readonly exact: ReadonlyMap<string, string>
  readonly matches: (object: KubeObject) => boolean
}

export interface Watcher {
  readonly chosen: Chosen
  /** Only later changes are news for it. */
  readonly after: number
  readonly bookmarks: boolean
  readonly deliver: (event: WatchEvent) => void
  readonly close: () => void
}

/** How a change looks to someone who sees only what matches. */
export const eventFor = (chosen: Chosen, change: Change): WatchEvent | undefined => {
  const now = change.type !== "DELETED" && chosen.matches(change.object)
  const before = change.before !== undefined && chosen.matches(change.before)
  if (now) return { type: before ? "MODIFIED" : "ADDED", object: change.object }
  if (!before) return undefined
  if (change.type === "DELETED") return { type: "DELETED", object: change.object }
  // It left the selection: the last state that matched, under the version of the change that made it leave.
  const { before: last } = change
  return last === undefined ? undefined : {
    type: "DELETED",
    object: { ...last, metadata: { ...last.metadata, resourceVersion: String(change.revision) } }
  }
}

const bucketOf = ({ namespace, exact }: Chosen, namespaced: boolean, byNode: boolean): string => {
  const name = exact.get("metadata.name")
  const space = exact.get("metadata.namespace") ?? namespace
  if (name !== undefined && (!namespaced || space !== undefined)) return `name ${namespaced ? space ?? "" : ""}/${name}`
  const node = exact.get("spec.nodeName")
  if (byNode && node !== undefined) return `node ${node}`
  return space === undefined ? "all" : `namespace ${space}`
}

export class Watchers {
  readonly #buckets = new Map<string, Set<Watcher>>()
  readonly #namespaced: boolean
  readonly #byNode: boolean

  constructor(options: { readonly namespaced: boolean; readonly byNode: boolean }) {
    this.#namespaced = options.namespaced
    this.#byNode = options.byNode
  }

  get size(): number {
    return [...this.#buckets.values()].reduce((sum, bucket) => sum + bucket.size, 0)
  }

  /** Returns how to take it out again. */
  add(watcher: Watcher): () => void {
    const name = bucketOf(watcher.chosen, this.#namespaced, this.#byNode)
    const bucket = this.#buckets.get(name) ?? new Set()
    this.#buckets.set(name, bucket)
    bucket.add(watcher)
    return () => {
      bucket.delete(watcher)
      if (bucket.size === 0 && this.#buckets.get(name) === bucket) this.#buckets.delete(name)
    }
  }

  notify(change: Change): void {
    this.#show("all", change)
    this.#show(`namespace ${change.object.metadata.namespace ?? ""}`, change)
    this.#show(`name ${keyOf(change.object)}`, change)
    if (!this.#byNode) return
    const node = nodeOf(change.object)
    this.#show(`node ${node}`, change)
    const before = change.before === undefined ? node : nodeOf(change.before)
    if (before !== node) this.#show(`node ${before}`, change)
  }

  /** Tells everyone who wants bookmarks which version they are up to date with. */
  bookmark(event: WatchEvent, revision: number): void {
    for (const watcher of this.#everyone()) {
      if (watcher.bookmarks && watcher.after <= revision) watcher.deliver(event)
    }
  }

  closeAll(): void {
    for (const watcher of this.#everyone()) watcher.close()
  }

  #everyone(): ReadonlyArray<Watcher> {
    return [...this.#buckets.values()].flatMap((bucket) => [...bucket])
  }

  #show(name: string, change: Change): void {
    const bucket = this.#buckets.get(name)
    if (bucket === undefined) return
    for (const watcher of bucket) {
      if (change.revision <= watcher.after) continue
      const event = eventFor(watcher.chosen, change)
      if (event !== undefined) watcher.deliver(event)
    }
  }
}
