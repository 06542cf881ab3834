/** Objects, lists and events in the form that a request asked for: plain, as tables, or as metadata only. */
import type { JsonObject } from "../../../domain/k8s/json.ts"
import { apiVersionOf } from "../../../domain/k8s/resources.ts"
import type { KubeObject, WatchEvent } from "../KubeApi.ts"
import type { ApiKind } from "./kinds.ts"
import type { MemoryApi } from "./MemoryApi.ts"
import type { Form } from "./negotiate.ts"
import type { Place } from "./paths.ts"
import { type FrontRequest, jsonReply, type Reply } from "./reply.ts"
import { nowMillis } from "./state.ts"
import { metadataOf, tableOf, type TableOptions } from "./table.ts"
import type { Page } from "./verbRead.ts"

/** A request on its way to its answer. */
export interface Exchange {
  readonly api: MemoryApi
  readonly request: FrontRequest
  readonly place: Place
  readonly query: URLSearchParams
  readonly form: Form
  readonly warnings: Array<string>
}

const tableOptions = ({ api, query }: Exchange, headed = true): TableOptions => ({
  nowMs: nowMillis(api.state),
  include: query.get("includeObject") ?? "Metadata",
  headed
})

const listMeta = ({ revision, continue: token, remaining }: Page): JsonObject => ({
  resourceVersion: String(revision),
  ...(token === undefined ? {} : { continue: token }),
  ...(remaining === undefined ? {} : { remainingItemCount: remaining })
})

/** Items of a list say nothing of their kind, which the list has said for all. */
const bare = ({ apiVersion: _a, kind: _k, ...rest }: KubeObject): JsonObject => rest

export const listOf = (exchange: Exchange, kind: ApiKind, page: Page): unknown => {
  switch (exchange.form) {
    case "table":
      return tableOf(kind, page.items, listMeta(page), tableOptions(exchange))
    case "metadata":
      return {
        kind: "PartialObjectMetadataList",
        apiVersion: "meta.k8s.io/v1",
        metadata: listMeta(page),
        items: page.items.map(metadataOf)
      }
    default:
      return {
        kind: `${kind.kind}List`,
        apiVersion: apiVersionOf(kind),
        metadata: listMeta(page),
        items: page.items.map(bare)
      }
  }
}

const objectIn = (exchange: Exchange, object: KubeObject, headed = true): unknown => {
  // What is no object of the kind asked for is the `Status` of a deletion.
  if (exchange.form === "plain" || object.kind !== exchange.place.kind.kind) return object
  if (exchange.form === "metadata") return metadataOf(object)
  const meta = { resourceVersion: object.metadata.resourceVersion ?? "" }
  return tableOf(exchange.place.kind, [object], meta, tableOptions(exchange, headed))
}

const quoted = (text: string): string => `"${text.replaceAll(/[\\"]/g, String.raw`\$&`)}"`

export const objectReply = (exchange: Exchange, object: KubeObject, status = 200): Reply => {
  const warning = exchange.warnings.map((text) => `299 - ${quoted(text)}`).join(", ")
  return jsonReply(objectIn(exchange, object), status, warning === "" ? {} : { warning })
}

const encoder = new TextEncoder()

export const line = (type: string, object: unknown): Uint8Array =>
  encoder.encode(`${JSON.stringify({ type, object })}\n`)

/** The lines of a watch; the columns of a table come with the first only. */
export const eventLine = (exchange: Exchange) => {
  let headed = true
  return ({ object, type }: WatchEvent): Uint8Array => {
    if (type === "BOOKMARK") {
      return line(
        type,
        exchange.form === "table"
          ? tableOf(exchange.place.kind, [], object.metadata, tableOptions(exchange, false))
          : object
      )
    }
    const shown = objectIn(exchange, object, headed)
    headed = false
    return line(type, shown)
  }
}
