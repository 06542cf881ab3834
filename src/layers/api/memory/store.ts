/**
 * What is stored, for all kinds, under one counter of versions: every write makes exactly one change, which is kept in the
 * history and shown to the watches before the call returns. Stored objects are shared with everyone and never changed.
 */
import type { JsonObject } from "../../../domain/k8s/json.ts"
import { apiVersionOf } from "../../../domain/k8s/resources.ts"
import type { KubeObject, WatchEvent } from "../KubeApi.ts"
import { Collection } from "./collection.ts"
import { type Change, History } from "./history.ts"
import type { ApiKind } from "./kinds.ts"
import { keyOf, stamped } from "./revision.ts"
import { Watchers } from "./watchers.ts"

export interface Shelf {
  readonly kind: ApiKind
  readonly objects: Collection
  readonly history: History
  readonly watchers: Watchers
}

export type Listener = (kind: ApiKind, change: Change) => void

export const bookmarkOf = (kind: ApiKind, revision: number, annotations?: JsonObject): WatchEvent => ({
  type: "BOOKMARK",
  object: {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: { resourceVersion: String(revision), ...(annotations === undefined ? {} : { annotations }) }
  }
})

export class Store {
  #revision = 0
  readonly #shelves: ReadonlyMap<ApiKind, Shelf>
  readonly #listeners = new Set<Listener>()

  constructor(kinds: ReadonlyArray<ApiKind>, options: { readonly historyLimit: number }) {
    this.#shelves = new Map(kinds.map((kind) => {
      const byNode = kind.kind === "Pod"
      return [kind, {
        kind,
        objects: new Collection({ byNode }),
        history: new History(options.historyLimit),
        watchers: new Watchers({ namespaced: kind.namespaced, byNode })
      }]
    }))
  }

  get revision(): number {
    return this.#revision
  }

  get shelves(): Iterable<Shelf> {
    return this.#shelves.values()
  }

  shelf(kind: ApiKind): Shelf {
    const shelf = this.#shelves.get(kind)
    if (shelf === undefined) throw new Error(`the store has no ${kind.plural}`)
    return shelf
  }

  get(kind: ApiKind, namespace: string, name: string): KubeObject | undefined {
    return this.shelf(kind).objects.get(`${namespace}/${name}`)
  }

  /** Called after every change, in order; returns how to stop that. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Stores an object, new or in place of the one of its name. */
  put(kind: ApiKind, object: KubeObject): KubeObject {
    const shelf = this.shelf(kind)
    const before = shelf.objects.get(keyOf(object))
    const stored = stamped(object, ++this.#revision)
    shelf.objects.put(stored)
    this.#record(shelf, {
      type: before === undefined ? "ADDED" : "MODIFIED",
      revision: this.#revision,
      object: stored,
      before
    })
    return stored
  }

  /** Removes a stored object; the answer is its last state under the version of the removal. */
  remove(kind: ApiKind, object: KubeObject): KubeObject {
    const shelf = this.shelf(kind)
    const last = stamped(object, ++this.#revision)
    shelf.objects.remove(object)
    this.#record(shelf, { type: "DELETED", revision: this.#revision, object: last, before: object })
    return last
  }

  compact(): void {
    for (const shelf of this.#shelves.values()) shelf.history.compact(this.#revision)
  }

  bookmark(): void {
    for (const { kind, watchers } of this.#shelves.values()) {
      watchers.bookmark(bookmarkOf(kind, this.#revision), this.#revision)
    }
  }

  closeWatches(): void {
    for (const { watchers } of this.#shelves.values()) watchers.closeAll()
  }

  #record(shelf: Shelf, change: Change): void {
    shelf.history.add(change)
    shelf.watchers.notify(change)
    for (const listener of this.#listeners) listener(shelf.kind, change)
  }
}
