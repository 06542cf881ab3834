/** The verbs as effects, for callers in the process and over HTTP alike: each is one atomic step with all that follows. */
import { type Cause, Effect, Queue, Result, Stream } from "effect"
import { type JsonObject, objectOf, textOf } from "../../../domain/k8s/json.ts"
import { certificateSigningRequests, pods } from "../../../domain/k8s/resources.ts"
import type { KubeObject, WatchEvent } from "../KubeApi.ts"
import type { Authority } from "./authority.ts"
import { bind } from "./bindPod.ts"
import { evict } from "./evictPod.ts"
import type { ApiKind } from "./kinds.ts"
import * as Refusals from "./refusal.ts"
import { review } from "./reviews.ts"
import { signRequest } from "./signRequests.ts"
import { kindOf, kubeObject, type State } from "./state.ts"
import { requestToken } from "./tokens.ts"
import { create, type CreateRequest, decodeFor, type Outcome, type WriteOptions } from "./verbCreate.ts"
import { type DeleteRequest, type DeleteSpec, remove } from "./verbDelete.ts"
import { list, type Page, type Query, watch, type WatchQuery } from "./verbRead.ts"
import { patch, type PatchOrder, stored, type Target, update, type UpdateRequest } from "./verbUpdate.ts"

type Answer<A = KubeObject> = Effect.Effect<A, Refusals.Refusal>

export interface Rest {
  readonly get: (target: Target) => Answer
  readonly list: (query: Query) => Answer<Page>
  readonly watch: (query: WatchQuery) => Stream.Stream<WatchEvent, Refusals.Refusal>
  readonly create: (request: CreateRequest) => Answer
  /** Posts to a subresource: a binding, an eviction, a token request. */
  readonly post: (target: Target, object: JsonObject, options: WriteOptions) => Answer
  readonly update: (request: UpdateRequest) => Answer
  readonly patch: (order: PatchOrder) => Answer
  readonly remove: (request: DeleteRequest) => Answer
  readonly removeAll: (query: Query, options: DeleteSpec) => Answer<Page>
}

const postOutcome = (state: State, target: Target, object: JsonObject, options: WriteOptions): Outcome => {
  switch (target.subresource) {
    case "binding":
      return bind(state, target, object, options)
    case "eviction":
      return evict(state, target, object, options.dryRun === true)
    case "token":
      return requestToken(state, target, object)
    default:
      return Result.fail(Refusals.methodNotAllowed())
  }
}

const answered = (state: State, { kind, namespace, object, options }: CreateRequest): Outcome =>
  Result.gen(function*() {
    const asked = yield* decodeFor(kind, object, undefined, options)
    if (kind.kind !== "Binding") {
      return kubeObject(yield* decodeFor(kind, review(state, kind, asked, options.user), undefined, options))
    }
    const name = textOf(objectOf(asked["metadata"])["name"])
    return yield* bind(state, { kind: kindOf(state, pods), namespace, name, subresource: "binding" }, asked, options)
  })

const removeEach = (state: State, query: Query, options: DeleteSpec): Outcome<Page> =>
  Result.map(list(state, query), (page) => {
    for (const { metadata } of page.items) {
      const { name = "", namespace = "" } = metadata
      // Gone already is what was asked for.
      remove(state, { kind: query.kind, namespace, name, options })
    }
    return page
  })

const watched = (state: State, query: WatchQuery): Stream.Stream<WatchEvent, Refusals.Refusal> =>
  Stream.unwrap(Effect.gen(function*() {
    const queue = yield* Queue.make<WatchEvent, Refusals.Refusal | Cause.Done>()
    const opened = yield* Effect.acquireRelease(
      Effect.suspend(() =>
        Effect.fromResult(watch(state, query, {
          // A client that reads too slowly is cut off and starts again from the last version it saw.
          deliver: (event) => {
            if (Queue.sizeUnsafe(queue) >= state.settings.watchBacklog) Queue.endUnsafe(queue)
            else Queue.offerUnsafe(queue, event)
          },
          close: () => void Queue.endUnsafe(queue)
        }))
      ),
      ({ close }) => Effect.sync(close)
    )
    return Stream.concat(Stream.fromIterable(opened.events), Stream.fromQueue(queue))
  }))

/** `settle` lets the server react to what a verb did, before the verb answers. */
export const makeRest = (state: State, settle: () => void, authority: Effect.Effect<Authority>): Rest => {
  const step = <A>(verb: () => Outcome<A>): Answer<A> =>
    Effect.suspend(() => {
      const outcome = verb()
      settle()
      return Effect.fromResult(outcome)
    })
  const requests = kindOf(state, certificateSigningRequests)
  /**
   * A signature takes keys and time, so that it comes after the step that it answers; it is the server's own work, which
   * does not stop when the client goes away.
   */
  const signed = (kind: ApiKind, written: Answer<KubeObject>): Answer<KubeObject> =>
    kind === requests && state.settings.signCertificates
      ? Effect.tap(written, (object) => Effect.uninterruptible(signRequest(state, kind, object, authority)))
      : written
  return {
    get: (target) => step(() => stored(state, target)),
    list: (query) => step(() => list(state, query)),
    watch: (query) => watched(state, query),
    create: (request) =>
      request.kind.virtual
        ? step(() => answered(state, request))
        : signed(request.kind, step(() => create(state, request))),
    post: (target, object, options) => step(() => postOutcome(state, target, object, options)),
    update: (request) => signed(request.target.kind, step(() => update(state, request))),
    patch: (order) => signed(order.target.kind, step(() => patch(state, order))),
    remove: (request) => step(() => remove(state, request)),
    removeAll: (query, options) => step(() => removeEach(state, query, options))
  }
}
