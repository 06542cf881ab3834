/** Starts one container: image, configuration, create, start, postStart hook (parity D5). */
import { Clock, Effect } from "effect"
import type { NodeSettings } from "../../../domain/config/nodeSettings.ts"
import { containerLogPath, podLogDirectory } from "../../../domain/config/podPaths.ts"
import { sandboxConfig } from "../../../domain/config/sandboxConfig.ts"
import type { Action, PodEvent } from "../../../domain/pod/model.ts"
import { type Slot, slotOf } from "../../../domain/pod/spec.ts"
import { Cri } from "../../../layers/cri/Cri.ts"
import { AgentConfig } from "../../AgentConfig.ts"
import { EventRecorder } from "../../events/EventRecorder.ts"
import { ImagePuller, type ImageWish } from "../../images/ImagePuller.ts"
import { RuntimeView } from "../../runtime/RuntimeView.ts"
import { PodVolumes } from "../../volumes/PodVolumes.ts"
import { type ActionContext, Outcome } from "../PodActions.ts"
import { UserNamespaces } from "../UserNamespaces.ts"
import { containerRequest } from "./containerRequest.ts"
import { runHook } from "./hooks.ts"
import { linkLegacyLog, makeContainerFiles, writeHostsFile } from "./podFolders.ts"
import { sourceAnnotations } from "./sourceAnnotations.ts"

type Start = Action & { readonly _tag: "StartContainer" }

/** Why there is no running container, as `state.waiting` and the event `Failed` tell it. */
interface Obstacle {
  readonly reason: string
  readonly message: string
  /** Text of the event, when it is not the message. */
  readonly event?: string
}

const obstacle = (reason: string) => (error: { readonly message: string }): Obstacle => ({
  reason,
  message: "detail" in error && typeof error.detail === "string" ? error.detail : error.message
})

/** Images of the pod's image volumes that this container mounts (parity I14). */
const imageVolumes = Effect.fnUntraced(function*(wish: ImageWish) {
  const puller = yield* ImagePuller
  const { container, pod } = wish
  const mounted = new Set((container.volumeMounts ?? []).map(({ name }) => name))
  const wanted = (pod.spec.volumes ?? []).filter(({ image, name }) => image !== undefined && mounted.has(name))
  const references = yield* Effect.forEach(wanted, ({ image, name }) => {
    const imagePullPolicy = image?.pullPolicy ?? "IfNotPresent"
    const ensured = puller.ensure({
      ...wish,
      container: { ...container, image: image?.reference ?? "", imagePullPolicy }
    })
    return Effect.map(ensured, (present) => [name, present.ref] as const)
  })
  return new Map(references)
})

const create = Effect.fnUntraced(function*(context: ActionContext, action: Start, slot: Slot, node: NodeSettings) {
  const { observed, pod } = context
  const { container, kind } = slot
  const cri = yield* Cri
  const puller = yield* ImagePuller
  const volumes = yield* PodVolumes
  const sandbox = observed.sandboxes.find(({ id }) => id === action.sandboxId)
  if (sandbox === undefined) {
    return yield* Effect.fail<Obstacle>({ reason: "CreateContainerError", message: "the pod's sandbox is gone" })
  }
  // The runtime wants the sandbox's configuration once more, as it was given then.
  const annotations = sourceAnnotations(context)
  const volumeGroups = (yield* volumes.mounts(pod.metadata.uid)).groups
  const userNamespaces = yield* UserNamespaces
  const userNamespace = yield* userNamespaces.mappingsOf(pod, sandbox.runtimeHandler).pipe(
    Effect.mapError(obstacle("CreateContainerConfigError"))
  )
  const ids = userNamespace === undefined ? {} : { userNamespace }
  const built = sandboxConfig({ pod, node, attempt: sandbox.attempt, annotations, volumeGroups, ...ids })
  const { config: sandboxInit } = yield* Effect.mapError(
    Effect.fromResult(built),
    obstacle("CreateContainerConfigError")
  )
  const wish: ImageWish = {
    pod,
    container,
    kind,
    annotations: { ...pod.metadata.annotations, ...annotations },
    sandboxConfig: sandboxInit
  }
  const [image, images] = yield* Effect.all([puller.ensure(wish), imageVolumes(wish)]).pipe(
    Effect.mapError(({ detail, reason }): Obstacle => ({ reason, message: detail, event: reason }))
  )
  const request = yield* containerRequest({
    context,
    action,
    container,
    sandbox,
    node,
    image,
    imageVolumes: images,
    ...ids
  }).pipe(Effect.mapError(obstacle("CreateContainerConfigError")))
  yield* Effect.andThen(
    makeContainerFiles(pod, node, slot.name, request.terminationToken),
    writeHostsFile(pod, node, request.podIPs)
  ).pipe(Effect.mapError(obstacle("CreateContainerError")))
  const answer = yield* cri.createContainer({
    podSandboxId: sandbox.id,
    config: request.config,
    sandboxConfig: sandboxInit
  }).pipe(Effect.mapError(obstacle("CreateContainerError")))
  return answer.containerId
})

