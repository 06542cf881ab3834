/**
 * The first client certificate of a node that does not renew it by itself (A11): the agent has nothing to do before it
 * has one, so it waits for it, and ends when it is refused.
 */
import { Effect, Random, Schedule } from "effect"
import { retryDelayMs } from "../../domain/certificates/rotation.ts"
import { clientTemplate } from "../../domain/certificates/template.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import type * as Store from "./certificateStore.ts"
import { obtain } from "./obtainCertificate.ts"

const serverMs = 60_000
const answerMs = 3_600_000

/** The server may come up together with the node. */
const untilServer = Effect.gen(function*() {
  const api = yield* KubeApi
  yield* api.request({ method: "GET", path: "/healthz" }).pipe(
    Effect.retry(Schedule.spaced("2 seconds")),
    Effect.timeoutOption(serverMs)
  )
})

/** `KubeApi` is the server as whoever bootstraps sees it. */
export const bootstrap = Effect.fn("bootstrap")(function*(nodeName: string, place: Store.Place) {
  yield* untilServer
  let failures = 0
  const wanted = {
    place,
    template: clientTemplate(nodeName),
    resumable: true,
    waitMs: answerMs,
    submitted: Effect.void
  }
  return yield* obtain(wanted).pipe(
    Effect.tapError(Effect.fnUntraced(function*(error) {
      if (error._tag === "NotSigned") return
      failures += 1
      const delayMs = retryDelayMs(failures, yield* Random.next)
      yield* Effect.logError(`No certificate yet; next try in ${delayMs} ms`, error)
      yield* Effect.sleep(delayMs)
    })),
    Effect.retry({ while: (error) => error._tag !== "NotSigned" }),
    Effect.timeout(answerMs)
  )
})
