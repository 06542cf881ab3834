/** Reading: one object, lists in pages that all show one moment, and watches from now or from a version in the past. */
import { Result } from "effect"
import { objectOf } from "../../../domain/k8s/json.ts"
import type { KubeObject, WatchEvent } from "../KubeApi.ts"
import type { ApiKind } from "./kinds.ts"
import * as Refusals from "./refusal.ts"
import { parseRevision } from "./revision.ts"
import { parseFieldSelector } from "./selectFields.ts"
import { parseLabelSelector } from "./selectLabels.ts"
import type { State } from "./state.ts"
import { bookmarkOf } from "./store.ts"
import type { Outcome } from "./verbCreate.ts"
import { type Chosen, eventFor, type Watcher } from "./watchers.ts"

export interface Query {
  readonly kind: ApiKind
  /** Absent: all namespaces. */
  readonly namespace?: string
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  readonly resourceVersion?: string | undefined
  readonly resourceVersionMatch?: string | undefined
  readonly limit?: number
  readonly continue?: string | undefined
}

export interface Page {
  readonly revision: number
  readonly items: ReadonlyArray<KubeObject>
  readonly continue?: string
  readonly remaining?: number
}

export const chosenBy = (query: Query): Outcome<Chosen> =>
  Result.gen(function*() {
    const labels = yield* parseLabelSelector(query.labelSelector ?? "")
    const fields = yield* parseFieldSelector(query.kind, query.fieldSelector ?? "")
    const { namespace } = query
    return {
      ...(namespace === undefined ? {} : { namespace }),
      exact: fields.exact,
      matches: (object) =>
        (namespace === undefined || object.metadata.namespace === namespace) && fields.matches(object) &&
        labels(objectOf(object.metadata["labels"]))
    }
  })

const select = (state: State, kind: ApiKind, chosen: Chosen): ReadonlyArray<KubeObject> => {
  const { objects } = state.store.shelf(kind)
  const name = chosen.exact.get("metadata.name")
  const namespace = chosen.namespace ?? chosen.exact.get("metadata.namespace")
  if (name !== undefined && (!kind.namespaced || namespace !== undefined)) {
    const one = objects.get(`${kind.namespaced ? namespace ?? "" : ""}/${name}`)
    return one !== undefined && chosen.matches(one) ? [one] : []
  }
  const node = chosen.exact.get("spec.nodeName")
  return objects.list({
    ...(namespace === undefined ? {} : { namespace }),
    ...(node === undefined ? {} : { node })
  }).filter(chosen.matches)
}

const reached = (state: State, revision: number | undefined): Outcome<void> =>
  revision === undefined || revision <= state.store.revision
    ? Result.succeed(undefined)
    : Result.fail(Refusals.tooLargeVersion(String(revision), state.store.revision))

const exactly = (state: State, { resourceVersionMatch }: Query, revision: number | undefined): Outcome<void> =>
  resourceVersionMatch === "Exact" && revision !== undefined && revision !== state.store.revision
    ? Result.fail(Refusals.expired(`The resourceVersion for the provided list is too old.`))
    : Result.succeed(undefined)

/** How many lists under way are remembered; a client that comes back later starts again. */
const pagesKept = 32

const tooOld = () =>
  Refusals.expired(
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without " +
      "the continue parameter."
  )

const encodeToken = (revision: number, id: string, start: number): string =>
  Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: revision, id, start })).toString("base64url")

const tokenPattern = /^\{"v":"meta\.k8s\.io\/v1","rv":(\d+),"id":"(\d+)","start":(\d+)\}$/

const paged = (
  state: State,
  snapshot: { readonly revision: number; readonly id: string; readonly items: ReadonlyArray<KubeObject> },
  start: number,
  limit: number
): Page => {
  const items = snapshot.items.slice(start, start + limit)
  const remaining = snapshot.items.length - start - items.length
  if (remaining === 0) {
    state.pages.delete(snapshot.id)
    return { revision: snapshot.revision, items }
  }
  state.pages.set(snapshot.id, snapshot.items)
  const [oldest] = state.pages.keys()
  if (state.pages.size > pagesKept && oldest !== undefined) state.pages.delete(oldest)
  return {
    revision: snapshot.revision,
    items,
    continue: encodeToken(snapshot.revision, snapshot.id, start + items.length),
    remaining
  }
}

const nextPage = (state: State, token: string, limit: number): Outcome<Page> => {
  const [, revision, id = "", start] = tokenPattern.exec(Buffer.from(token, "base64url").toString()) ?? []
  if (revision === undefined) return Result.fail(Refusals.badRequest("continue key is not valid"))
  const items = state.pages.get(id)
  if (items === undefined) return Result.fail(tooOld())
  return Result.succeed(paged(state, { revision: Number(revision), id, items }, Number(start), limit))
}

/** Lists what a query chooses, by name; with a limit in pages that all belong to the first one's version. */
export const list = (state: State, query: Query): Outcome<Page> =>
  Result.gen(function*() {
    const limit = query.limit === undefined || query.limit <= 0 ? Number.MAX_SAFE_INTEGER : query.limit
    if (query.continue !== undefined && query.continue !== "") return yield* nextPage(state, query.continue, limit)
    const revision = yield* parseRevision(query.resourceVersion)
    yield* reached(state, revision)
    yield* exactly(state, query, revision)
    const items = select(state, query.kind, yield* chosenBy(query))
    const { revision: now } = state.store
    return paged(state, { revision: now, id: state.nextId(), items }, 0, limit)
  })

export interface WatchQuery extends Query {
  readonly bookmarks: boolean
  /** Begin with what there is and mark the end of it by a bookmark. */
  readonly sendInitialEvents?: boolean
}

const versionTooOld = (asked: number, floor: number) =>
  Refusals.expired(`too old resource version: ${asked} (${floor})`)

export interface Opened {
  /** What the watch begins with. */
  readonly events: ReadonlyArray<WatchEvent>
  readonly close: () => void
}

/** Opens a watch: from here on every change goes to the watcher, and what came before is in the answer. */
export const watch = (
  state: State,
  query: WatchQuery,
  sink: Pick<Watcher, "deliver" | "close">
): Outcome<Opened> =>
  Result.gen(function*() {
    const { kind } = query
    const chosen = yield* chosenBy(query)
    const asked = yield* parseRevision(query.resourceVersion)
    const { history, watchers } = state.store.shelf(kind)
    const fresh = query.sendInitialEvents === true || asked === undefined || asked === 0
    const after = state.store.revision
    if (!fresh && asked < history.floor) return yield* Result.fail(versionTooOld(asked, history.floor))
    const initial = fresh
      ? select(state, kind, chosen).map((object): WatchEvent => ({ type: "ADDED", object }))
      : history.since(asked).flatMap((change) => eventFor(chosen, change) ?? [])
    const end = query.sendInitialEvents === true
      ? [bookmarkOf(kind, after, { "k8s.io/initial-events-end": "true" })]
      : []
    const close = watchers.add({ ...sink, chosen, after: Math.max(after, asked ?? 0), bookmarks: query.bookmarks })
    return { events: [...initial, ...end], close }
  })
