/** Requests and answers of the API, as values. */
import { Result, type Stream } from "effect"
import { parse as parseYaml } from "yaml"
import * as Refusals from "./refusal.ts"
import type { Identity } from "./state.ts"

export interface FrontRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly accept: string
  readonly contentType: string
  readonly body: Uint8Array
  readonly user: Identity
}

export interface Reply {
  readonly _tag: "Reply"
  readonly status: number
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | Stream.Stream<Uint8Array>
}

/** To be asked of a node: where, and with which path. */
export interface Pass {
  readonly _tag: "Pass"
  readonly node: NodeAddress
  readonly target: string
}

export interface NodeAddress {
  readonly host: string
  readonly port: number
}

export type Answer = Reply | Pass

const encoder = new TextEncoder()

export const jsonReply = (
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {}
): Reply => ({
  _tag: "Reply",
  status,
  contentType: "application/json",
  headers,
  body: encoder.encode(`${JSON.stringify(value)}\n`)
})

export const textReply = (text: string): Reply => ({
  _tag: "Reply",
  status: 200,
  contentType: "text/plain; charset=utf-8",
  headers: {},
  body: encoder.encode(text)
})

export const refusalReply = (refusal: Refusals.Refusal): Reply => {
  const seconds = refusal.details?.["retryAfterSeconds"]
  return jsonReply(
    Refusals.statusOf(refusal),
    refusal.code,
    seconds === undefined ? {} : { "retry-after": String(seconds) }
  )
}

/** The body as JSON or YAML, whichever it is: JSON is YAML too, but reads faster as itself. */
export const readBody = (body: Uint8Array): Result.Result<unknown, Refusals.Refusal> => {
  const text = new TextDecoder().decode(body)
  if (text.trim() === "") return Result.succeed(undefined)
  return Result.try({
    try: (): unknown => /^\s*[[{]/.test(text) ? JSON.parse(text) : parseYaml(text),
    catch: (cause) =>
      Refusals.badRequest(`the request body could not be read: ${cause instanceof Error ? cause.message : ""}`)
  })
}
