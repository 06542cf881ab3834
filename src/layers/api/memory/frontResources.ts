/** Requests for resources: which verb a method means, how queries and bodies read, in which form the answer goes out. */
import { Effect, Stream } from "effect"
import { isObject, type JsonObject, textOf } from "../../../domain/k8s/json.ts"
import { apiVersionOf } from "../../../domain/k8s/resources.ts"
import { deleteOptionsOf } from "./evictPod.ts"
import type { ApiKind } from "./kinds.ts"
import type { MemoryApi } from "./MemoryApi.ts"
import { acceptable, negotiate } from "./negotiate.ts"
import { nodeTarget } from "./nodeTarget.ts"
import type { PatchType } from "./patch.ts"
import type { Place } from "./paths.ts"
import { eventLine, type Exchange, line, listOf, objectReply } from "./present.ts"
import { protobufType, readProtobuf } from "./protobuf.ts"
import * as Refusals from "./refusal.ts"
import { type Answer, type FrontRequest, jsonReply, readBody } from "./reply.ts"
import { parseRevision } from "./revision.ts"
import type { WriteOptions } from "./verbCreate.ts"
import { chosenBy, type WatchQuery } from "./verbRead.ts"
import type { Target } from "./verbUpdate.ts"

type Answered = Effect.Effect<Answer, Refusals.Refusal>

const flag = (query: URLSearchParams, name: string): boolean => /^(true|1)$/.test(query.get(name) ?? "")

const given = (query: URLSearchParams, name: string): string | undefined => query.get(name) || undefined

const queryOf = ({ place: { kind, name, namespace }, query }: Exchange): WatchQuery => {
  const limit = Number(query.get("limit") ?? "0")
  const own = name === undefined ? "" : `metadata.name=${name}`
  const fields = [query.get("fieldSelector") ?? "", own].filter((part) => part !== "").join(",")
  return {
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    labelSelector: given(query, "labelSelector"),
    fieldSelector: fields,
    resourceVersion: given(query, "resourceVersion"),
    resourceVersionMatch: given(query, "resourceVersionMatch"),
    continue: given(query, "continue"),
    ...(limit > 0 ? { limit } : {}),
    bookmarks: flag(query, "allowWatchBookmarks"),
    sendInitialEvents: flag(query, "sendInitialEvents")
  }
}

/** Long enough for anyone who names no time; clients that do name five to ten minutes. */
const watchSeconds = 3000

const watchReply = (exchange: Exchange): Answered =>
  Effect.gen(function*() {
    const query = queryOf(exchange)
    // What is wrong with the question is said before the watch begins.
    yield* Effect.fromResult(chosenBy(query))
    yield* Effect.fromResult(parseRevision(query.resourceVersion))
    const seconds = Number(exchange.query.get("timeoutSeconds") ?? "0") || watchSeconds
    const body = exchange.api.rest.watch(query).pipe(
      Stream.map(eventLine(exchange)),
      Stream.catch((refusal) => Stream.succeed(line("ERROR", Refusals.statusOf(refusal)))),
      Stream.interruptWhen(Effect.sleep(seconds * 1000))
    )
    return { _tag: "Reply", status: 200, contentType: "application/json", headers: {}, body }
  })

const writeOptions = ({ query, request, warnings }: Exchange): WriteOptions => {
  const validation = query.get("fieldValidation")
  return {
    user: request.user,
    dryRun: query.get("dryRun") === "All",
    fieldValidation: validation === "Strict" || validation === "Ignore" ? validation : "Warn",
    warn: (text) => void warnings.push(text)
  }
}

const mediaTypes = ["application/json", "application/yaml", protobufType]

const mediaTypeOf = ({ contentType }: FrontRequest): string => contentType.split(";")[0]?.trim() ?? ""

const bodyOf = ({ api, request }: Exchange): Effect.Effect<JsonObject, Refusals.Refusal> => {
  const type = mediaTypeOf(request)
  if (type === protobufType) return Effect.fromResult(readProtobuf(api.state.fields, request.body))
  if (type !== "" && type !== "*/*" && !mediaTypes.includes(type)) {
    return Effect.fail(Refusals.unsupportedMediaType(mediaTypes))
  }
  return Effect.flatMap(
    Effect.fromResult(readBody(request.body)),
    (body) =>
      isObject(body) ? Effect.succeed(body) : Effect.fail(Refusals.badRequest("the request body is not an object"))
  )
}

/** A body that names another kind or version was meant for another path; one that names none is what the path says. */
const sameKind = (kind: ApiKind, object: JsonObject): Effect.Effect<void, Refusals.Refusal> => {
  const expected = apiVersionOf(kind)
  const version = textOf(object["apiVersion"]) || expected
  const given = textOf(object["kind"]) || kind.kind
  if (version !== expected) {
    return Effect.fail(Refusals.badRequest(
      `the API version in the data (${version}) does not match the expected API version (${expected})`
    ))
  }
  return given === kind.kind ? Effect.void : Effect.fail(Refusals.badRequest(
    `${given} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: unknown conversion`
  ))
}

const targetOf = ({ kind, namespace, name = "", subresource = "" }: Place): Target => ({
  kind,
  namespace: namespace ?? "",
  name,
  subresource
})

