/** Collects unused images every five minutes and tells users of failures (parity G4). */
import { Effect, Ref } from "effect"
import { AgentConfig } from "../AgentConfig.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { PullRecords } from "../images/PullRecords.ts"
import { rounds } from "../rounds.ts"
import { supervise } from "../supervise.ts"
import { ImageGc } from "./ImageGc.ts"

const periodMs = 300_000

/** Runs for ever. */
export const imageGcLoop = Effect.gen(function*() {
  const { imageGcHighPercent, imageMaximumGcAgeMs } = yield* AgentConfig
  const records = yield* PullRecords
  const forget = rounds(periodMs, records.prune)
  // Images go by other hands than the agent's, too.
  if (imageGcHighPercent >= 100 && imageMaximumGcAgeMs <= 0) return yield* supervise("image pull records", forget)
  const images = yield* ImageGc
  const events = yield* EventRecorder
  const failedBefore = yield* Ref.make(false)
  const warn = (reason: string, message: string) => events.recordNode({ type: "Warning", reason, message })

  const round = images.collect.pipe(
    Effect.andThen(Ref.set(failedBefore, false)),
    Effect.tapErrorTag("ImageSpaceError", ({ message, reason }) => warn(reason, message)),
    Effect.catch((error) =>
      Effect.gen(function*() {
        yield* Effect.logError("Image garbage collection failed", error)
        // A runtime that is still starting has no statistics: the first failure says little.
        if (yield* Ref.getAndSet(failedBefore, true)) yield* warn("ImageGCFailed", error.message)
      })
    )
  )
  return yield* supervise("image garbage", rounds(periodMs, Effect.andThen(round, records.prune)))
})
