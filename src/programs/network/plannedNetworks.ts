/** The networks that a pod is to have: the node's own or the one it names instead, then those it asks for besides. */
import { Effect, Result, Schema } from "effect"
import type { Attachment } from "../../domain/cni/execution.ts"
import { isObject, textOf } from "../../domain/cni/json.ts"
import { chooseNetwork } from "../../domain/cni/networkFolder.ts"
import { type NetworkList, parseDefinition } from "../../domain/cni/networkList.ts"
import {
  defaultNetworkAnnotation,
  networksAnnotation,
  type NetworkSelection,
  parseDefaultSelection,
  parseSelections
} from "../../domain/cni/networkSelection.ts"
import { podCapabilities } from "../../domain/cni/podCapabilities.ts"
import type { PodNetwork } from "../../domain/cni/podRecord.ts"
import type { CniFolders } from "../../domain/cni/runtimeFolders.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import { networkAttachmentDefinitions } from "../../domain/k8s/resources.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import { readNetworks } from "./networkFiles.ts"

/** The pod cannot have the networks it should. */
export class NetworkPlanError extends Schema.TaggedError<NetworkPlanError>()("NetworkPlanError", {
  /** Of the CNI specification. */
  code: Schema.Number,
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

const bad = (code: number) => (problem: string | { readonly message: string }) =>
  new NetworkPlanError({ code, detail: typeof problem === "string" ? problem : problem.message })

/** A code that says "configuration", and one that says "later". */
const wrong = 7
const later = 11

/** The network of the node: the first of its folder that is not the shim's. */
export const nodeNetwork = Effect.fn("nodeNetwork")(function*(folders: CniFolders) {
  const files = yield* Effect.mapError(readNetworks(folders.confDir), bad(later))
  const { chosen, problems } = chooseNetwork(folders.confDir, files)
  if (chosen === undefined) return yield* bad(later)(problems.join("; "))
  return { ...chosen, binDirs: folders.binDirs }
})

/** A network of the folder by its name. */
const networkOfFolder = Effect.fnUntraced(function*(folders: CniFolders, { name, namespace }: NetworkSelection) {
  const files = yield* Effect.mapError(readNetworks(folders.confDir), bad(later))
  const lists = files.flatMap(({ network }) => Result.isSuccess(network) ? [network.success] : [])
  const found = lists.find((list) => list.name === name)
  if (found !== undefined) return found
  return yield* bad(wrong)(
    `there is no NetworkAttachmentDefinition ${namespace}/${name} that this node can read, and no network ${name} in `
      + folders.confDir
  )
})

const namedNetwork = Effect.fn("namedNetwork")(function*(folders: CniFolders, selection: NetworkSelection) {
  const api = yield* KubeApi
  const { name, namespace } = selection
  const definition = yield* api.get(networkAttachmentDefinitions, { namespace, name }).pipe(
    // No such object, no such kind, or not allowed to this node.
    Effect.catchReason("ApiError", "NotFound", () => Effect.succeed(undefined)),
    Effect.catchReason("ApiError", "Permanent", () => Effect.succeed(undefined)),
    Effect.mapError(bad(later))
  )
  const spec = definition?.["spec"]
  const config = isObject(spec) ? textOf(spec["config"]) : ""
  const source = `NetworkAttachmentDefinition ${namespace}/${name}`
  const list: NetworkList = config.trim() === ""
    ? yield* networkOfFolder(folders, selection)
    : yield* Effect.mapError(Effect.fromResult(parseDefinition({ source, name, text: config })), bad(wrong))
  return { ...list, binDirs: folders.binDirs }
})

const additional = Effect.fnUntraced(function*(folders: CniFolders, pod: Pod, asked: Attachment) {
  const { annotations = {}, namespace } = pod.metadata
  const selections = yield* Effect.mapError(
    Effect.fromResult(parseSelections(annotations[networksAnnotation] ?? "", namespace)),
    bad(wrong)
  )
  return yield* Effect.forEach(
    selections,
    (selection) =>
      Effect.map(namedNetwork(folders, selection), (list): PodNetwork => ({
        name: `${selection.namespace}/${selection.name}`,
        list,
        attachment: { ...asked, ifname: selection.ifname, capabilityArgs: selection.capabilityArgs }
      }))
  )
})

const first = Effect.fnUntraced(function*(folders: CniFolders, pod: Pod, asked: Attachment) {
  const capabilities = yield* Effect.mapError(Effect.fromResult(podCapabilities(pod)), bad(wrong))
  const text = pod.metadata.annotations?.[defaultNetworkAnnotation]
  if (text === undefined) {
    const list = yield* nodeNetwork(folders)
    const capabilityArgs = { ...asked.capabilityArgs, ...capabilities }
    return { name: list.name, list, attachment: { ...asked, capabilityArgs } }
  }
  const selection = yield* Effect.mapError(
    Effect.fromResult(parseDefaultSelection(text, { namespace: pod.metadata.namespace, ifname: asked.ifname })),
    bad(wrong)
  )
  const list = yield* namedNetwork(folders, selection)
  const capabilityArgs = { ...asked.capabilityArgs, ...capabilities, ...selection.capabilityArgs }
  return { name: `${selection.namespace}/${selection.name}`, list, attachment: { ...asked, capabilityArgs } }
})

/** `pod` is undefined when nobody told the agent of it: it gets what the runtime asked for. */
export const plannedNetworks = Effect.fn("plannedNetworks")(
  function*(folders: CniFolders, pod: Pod | undefined, asked: Attachment) {
    if (pod === undefined) {
      const list = yield* nodeNetwork(folders)
      return [{ name: list.name, list, attachment: asked }] satisfies ReadonlyArray<PodNetwork>
    }
    const own: PodNetwork = yield* first(folders, pod, asked)
    return [own, ...(yield* additional(folders, pod, asked))]
  }
)
