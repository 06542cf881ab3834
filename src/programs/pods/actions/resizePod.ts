/**
 * Fits a pod's group and its running containers to what the pod was allotted (parity D17): one step after the other,
 * each remembered when it is done. A limit is not lowered below what is in use.
 */
import { Clock, Effect } from "effect"
import { overheadResources } from "../../../domain/config/linuxResources.ts"
import type { NodeSettings } from "../../../domain/config/nodeSettings.ts"
import type { Action } from "../../../domain/pod/model.ts"
import { allocationOf } from "../../../domain/resize/allocation.ts"
import {
  memoryComplaint,
  type MemoryUse,
  type ResizeStep,
  type ResizeSteps,
  resizeSteps
} from "../../../domain/resize/steps.ts"
import { Cri, GrpcCode } from "../../../layers/cri/Cri.ts"
import { Cgroups } from "../../../layers/host/Cgroups.ts"
import { Allocations } from "../Allocations.ts"
import { type ActionContext, Outcome } from "../PodActions.ts"
import { cgroupOf, podGroup } from "../podCgroups.ts"

type Resize = Action & { readonly _tag: "ResizePod" }

/** What is used now of that whose limit is to fall. What cannot be measured does not stand against it. */
const usesOf = Effect.fnUntraced(
  function*(context: ActionContext, lowered: ResizeSteps["lowered"], node: NodeSettings) {
    const cri = yield* Cri
    const cgroups = yield* Cgroups
    const ofPod = Effect.map(cgroups.stats(cgroupOf(context.pod, node)), ({ memory }) => memory.usageBytes)
    const ofContainer = (containerId: string) =>
      Effect.map(cri.containerStats({ containerId }), ({ stats }) => Number(stats?.memory?.usageBytes?.value ?? 0n))
    return yield* Effect.forEach(
      lowered,
      Effect.fnUntraced(function*({ container, limitBytes }) {
        const measured: Effect.Effect<number, { readonly message: string }> = container === undefined
          ? ofPod
          : ofContainer(container.id)
        const usageBytes = yield* Effect.catch(
          measured,
          (error) => Effect.as(Effect.logWarning("cannot measure what a container uses", error), 0)
        )
        const use: MemoryUse = {
          limitBytes,
          usageBytes,
          ...(container === undefined ? {} : { container: container.name })
        }
        return use
      })
    )
  }
)

const tellSandbox = Effect.fnUntraced(
  function*(context: ActionContext, podSandboxId: string, step: ResizeStep & { _tag: "Group" }, node: NodeSettings) {
    const cri = yield* Cri
    yield* cri.updatePodSandboxResources({
      podSandboxId,
      overhead: overheadResources(context.pod, node),
      resources: step.sandbox
    })
  },
  // The group has it; the runtime is only told, and an older one has no ear for it.
  (told) => Effect.catchIf(told, ({ code }) => code === GrpcCode.Unimplemented, () => Effect.void)
)

const take = Effect.fnUntraced(
  function*(context: ActionContext, podSandboxId: string, step: ResizeStep, node: NodeSettings) {
    const cri = yield* Cri
    const cgroups = yield* Cgroups
    const allocations = yield* Allocations
    switch (step._tag) {
      case "Group":
        yield* cgroups.apply(cgroupOf(context.pod, node), step.limits)
        return yield* tellSandbox(context, podSandboxId, step, node)
      case "Container":
        yield* cri.updateContainerResources({ containerId: step.id, linux: step.linux })
        return yield* allocations.actuate(context.pod.metadata.uid, step.after)
    }
  }
)

const carryOut = Effect.fnUntraced(function*(context: ActionContext, action: Resize, node: NodeSettings) {
  const { pod } = context
  const allocations = yield* Allocations
  const inForce = yield* allocations.inForce(pod.metadata.uid)
  if (inForce === undefined) return
  const group = yield* podGroup(pod, node)
  const { lowered, steps } = resizeSteps({ pod, inForce, running: action.containers, group, node })
  const complaint = memoryComplaint(yield* usesOf(context, lowered, node))
  if (complaint !== undefined) return yield* Effect.fail({ message: complaint })
  yield* Effect.forEach(steps, (step) => take(context, action.sandboxId, step, node), { discard: true })
  yield* allocations.actuate(pod.metadata.uid, allocationOf(pod))
})

/** `node`: the settings of this moment. */
export const resizePod = Effect.fn("PodActions.resizePod")(
  function*(context: ActionContext, action: Resize, node: NodeSettings) {
    return yield* carryOut(context, action, node).pipe(
      Effect.as(Outcome.Done()),
      Effect.catch((error) =>
        Effect.map(Clock.currentTimeMillis, (atMs) =>
          Outcome.ResizeFailed({
            message: "detail" in error && typeof error.detail === "string" ? error.detail : error.message,
            atMs,
            generation: action.generation
          }))
      )
    )
  }
)
