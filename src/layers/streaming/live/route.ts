/** Routes of the node's server: patterns with typed parameters, handlers that answer or refuse, and how one is found. */
import { Data, Effect, Option, Result } from "effect"
import { HttpServerResponse } from "effect/http"
import type { UserInfo } from "../../../domain/auth/access.ts"
import type { RequestTarget } from "../../../domain/auth/requestTarget.ts"

/** An answer in plain text that ends the request: what clients of the kubelet know as its errors. */
export class Refusal extends Data.TaggedError("Refusal")<{
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}> {}

export const refuse = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Refusal =>
  new Refusal({ status, body, headers })

// What is served may have been written by a container: no browser is to guess what it is.
const always = { "x-content-type-options": "nosniff" }

export const refusalHeaders = (refusal: Refusal): Readonly<Record<string, string>> => ({
  ...always,
  "content-type": "text/plain; charset=utf-8",
  ...refusal.headers
})

export const toResponse = (refusal: Refusal): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(refusal.body, { status: refusal.status, headers: refusalHeaders(refusal) })

export const text = (body: string, contentType = "text/plain; charset=utf-8"): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(body, { contentType, headers: always })

export const json = (value: unknown): HttpServerResponse.HttpServerResponse =>
  text(JSON.stringify(value), "application/json")

export interface NodeRequest {
  readonly method: string
  readonly target: RequestTarget
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly user: Option.Option<UserInfo>
}

type ParameterOf<Pattern extends string> = Pattern extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterOf<Rest>
  : never

export type Handler<A> = (request: NodeRequest) => Effect.Effect<A, Refusal>

/** A way to answer the requests of some path: with a response, or with what an upgraded connection is for. */
export interface Route<A> {
  /** `*` for any. */
  readonly methods: ReadonlyArray<string>
  readonly pattern: string
  readonly match: (segments: ReadonlyArray<string>) => Option.Option<Handler<A>>
}

export type ResponseRoute = Route<HttpServerResponse.HttpServerResponse>

/**
 * A route. `{name}` in the pattern stands for one non-empty segment; a pattern that ends in `/*` takes everything at
 * and below it. A slash at the end of a path does not matter.
 */
export const route = <A, const Pattern extends `/${string}`>(
  methods: ReadonlyArray<string>,
  pattern: Pattern,
  handle: (
    parameters: Readonly<Record<ParameterOf<Pattern>, string>>,
    request: NodeRequest
  ) => Effect.Effect<A, Refusal>
): Route<A> => {
  const parts = pattern.slice(1).split("/")
  const isOpen = parts.at(-1) === "*"
  const fixed = isOpen ? parts.slice(0, -1) : parts
  return {
    methods,
    pattern,
    match: (segments) => {
      const given = segments.at(-1) === "" ? segments.slice(0, -1) : segments
      if (given.length < fixed.length || (!isOpen && given.length > fixed.length)) {
        return Option.none()
      }
      const parameters: Record<string, string> = {}
      for (const [index, part] of fixed.entries()) {
        const segment = given[index] ?? ""
        if (part.startsWith("{")) {
          parameters[part.slice(1, -1)] = segment
        } else if (part !== segment) {
          return Option.none()
        }
      }
      return Option.some((request) => handle(parameters as Readonly<Record<ParameterOf<Pattern>, string>>, request))
    }
  }
}

/** The same route with another use of what it finds. */
export const mapRoute = <A, B>(
  self: Route<A>,
  use: (found: A, request: NodeRequest) => Effect.Effect<B, Refusal>
): Route<B> => ({
  methods: self.methods,
  pattern: self.pattern,
  match: (segments) =>
    Option.map(
      self.match(segments),
      (handler) => (request) => Effect.flatMap(handler(request), (found) => use(found, request))
    )
})

/** The handler of a request; 404 without a path for it, 405 with one that is not for its method. */
export const find = <A>(
  routes: ReadonlyArray<Route<A>>,
  method: string,
  segments: ReadonlyArray<string>
): Result.Result<Handler<A>, Refusal> => {
  const allowed = new Set<string>()
  for (const { match, methods } of routes) {
    const handler = match(segments)
    if (Option.isNone(handler)) {
      continue
    }
    if (methods.includes(method) || methods.includes("*")) {
      return Result.succeed(handler.value)
    }
    methods.forEach((name) => allowed.add(name))
  }
  return Result.fail(
    allowed.size === 0
      ? refuse(404, "404: Page Not Found")
      : refuse(405, "405: Method Not Allowed", { allow: [...allowed].join(", ") })
  )
}
