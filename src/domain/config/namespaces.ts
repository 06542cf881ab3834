/** Which namespaces a pod shares with the node and its containers with one another (parity E12, E13). */
import type { MessageInitShape } from "@bufbuild/protobuf"
import { NamespaceMode, type NamespaceOptionSchema } from "../../gen/cri/api_pb.ts"
import type { Pod } from "../k8s/pod.ts"

export interface IdMapping {
  readonly hostId: number
  readonly containerId: number
  readonly length: number
}

export interface UserNamespaceMappings {
  readonly uids: ReadonlyArray<IdMapping>
  readonly gids: ReadonlyArray<IdMapping>
}

export interface NamespaceInput {
  /** The pod's id mappings; absent without a user namespace of its own. */
  readonly userNamespace?: UserNamespaceMappings
  /** Container whose processes an ephemeral container wants to see. */
  readonly targetContainerId?: string
}

const mode = (onHost: boolean | undefined): NamespaceMode => onHost === true ? NamespaceMode.NODE : NamespaceMode.POD

const pidMode = ({ spec }: Pod): NamespaceMode => {
  if (spec.hostPID === true) return NamespaceMode.NODE
  return spec.shareProcessNamespace === true ? NamespaceMode.POD : NamespaceMode.CONTAINER
}

export const idMappingInit = ({ hostId, containerId, length }: IdMapping) => ({ hostId, containerId, length })

export const namespaceOptions = (pod: Pod, input: NamespaceInput): MessageInitShape<typeof NamespaceOptionSchema> => {
  const pid = pidMode(pod)
  const target = pid === NamespaceMode.CONTAINER ? input.targetContainerId : undefined
  return {
    network: mode(pod.spec.hostNetwork),
    pid: target === undefined ? pid : NamespaceMode.TARGET,
    ipc: mode(pod.spec.hostIPC),
    ...(target === undefined ? {} : { targetId: target }),
    usernsOptions: input.userNamespace === undefined
      ? { mode: NamespaceMode.NODE }
      : {
        mode: NamespaceMode.POD,
        uids: input.userNamespace.uids.map(idMappingInit),
        gids: input.userNamespace.gids.map(idMappingInit)
      }
  }
}