const patchTypes: ReadonlyMap<string, PatchType> = new Map([
  ["application/json-patch+json", "json"],
  ["application/merge-patch+json", "merge"],
  ["application/strategic-merge-patch+json", "strategic"],
  ["application/apply-patch+yaml", "apply"]
])

const read = (exchange: Exchange): Answered => {
  const { api, place, query, request } = exchange
  const { kind, name, subresource } = place
  if (kind.virtual) return Effect.fail(Refusals.methodNotAllowed())
  // These show the object itself, so that a client can read what it is going to change.
  if (subresource !== undefined && !writable.has(subresource)) {
    return Effect.fromResult(nodeTarget(api.state, place, new URL(request.target, "http://server").search))
  }
  if (flag(query, "watch")) return watchReply(exchange)
  if (name !== undefined) return Effect.map(api.rest.get(targetOf(place)), (object) => objectReply(exchange, object))
  return Effect.map(api.rest.list(queryOf(exchange)), (page) => jsonReply(listOf(exchange, kind, page)))
}

const post = (exchange: Exchange): Answered => {
  const { api, place, request } = exchange
  const { kind, name, namespace, subresource } = place
  if (subresource === "log" || subresource === "proxy") {
    return Effect.fromResult(nodeTarget(api.state, place, new URL(request.target, "http://server").search))
  }
  return Effect.gen(function*() {
    const object = yield* bodyOf(exchange)
    const options = writeOptions(exchange)
    if (name !== undefined) return objectReply(exchange, yield* api.rest.post(targetOf(place), object, options), 201)
    if (kind.namespaced && namespace === undefined) return yield* Effect.fail(Refusals.methodNotAllowed())
    yield* sameKind(kind, object)
    return objectReply(exchange, yield* api.rest.create({ kind, namespace: namespace ?? "", object, options }), 201)
  })
}

const put = (exchange: Exchange): Answered =>
  Effect.gen(function*() {
    const { api, place } = exchange
    const object = yield* bodyOf(exchange)
    yield* sameKind(place.kind, object)
    const options = writeOptions(exchange)
    const target = targetOf(place)
    const isNew = api.state.store.get(target.kind, target.namespace, target.name) === undefined
    return objectReply(exchange, yield* api.rest.update({ target, object, options }), isNew ? 201 : 200)
  })

const patch = (exchange: Exchange): Answered =>
  Effect.gen(function*() {
    const { api, place, request } = exchange
    const media = mediaTypeOf(request)
    const type = patchTypes.get(media)
    if (type === undefined) return yield* Effect.fail(Refusals.unsupportedMediaType([...patchTypes.keys()]))
    const body = yield* Effect.fromResult(readBody(request.body))
    const options = writeOptions(exchange)
    return objectReply(exchange, yield* api.rest.patch({ target: targetOf(place), patch: { type, body }, options }))
  })

const remove = (exchange: Exchange): Answered =>
  Effect.gen(function*() {
    const { api, place, query, request } = exchange
    const { kind, name, namespace } = place
    const grace = query.get("gracePeriodSeconds")
    const policy = query.get("propagationPolicy")
    const body = request.body.length === 0 ? undefined : yield* bodyOf(exchange)
    const options = {
      ...deleteOptionsOf(policy === null ? {} : { propagationPolicy: policy }),
      ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
      ...deleteOptionsOf(body),
      dryRun: query.get("dryRun") === "All" || (isObject(body) && Array.isArray(body["dryRun"]))
    }
    if (name !== undefined) {
      return objectReply(exchange, yield* api.rest.remove({ kind, namespace: namespace ?? "", name, options }))
    }
    return jsonReply(listOf(exchange, kind, yield* api.rest.removeAll(queryOf(exchange), options)))
  })

const methods: ReadonlyMap<string, (exchange: Exchange) => Answered> = new Map([
  ["GET", read],
  ["HEAD", read],
  ["POST", post],
  ["PUT", put],
  ["PATCH", patch],
  ["DELETE", remove]
])

const writable: ReadonlySet<string> = new Set(["status", "approval", "finalize", "ephemeralcontainers", "resize"])

/** Whether the method makes sense there at all. */
const allowed = (method: string, { kind, name, subresource }: Place): boolean => {
  if (method === "GET" || method === "HEAD" || method === "POST") return true
  if (kind.virtual) return false
  if (subresource !== undefined) return method !== "DELETE" && writable.has(subresource)
  return name !== undefined || method === "DELETE"
}

export const answerResource = (
  api: MemoryApi,
  request: FrontRequest,
  place: Place,
  query: URLSearchParams
): Answered => {
  const handle = methods.get(request.method)
  if (handle === undefined || !allowed(request.method, place)) return Effect.fail(Refusals.methodNotAllowed())
  // What a node answers is in whatever form the node has it.
  const passed = place.subresource === "log" || place.subresource === "proxy"
  const form = passed ? "plain" : negotiate(request.accept)
  if (form === undefined) return Effect.fail(Refusals.notAcceptable(acceptable))
  return handle({ api, request, place, query, form, warnings: [] })
}
