/** Takes the pods of `kubeffect up` off a runtime that stays: it was there before, and what it has is to be as it was. */
import { Effect, Schedule } from "effect"
import { pods } from "../../domain/k8s/resources.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"

/** Returns when the API server has no pod any more, or when that takes too long. */
export const clearNode = Effect.gen(function*() {
  const api = yield* KubeApi
  const { items } = yield* api.list(pods)
  yield* Effect.forEach(
    items,
    ({ metadata }) =>
      api.delete(pods, { namespace: metadata.namespace ?? "default", name: metadata.name ?? "" }, {
        gracePeriodSeconds: 1
      })
        .pipe(Effect.catchReason("ApiError", "NotFound", () => Effect.void)),
    { discard: true }
  )
  yield* Effect.repeat(api.list(pods), {
    schedule: Schedule.spaced("200 millis"),
    until: ({ items }) => items.length === 0
  })
}).pipe(
  Effect.timeout("20 seconds"),
  Effect.catch((error) => Effect.logWarning("pods may be left on the runtime", error))
)
