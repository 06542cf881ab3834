/** Faults of the connection to the API server, for both ways on which the agent talks to it. */
import { Context, Effect, Layer, Stream } from "effect"
import type { Failing, OutsideCall } from "../../domain/chaos/fault.ts"
import { Permanent, Retryable, Uncertain } from "../../domain/failure.ts"
import { HeartbeatApi } from "../api/HeartbeatApi.ts"
import { ApiError, type ApiFailure, Conflict, Expired, KubeApi } from "../api/KubeApi.ts"
import { Faults } from "./Faults.ts"
import { strikeCall, strikeEvery, strikeStream, struckBy } from "./strike.ts"

interface Answer {
  readonly reason: ApiFailure
  readonly status: number
  readonly statusReason: string
}

const answerOf = (how: Failing): Answer => {
  switch (how) {
    case "conflict":
      return { reason: new Conflict(), status: 409, statusReason: "Conflict" }
    case "expired":
      return { reason: new Expired(), status: 410, statusReason: "Expired" }
    case "internal":
      return { reason: new Retryable({}), status: 500, statusReason: "InternalError" }
    case "throttled":
      return { reason: new Retryable({ retryAfterMs: 1000 }), status: 429, statusReason: "TooManyRequests" }
    case "lost":
    case "timeout":
      return { reason: new Uncertain(), status: 0, statusReason: "" }
    case "failed":
      return { reason: new Permanent(), status: 403, statusReason: "Forbidden" }
    default:
      return { reason: new Retryable({}), status: 503, statusReason: "ServiceUnavailable" }
  }
}

const errorOf = (how: Failing, { method, target }: OutsideCall): ApiError =>
  new ApiError({ ...answerOf(how), op: method, target, detail: `made up: ${how}` })

const textOf = (value: unknown, key: string): string => {
  const field: unknown = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined
  return typeof field === "string" ? field : ""
}

/** The resource, and the object where the call names one. */
const targetOf = ([resource, object]: ReadonlyArray<unknown>): string => {
  const metadata: unknown = typeof object === "object" && object !== null ? Reflect.get(object, "metadata") : undefined
  const name = textOf(object, "name") || textOf(metadata, "name")
  const plural = textOf(resource, "plural")
  return plural === "" || name === "" ? plural + name : `${plural} ${name}`
}

const struck = (api: KubeApi["Service"], faults: Faults["Service"], deadlineMs: number): KubeApi["Service"] => {
  const call = (method: string, args: ReadonlyArray<unknown>): OutsideCall => ({
    service: "KubeApi",
    method,
    target: targetOf(args)
  })
  /** Of caches that are behind: their watches are, too. */
  const lags = new Map<string, number>()
  return {
    ...strikeEvery(
      api,
      (method, args, effect) => strikeCall(faults, call(method, args), effect, { errorOf, deadlineMs })
    ),
    list: (resource, selection = {}) => {
      const listing = call("list", [resource])
      return Effect.suspend(() => {
        const verdict = faults.verdict(listing)
        // Only who accepts any version is given an old one.
        const old = verdict._tag === "Stale" && selection.resourceVersion === "0"
          ? faults.past?.(resource, selection, verdict.changes)
          : undefined
        if (old !== undefined && verdict._tag === "Stale") {
          lags.set(resource.plural, verdict.lagMs)
          return Effect.succeed(old)
        }
        return struckBy(faults, verdict, listing, api.list(resource, selection), { errorOf, deadlineMs })
      })
    },
    watch: (resource, selection) => {
      const lagMs = lags.get(resource.plural) ?? 0
      lags.delete(resource.plural)
      const told = strikeStream(faults, call("watch", [resource]), api.watch(resource, selection), {
        errorOf,
        deadlineMs
      })
      return lagMs === 0 ? told : Stream.concat(Stream.fromEffectDrain(Effect.sleep(lagMs)), told)
    }
  }
}

/** As long as the live client waits: requests, and heartbeats. */
const deadlines = { requests: 30_000, heartbeats: 10_000 }

export const layer: Layer.Layer<KubeApi | HeartbeatApi, never, KubeApi | HeartbeatApi | Faults> = Layer.effectContext(
  Effect.gen(function*() {
    const faults = yield* Faults
    return Context.make(KubeApi, struck(yield* KubeApi, faults, deadlines.requests)).pipe(
      Context.add(HeartbeatApi, struck(yield* HeartbeatApi, faults, deadlines.heartbeats))
    )
  })
)
