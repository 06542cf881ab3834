/** Answers the requests that the runtime sends through the shim plugin. */
import { Deferred, Effect, Schedule } from "effect"
import { attachmentsOf } from "../../domain/cni/execution.ts"
import { type AttachedNetwork, networkStatusAnnotation, networkStatusText } from "../../domain/cni/networkSelection.ts"
import { encodeResult } from "../../domain/cni/result.ts"
import type { CniFolders } from "../../domain/cni/runtimeFolders.ts"
import { refusal, type ShimAnswer, type ShimRequest, success } from "../../domain/cni/shimRequest.ts"
import { supportedVersions } from "../../domain/cni/version.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import * as resources from "../../domain/k8s/resources.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import { Cni } from "../../layers/cni/Cni.ts"
import { type DesiredPod, PodRegistry } from "../pods/PodRegistry.ts"
import type { AttachPods } from "./attachPods.ts"
import { surveyNetworks } from "./networkFiles.ts"
import { nodeNetwork, plannedNetworks } from "./plannedNetworks.ts"

/** An agent that has just started hears of its pods within this time, or goes on without. */
const hearing = Schedule.spaced("100 millis").pipe(Schedule.upTo({ times: 100 }))

const podOf = Effect.fnUntraced(function*(uid: string) {
  const registry = yield* PodRegistry
  if (uid === "") return undefined
  return yield* registry.get(uid).pipe(
    Effect.repeat({
      schedule: hearing,
      while: (pod: DesiredPod | undefined) =>
        pod !== undefined ? Effect.succeed(false) : Effect.map(registry.allSourcesHeard, (heard) => !heard)
    }),
    Effect.andThen(registry.get(uid))
  )
})

const writing = Schedule.exponential("200 millis").pipe(Schedule.upTo({ times: 8 }))

/** Puts the status annotation on the pod, or on the mirror of a static one; the pod runs whether or not it is there. */
const tellPod = Effect.fn("tellNetworkStatus")(function*(pod: Pod, networks: ReadonlyArray<AttachedNetwork>) {
  const api = yield* KubeApi
  const { name, namespace } = pod.metadata
  const annotations = { [networkStatusAnnotation]: networkStatusText(networks) }
  yield* api.patch(
    resources.pods,
    { namespace, name },
    { type: "merge", body: { metadata: { annotations } } },
    { subresource: "status" }
  )
}, (effect) =>
  effect.pipe(
    Effect.retry({ schedule: writing, while: ({ reason }) => reason._tag !== "Permanent" }),
    Effect.catch((error) => Effect.logWarning("cannot put the network status on a pod", error))
  ))

const argOf = ({ attachment }: ShimRequest, name: string): string =>
  attachment.args.find(([key]) => key === name)?.[1] ?? ""

const answered = (
  request: ShimRequest,
  error: { readonly message: string; readonly code?: number | string }
): ShimAnswer => refusal(request.cniVersion, typeof error.code === "number" ? error.code : 0, error.message)

const adding = Effect.fn("answerAdd")(function*(request: ShimRequest, folders: CniFolders, pods: AttachPods) {
  const { attachment } = request
  const desired = yield* podOf(argOf(request, "K8S_POD_UID"))
  const planned = yield* plannedNetworks(folders, desired?.pod, attachment)
  const pod = {
    namespace: argOf(request, "K8S_POD_NAMESPACE"),
    name: argOf(request, "K8S_POD_NAME"),
    uid: argOf(request, "K8S_POD_UID")
  }
  const made = yield* pods.add({ containerId: attachment.containerId, netns: attachment.netns, pod }, planned)
  const attached = made.map(({ attachment: { ifname }, name, result }) => ({ name, ifname, result }))
  if (desired !== undefined) yield* Effect.forkScoped(tellPod(desired.pod, attached))
  const [own] = made
  return success(own === undefined ? undefined : encodeResult(own.result, request.cniVersion))
})

/** A pod from before this mode was chosen: the runtime itself ran the node's network for it. */
const formerDel = Effect.fnUntraced(function*(request: ShimRequest, folders: CniFolders) {
  const cni = yield* Cni
  const list = yield* nodeNetwork(folders)
  yield* cni.del(list, request.attachment)
})

const status = Effect.fn("answerStatus")(function*(request: ShimRequest, folders: CniFolders) {
  const cni = yield* Cni
  const { chosen, problems } = yield* surveyNetworks(folders)
  if (chosen === undefined || problems.length > 0) return refusal(request.cniVersion, 50, problems.join("; "))
  yield* cni.status(chosen)
  return success(undefined)
})

/** What the runtime does not count among its sandboxes any more is given back. */
const collecting = Effect.fn("answerGc")(
  function*(request: ShimRequest, pods: AttachPods, known: ReadonlyArray<string>) {
    const valid = new Set(attachmentsOf(request.config).map(({ containerId }) => containerId))
    yield* Effect.forEach(
      known.filter((containerId) => !valid.has(containerId)),
      (containerId) => pods.giveBack(containerId, ({ state }) => state !== "adding"),
      { discard: true }
    )
    return success(undefined)
  }
)

/** `known`: the sandboxes on record. */
export const answerShims = (
  pods: AttachPods,
  folders: Deferred.Deferred<CniFolders>,
  known: Effect.Effect<ReadonlyArray<string>, { readonly message: string }>
) =>
  Effect.fn("answerShim")(function*(request: ShimRequest) {
    const { attachment, cniVersion, verb } = request
    if (verb === "VERSION") return success({ cniVersion: "1.1.0", supportedVersions })
    const where = yield* Deferred.await(folders)
    if (verb === "ADD") return yield* adding(request, where, pods)
    if (verb === "DEL") return success(yield* pods.del(attachment, formerDel(request, where)))
    if (verb === "STATUS") return yield* status(request, where)
    if (verb === "GC") return yield* collecting(request, pods, yield* known)
    return success(encodeResult(yield* pods.check(attachment), cniVersion))
  }, (effect, request) =>
    effect.pipe(
      Effect.tapError((error) => Effect.logWarning(`${request.verb} for a pod's network failed`, error)),
      Effect.catch((error) => Effect.succeed(answered(request, error)))
    ))
