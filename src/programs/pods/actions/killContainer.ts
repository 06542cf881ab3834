/** Ends one container: preStop hook, TERM, and KILL when its grace is over (parity D12). */
import { Clock, Effect } from "effect"
import type { Pod } from "../../../domain/k8s/pod.ts"
import type { Action } from "../../../domain/pod/model.ts"
import { slotOf } from "../../../domain/pod/spec.ts"
import { Cri } from "../../../layers/cri/Cri.ts"
import { EventRecorder } from "../../events/EventRecorder.ts"
import { RuntimeView } from "../../runtime/RuntimeView.ts"
import { type ActionContext, Outcome } from "../PodActions.ts"
import { runHook } from "./hooks.ts"

/** However much of the grace the hook took, a container gets this long after TERM (parity D12). */
const minGraceMs = 2000
/** What the runtime may take beyond the grace before the call counts as lost (parity D22). */
const stopOverheadMs = 120_000

type Kill = Action & { readonly _tag: "KillContainer" }

/** Runs the preStop hook within the grace; returns what is left of it. */
const preStop = Effect.fnUntraced(function*(context: ActionContext, action: Kill) {
  const slot = slotOf(context.pod, action.name)
  const hook = slot?.container.lifecycle?.preStop
  if (slot === undefined || hook === undefined || !action.runPreStop || action.graceMs <= 0) return action.graceMs
  const events = yield* EventRecorder
  const begun = yield* Clock.currentTimeMillis
  yield* runHook({ ...context, containerId: action.id, container: slot.container, hook }).pipe(
    Effect.timeoutOrElse({ duration: action.graceMs, orElse: () => Effect.void }),
    Effect.catch((error) =>
      Effect.andThen(
        Effect.logWarning(`preStop hook of ${action.name} failed`, error),
        events.recordPod(context.pod, {
          type: "Warning",
          reason: "FailedPreStopHook",
          message: "PreStopHook failed",
          container: { name: slot.name, kind: slot.kind }
        })
      )
    )
  )
  return action.graceMs - ((yield* Clock.currentTimeMillis) - begun)
})

const tellKilling = Effect.fnUntraced(function*(pod: Pod, action: Kill) {
  if (action.message === "") return
  const events = yield* EventRecorder
  const slot = slotOf(pod, action.name)
  yield* events.recordPod(pod, {
    type: "Normal",
    reason: "Killing",
    message: action.message,
    ...(slot === undefined ? {} : { container: { name: slot.name, kind: slot.kind } })
  })
})

export const killContainer = Effect.fn("PodActions.killContainer")(function*(context: ActionContext, action: Kill) {
  const cri = yield* Cri
  const view = yield* RuntimeView
  yield* tellKilling(context.pod, action)
  const leftMs = Math.max(yield* preStop(context, action), minGraceMs)
  if (action.preStopOnly === true) return Outcome.Done()
  const timeout = Math.ceil(leftMs / 1000)
  const stop = cri.stopContainer(
    { containerId: action.id, timeout: BigInt(timeout) },
    { timeoutMs: timeout * 1000 + stopOverheadMs }
  )
  return yield* view.ending(action.id, stop).pipe(
    Effect.as(Outcome.Done()),
    Effect.catchReason("CriError", "NotFound", () => Effect.succeed(Outcome.Done())),
    Effect.catch((error) => Effect.succeed(Outcome.Failed({ message: error.message })))
  )
})
