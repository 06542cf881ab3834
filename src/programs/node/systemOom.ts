/** Tells of processes that the kernel killed because the machine ran out of memory, as events of the node (parity B14). */
import { Effect, Stream } from "effect"
import { systemOomMessage, systemOomVictim } from "../../domain/node/oomKill.ts"
import { KernelLog } from "../../layers/host/KernelLog.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { supervise } from "../supervise.ts"

/** Runs for ever; where the kernel's log cannot be read it says so once and rests. */
export const systemOom = Effect.gen(function*() {
  const log = yield* KernelLog
  const events = yield* EventRecorder
  const follow = log.lines.pipe(
    Stream.map(({ text }) => systemOomVictim(text)),
    Stream.runForEach((victim) =>
      victim === undefined ? Effect.void : events.recordNode({
        type: "Warning",
        reason: "SystemOOM",
        message: systemOomMessage(victim)
      })
    ),
    Effect.catchReason(
      "KernelLogError",
      "Permanent",
      (_, error) =>
        Effect.andThen(Effect.logWarning("out-of-memory kills of the system will not be told of", error), Effect.never)
    )
  )
  return yield* supervise("system OOM", follow)
})
