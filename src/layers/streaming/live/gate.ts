/**
 * The way in: every request, plain or upgrading, passes here before anything is done for it. One reading of the path
 * serves authorization and routing.
 */
import { Clock, Effect, Option, Result } from "effect"
import type { IncomingMessage } from "node:http"
import { attributesOf, authorizationErrorText, forbiddenText } from "../../../domain/auth/access.ts"
import { parseTarget, type RequestTarget } from "../../../domain/auth/requestTarget.ts"
import type { Access } from "../Access.ts"
import { credentialsOf } from "./peer.ts"
import { type NodeRequest, type Refusal, refuse } from "./route.ts"

/** Reads the request line, or says where to ask instead. */
export const targetOf = (request: IncomingMessage): Result.Result<RequestTarget, Refusal> =>
  Result.mapError(parseTarget(request.url ?? ""), (bad) =>
    bad._tag === "Redirect"
      ? refuse(301, "", { location: bad.location })
      : refuse(400, "400 Bad Request"))

/** Lets the request in, or refuses it. Without `access` the port is open to all: the read-only and healthz ports. */
export const admit = Effect.fn("NodeServer.admit")(function*(
  request: IncomingMessage,
  target: RequestTarget,
  access: Option.Option<Access["Service"]>,
  nodeName: string
): Effect.fn.Return<NodeRequest, Refusal> {
  const method = request.method ?? ""
  const headers: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = Array.isArray(value) ? value.join(", ") : value
  }
  if (Option.isNone(access)) {
    return { method, target, headers, user: Option.none() }
  }
  const now = yield* Clock.currentTimeMillis
  const user = yield* access.value.authenticate(credentialsOf(request, now)).pipe(
    Effect.tapError((error) => Effect.logDebug("Refused a request: not authenticated", error)),
    Effect.mapError(() => refuse(401, "Unauthorized"))
  )
  const attributes = attributesOf(method, target.path, nodeName)
  const allowed = yield* access.value.authorize(user, attributes).pipe(
    Effect.tapError((error) => Effect.logError("Could not authorize a request", error)),
    Effect.mapError(() => refuse(500, authorizationErrorText(user, attributes[0])))
  )
  return allowed
    ? { method, target, headers, user: Option.some(user) }
    : yield* refuse(403, forbiddenText(user, attributes))
})
