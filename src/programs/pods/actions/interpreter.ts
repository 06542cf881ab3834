/** Assembles the interpreter of a pod's actions; each kind has its file in `actions/`. */
import { Effect, Exit, Layer, Schedule } from "effect"
import type { NodeSettings } from "../../../domain/config/nodeSettings.ts"
import { podDir, podLogDirectory } from "../../../domain/config/podPaths.ts"
import type { Pod } from "../../../domain/k8s/pod.ts"
import { Action } from "../../../domain/pod/model.ts"
import type { KubeApi } from "../../../layers/api/KubeApi.ts"
import { Cri } from "../../../layers/cri/Cri.ts"
import type { Cgroups } from "../../../layers/host/Cgroups.ts"
import { type HostFileError, HostFiles } from "../../../layers/host/HostFiles.ts"
import type { Prober } from "../../../layers/probes/Prober.ts"
import type { AgentConfig } from "../../AgentConfig.ts"
import { removeContainer } from "../../cleanup/removeContainer.ts"
import { Devices } from "../../devices/Devices.ts"
import type { EventRecorder } from "../../events/EventRecorder.ts"
import type { ImagePuller } from "../../images/ImagePuller.ts"
import type { NetworkProblems } from "../../network/NetworkProblems.ts"
import { nodeSettings } from "../../node/nodeSettings.ts"
import { NodeState } from "../../node/NodeState.ts"
import type { RuntimeHealth } from "../../runtime/RuntimeHealth.ts"
import { RuntimeView } from "../../runtime/RuntimeView.ts"
import type { ObjectCache } from "../../volumes/ObjectCache.ts"
import type { PodVolumes } from "../../volumes/PodVolumes.ts"
import { withNeeds } from "../../withNeeds.ts"
import type { Allocations } from "../Allocations.ts"
import { type ActionContext, Outcome, PodActions } from "../PodActions.ts"
import { destroyPodCgroup } from "../podCgroups.ts"
import type { PodRegistry } from "../PodRegistry.ts"
import type { ServiceCache } from "../ServiceCache.ts"
import { makeStartPace } from "../startPace.ts"
import type { UserNamespaces } from "../UserNamespaces.ts"
import { killContainer } from "./killContainer.ts"
import { resizePod } from "./resizePod.ts"
import { runSandbox } from "./runSandbox.ts"
import { startContainer } from "./startContainer.ts"

type Requirements =
  | AgentConfig
  | Allocations
  | Cgroups
  | Cri
  | Devices
  | EventRecorder
  | HostFiles
  | ImagePuller
  | KubeApi
  | NetworkProblems
  | NodeState
  | ObjectCache
  | PodRegistry
  | PodVolumes
  | Prober
  | RuntimeHealth
  | RuntimeView
  | ServiceCache
  | UserNamespaces

const cleaning = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("10 seconds")])

const stopSandbox = Effect.fn("PodActions.stopSandbox")(function*(podSandboxId: string) {
  const cri = yield* Cri
  const view = yield* RuntimeView
  yield* view.ending(podSandboxId, cri.stopPodSandbox({ podSandboxId }))
})

/** What the runtime shows otherwise after an action. What an action makes nobody has looked at before it. */
const outdateAfter = (view: RuntimeView["Service"], uid: string, action: Action, exit: Exit.Exit<Outcome>) => {
  // Why it did not come to its end may be the state of anything in the pod.
  if (Exit.isFailure(exit) || exit.value._tag !== "Done") return view.outdatePod(uid)
  switch (action._tag) {
    case "StopSandbox":
    case "ResizePod":
      return view.outdatePod(uid)
    case "KillContainer":
    case "RemoveContainer":
      return view.outdate(action.id)
    case "RunSandbox":
    case "StartContainer":
    case "CancelStart":
      return Effect.void
  }
}

/** What is gone is as good as stopped or removed; everything else is tried again by the plan. */
const settled = <R>(effect: Effect.Effect<void, { readonly message: string }, R>) =>
  effect.pipe(
    Effect.as(Outcome.Done()),
    Effect.catch((error) => Effect.succeed(Outcome.Failed({ message: error.message })))
  )

/** Its sandboxes go with all their containers; logs and folders after them. */
const removeRecordsOf = Effect.fn("PodActions.removeRecords")(function*(pod: Pod, node: NodeSettings) {
  const cri = yield* Cri
  const files = yield* HostFiles
  const view = yield* RuntimeView
  const mine = (yield* view.pods).find(({ uid }) => uid === pod.metadata.uid)
  yield* Effect.forEach(mine?.containerIds ?? [], (containerId) => cri.removeContainer({ containerId }), {
    discard: true
  })
  yield* Effect.forEach(mine?.sandboxIds ?? [], (podSandboxId) => cri.removePodSandbox({ podSandboxId }), {
    discard: true
  })
  yield* files.removeTree(podLogDirectory(node.podLogsDir, pod))
  yield* files.removeTree(podDir(node.rootDir, pod.metadata.uid))
  yield* view.forget(pod.metadata.uid)
})

/** Fails if the machine does not say what it can do: limits must not rest on a guess. */
export const layer: Layer.Layer<PodActions, HostFileError, Requirements> = Layer.effect(
  PodActions,
  Effect.gen(function*() {
    const services = yield* Effect.context<Requirements>()
    const view = yield* RuntimeView
    const node = yield* nodeSettings
    const devices = yield* Devices
    const paced = yield* makeStartPace((yield* (yield* NodeState).facts).cpuCount)

    const interpret = (context: ActionContext, action: Action): Effect.Effect<Outcome, never, Requirements> =>
      Action.$match(action, {
        RunSandbox: (run) => paced(Effect.flatMap(node, (settings) => runSandbox(context, run, settings))),
        StopSandbox: ({ id }) => settled(stopSandbox(id)),
        StartContainer: (start) => Effect.flatMap(node, (settings) => startContainer(context, start, settings)),
        ResizePod: (resize) => Effect.flatMap(node, (settings) => resizePod(context, resize, settings)),
        KillContainer: (kill) => killContainer(context, kill),
        RemoveContainer: ({ id }) => settled(removeContainer(id)),
        // The worker itself ends the lane.
        CancelStart: () => Effect.succeed(Outcome.Done())
      })

    const insistently = <E extends { readonly message: string }>(
      what: string,
      effect: Effect.Effect<void, E, Requirements>
    ) =>
      effect.pipe(
        Effect.tapError((error) => Effect.logWarning(`cannot ${what} yet`, error)),
        Effect.retry(cleaning),
        Effect.orDie,
        withNeeds(services)
      )

    return PodActions.of({
      run: (context, action) =>
        interpret(context, action).pipe(
          Effect.onExit((exit) => outdateAfter(view, context.pod.metadata.uid, action, exit)),
          withNeeds(services)
        ),
      releaseResources: (pod) =>
        insistently(
          "remove the cgroup of a pod",
          Effect.flatMap(node, (settings) => destroyPodCgroup(pod, settings))
        ).pipe(Effect.andThen(devices.release(pod.metadata.uid))),
      removeRecords: (pod) =>
        insistently("remove the records of a pod", Effect.flatMap(node, (settings) => removeRecordsOf(pod, settings)))
    })
  })
)
