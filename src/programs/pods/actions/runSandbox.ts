/** Makes a pod's sandbox: cgroup and folders first, then the runtime (parity C12, D2). */
import { Clock, Effect, Result, Schedule } from "effect"
import type { NodeSettings } from "../../../domain/config/nodeSettings.ts"
import { sandboxConfig } from "../../../domain/config/sandboxConfig.ts"
import type { Pod } from "../../../domain/k8s/pod.ts"
import type { Action } from "../../../domain/pod/model.ts"
import { allocationOf } from "../../../domain/resize/allocation.ts"
import { Cri } from "../../../layers/cri/Cri.ts"
import { EventRecorder } from "../../events/EventRecorder.ts"
import { NetworkProblems } from "../../network/NetworkProblems.ts"
import { RuntimeView } from "../../runtime/RuntimeView.ts"
import { PodVolumes } from "../../volumes/PodVolumes.ts"
import { Allocations } from "../Allocations.ts"
import { type ActionContext, Outcome } from "../PodActions.ts"
import { createPodCgroup } from "../podCgroups.ts"
import { runtimeHandlerOf } from "../runtimeHandler.ts"
import { UserNamespaces } from "../UserNamespaces.ts"
import { makePodFolders } from "./podFolders.ts"
import { sourceAnnotations } from "./sourceAnnotations.ts"

/** Has no end: what may be there must be known before anything else is done about the pod's sandbox. */
const listing = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")])

type Run = Action & { readonly _tag: "RunSandbox" }

const tellChange = Effect.fnUntraced(function*(pod: Pod) {
  const events = yield* EventRecorder
  const message = "Pod sandbox changed, it will be killed and re-created."
  yield* events.recordPod(pod, { type: "Normal", reason: "SandboxChanged", message })
})

const make = Effect.fnUntraced(function*(context: ActionContext, action: Run, node: NodeSettings) {
  const { pod } = context
  const cri = yield* Cri
  const events = yield* EventRecorder
  const volumes = yield* PodVolumes
  yield* Effect.all([createPodCgroup(pod, node), makePodFolders(pod, node)], { concurrency: 2, discard: true })
  const runtimeHandler = yield* runtimeHandlerOf(pod)
  const userNamespaces = yield* UserNamespaces
  const userNamespace = yield* userNamespaces.mappingsOf(pod, runtimeHandler)
  const built = yield* Effect.fromResult(sandboxConfig({
    pod,
    node,
    attempt: action.attempt,
    annotations: sourceAnnotations(context),
    volumeGroups: (yield* volumes.mounts(pod.metadata.uid)).groups,
    ...(userNamespace === undefined ? {} : { userNamespace })
  }))
  yield* Effect.forEach(
    built.warnings,
    ({ message, reason }) => events.recordPod(pod, { type: "Warning", reason, message }),
    { discard: true }
  )
  const answer = yield* cri.runPodSandbox({ config: built.config, runtimeHandler })
  return answer.podSandboxId
})

/** `node`: the settings of this moment. */
export const runSandbox = Effect.fn("PodActions.runSandbox")(
  function*(context: ActionContext, action: Run, node: NodeSettings) {
    const { pod } = context
    const events = yield* EventRecorder
    const view = yield* RuntimeView
    if (action.why === "SandboxChanged") yield* tellChange(pod)
    const made = yield* Effect.result(make(context, action, node))
    if (Result.isSuccess(made)) {
      const allocations = yield* Allocations
      // Whatever was to be resized is made anew, in a group that fits.
      yield* allocations.actuate(pod.metadata.uid, allocationOf(pod))
      yield* view.noteSandbox(pod.metadata.uid, made.success)
      return Outcome.Done()
    }
    const failure = made.failure
    const problems = yield* NetworkProblems
    const detail = yield* problems.explain("detail" in failure ? failure.detail : failure.message)
    const message = `Failed to create pod sandbox: ${detail}`
    yield* events.recordPod(pod, { type: "Warning", reason: "FailedCreatePodSandBox", message })
    // Whether the call has left a sandbox behind is not known: the next look has to see everything. Without that a pod
    // that is deleted now would be thought to hold nothing.
    if (failure._tag === "CriError" && failure.reason._tag === "Uncertain") {
      yield* Effect.retry(view.relist, listing).pipe(Effect.ignore)
    } else if (failure._tag === "CriError" && failure.reason._tag !== "Permanent") yield* Effect.ignore(view.relist)
    const atMs = yield* Clock.currentTimeMillis
    return Outcome.SandboxFailed({ failure: { reason: "CreatePodSandboxError", message, atMs } })
  }
)