const postStart = Effect.fnUntraced(function*(context: ActionContext, slot: Slot, containerId: string) {
  const { pod } = context
  const hook = slot.container.lifecycle?.postStart
  if (hook === undefined) return
  const cri = yield* Cri
  const events = yield* EventRecorder
  const container = { name: slot.name, kind: slot.kind }
  yield* runHook({ ...context, containerId, container: slot.container, hook }).pipe(
    Effect.tapError(() =>
      Effect.gen(function*() {
        yield* events.recordPod(pod, {
          type: "Warning",
          reason: "FailedPostStartHook",
          message: "PostStartHook failed",
          container
        })
        yield* events.recordPod(pod, { type: "Normal", reason: "Killing", message: "FailedPostStartHook", container })
        const grace = Math.max(2, pod.spec.terminationGracePeriodSeconds ?? 30)
        yield* cri.stopContainer({ containerId, timeout: BigInt(grace) }, { timeoutMs: (grace + 120) * 1000 }).pipe(
          // It is killed again by the plan, which sees it run.
          Effect.catch((error) => Effect.logWarning("cannot stop a container whose postStart hook failed", error))
        )
      })
    ),
    Effect.mapError(obstacle("PostStartHookError"))
  )
})

const start = Effect.fnUntraced(function*(context: ActionContext, action: Start, slot: Slot, node: NodeSettings) {
  const { pod } = context
  const cri = yield* Cri
  const config = yield* AgentConfig
  const events = yield* EventRecorder
  const view = yield* RuntimeView
  const tell = (event: Omit<PodEvent, "container">) =>
    events.recordPod(pod, { ...event, container: { name: slot.name, kind: slot.kind } })
  const containerId = yield* create(context, action, slot, node).pipe(
    Effect.tapError((found) =>
      tell({ type: "Warning", reason: "Failed", message: `Error: ${found.event ?? found.message}` })
    )
  )
  yield* view.noteContainer(pod.metadata.uid, action.sandboxId, containerId)
  yield* tell({ type: "Normal", reason: "Created", message: "Container created" })
  yield* cri.startContainer({ containerId }).pipe(
    Effect.ensuring(view.outdate(containerId)),
    Effect.mapError(obstacle("RunContainerError")),
    Effect.tapError((found) => tell({ type: "Warning", reason: "Failed", message: `Error: ${found.message}` }))
  )
  yield* tell({ type: "Normal", reason: "Started", message: "Container started" })
  yield* linkLegacyLog(pod, {
    folder: config.containerLogsDir,
    logPath: `${podLogDirectory(node.podLogsDir, pod)}/${containerLogPath(slot.name, action.restartCount)}`,
    container: slot.name,
    containerId
  })
  yield* postStart(context, slot, containerId)
})

/** `node`: the settings of this moment. */
export const startContainer = Effect.fn("PodActions.startContainer")(
  function*(context: ActionContext, action: Start, node: NodeSettings) {
    const slot = slotOf(context.pod, action.name)
    // The container was taken out of the pod between plan and action.
    if (slot === undefined) return Outcome.Done()
    return yield* start(context, action, slot, node).pipe(
      Effect.as(Outcome.Done()),
      Effect.catch(({ message, reason }) =>
        Effect.map(
          Clock.currentTimeMillis,
          (atMs) => Outcome.StartFailed({ name: action.name, failure: { reason, message, atMs } })
        )
      )
    )
  }
)
