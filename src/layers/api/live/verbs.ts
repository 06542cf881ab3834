/** The verbs of `KubeApi` over a sender: one exchange each, a list possibly several. */
import { Effect, Predicate, Schema } from "effect"
import { HttpClientRequest } from "effect/http"
import type { ApiResource } from "../../../domain/k8s/resources.ts"
import type { ApiError, KubeApi, KubeObject } from "../KubeApi.ts"
import * as Failure from "./failure.ts"
import * as Requests from "./requests.ts"
import { type Reply, replyError, type Sender } from "./send.ts"

/** Checked and passed on as it is: copying every object to validate fields nobody asked for would cost twice. */
export const AnyObject = Schema.declare(
  (value): value is KubeObject => Predicate.isObject(value) && Predicate.isObject(value["metadata"]),
  { expected: "an object with metadata" }
)

const List = Schema.Struct({
  metadata: Schema.Struct({
    resourceVersion: Schema.optionalKey(Schema.String),
    continue: Schema.optionalKey(Schema.String)
  }),
  items: Schema.NullOr(Schema.Array(AnyObject))
})

const text = new TextDecoder()

const decodeObject = Schema.decodeUnknownEffect(Schema.fromJsonString(AnyObject))
const decodeList = Schema.decodeUnknownEffect(Schema.fromJsonString(List))

/** The decoded body of a reply below 400, else the error it stands for. */
const accepted = <A, E extends Error>(
  call: Failure.Call,
  reply: Reply,
  decode: (body: string) => Effect.Effect<A, E>
): Effect.Effect<A, ApiError> =>
  reply.status < 300
    ? decode(text.decode(reply.body)).pipe(
      Effect.mapError((cause) => Failure.fromGarbled(call, reply.status, cause))
    )
    : Effect.flatMap(replyError(call, reply), Effect.fail)

export type Verbs = Omit<KubeApi["Service"], "watch">

export const makeVerbs = (sender: Sender, options: { readonly pageSize: number }): Verbs => {
  const one = Effect.fnUntraced(function*({ call, request }: Requests.Prepared) {
    return yield* accepted(call, yield* sender.exchange(call, request), decodeObject)
  })

  const list = Effect.fnUntraced(function*(resource: ApiResource, selection: Parameters<Verbs["list"]>[1] = {}) {
    const page = Effect.fnUntraced(function*(limit: number | undefined, token: string | undefined) {
      const { call, request } = Requests.list(resource, selection, { limit, continue: token })
      return yield* accepted(call, yield* sender.exchange(call, request), decodeList)
    })
    const items: Array<KubeObject> = []
    // A cached list is answered whole from the server's memory; a limit would send it to etcd.
    const limit = selection.resourceVersion === "0" ? undefined : options.pageSize
    let token: string | undefined
    while (true) {
      const next = yield* page(limit, token).pipe(
        // The version that the pages belong to was compacted away between two of them: take all at once.
        Effect.catchReason("ApiError", "Expired", (_, error) => {
          if (token === undefined) return Effect.fail(error)
          items.length = 0
          return page(undefined, undefined)
        })
      )
      for (const item of next.items ?? []) items.push(Requests.typed(resource, item))
      token = next.metadata.continue
      if (token === undefined || token === "") return { resourceVersion: next.metadata.resourceVersion ?? "", items }
    }
  })

  return {
    get: Effect.fn("KubeApi.get")((resource, target, options) => one(Requests.get(resource, target, options))),
    list: Effect.fn("KubeApi.list")((resource, selection) => list(resource, selection)),
    create: Effect.fn("KubeApi.create")((resource, object, options) => one(Requests.create(resource, object, options))),
    update: Effect.fn("KubeApi.update")((resource, object, options) => one(Requests.update(resource, object, options))),
    patch: Effect.fn("KubeApi.patch")((resource, target, patch, options) =>
      one(Requests.patch(resource, target, patch, options))
    ),
    delete: Effect.fn("KubeApi.delete")((resource, target, options) => one(Requests.remove(resource, target, options))),
    request: Effect.fn("KubeApi.request")(function*({ accept, body, contentType, method, path }) {
      const reply = yield* sender.exchange(
        { op: method.toLowerCase(), target: path, read: method === "GET" },
        HttpClientRequest.make(method)(path).pipe(
          accept === undefined ? (self) => self : HttpClientRequest.accept(accept),
          body === undefined
            ? (self) => self
            : HttpClientRequest.bodyUint8Array(body, contentType ?? "application/octet-stream")
        )
      )
      return { status: reply.status, contentType: reply.headers["content-type"] ?? "", body: reply.body }
    })
  }
}
