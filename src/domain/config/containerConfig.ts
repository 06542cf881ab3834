/** A container as it is asked of the runtime: `CreateContainerRequest.config` (parity D21, E1–E14, L15). */
import type { MessageInitShape } from "@bufbuild/protobuf"
import { Result } from "effect"
import type { ContainerConfigSchema } from "../../gen/cri/api_pb.ts"
import type { Container } from "../k8s/container.ts"
import type { StringMap } from "../k8s/fields.ts"
import type { Pod } from "../k8s/pod.ts"
import { signalOf } from "../runtime/stopSignal.ts"
import type { ContainerConfigError } from "./configError.ts"
import { expand } from "./expand.ts"
import { containerAnnotations, containerLabels } from "./labels.ts"
import { type Assignment, containerResources } from "./linuxResources.ts"
import {
  type BlockVolume,
  containerDevices,
  containerMounts,
  type DeviceInit,
  type MountedVolume,
  type MountInit
} from "./mounts.ts"
import type { NamespaceInput } from "./namespaces.ts"
import type { NodeSettings } from "./nodeSettings.ts"
import { containerLogPath, etcHostsPath, terminationLogPath } from "./podPaths.ts"
import { checkNonRoot, containerSecurityContext, type ImageUser } from "./securityContext.ts"

export type ContainerConfigInit = MessageInitShape<typeof ContainerConfigSchema>

/** What device plugins and resource claims add to a container (parity L12, L13). */
export interface PluginAdditions {
  readonly env: StringMap
  readonly mounts: ReadonlyArray<MountInit>
  readonly devices: ReadonlyArray<DeviceInit>
  readonly annotations: StringMap
  /** Fully qualified CDI names. */
  readonly cdiDevices: ReadonlyArray<string>
}

export interface ContainerInput {
  readonly pod: Pod
  readonly container: Container
  readonly node: NodeSettings
  readonly restartCount: number
  /** The resolved image: its id or digest reference, and the user it names. */
  readonly image: { readonly ref: string; readonly user: ImageUser }
  /** Made by `containerEnv`. */
  readonly env: ReadonlyMap<string, string>
  readonly volumes: ReadonlyMap<string, MountedVolume>
  readonly subPaths: ReadonlyMap<number, string>
  readonly blockVolumes: ReadonlyMap<string, BlockVolume>
  readonly podIPs: ReadonlyArray<string>
  /** Eight hex digits that set this run's termination message file apart. */
  readonly terminationToken: string
  readonly volumeGroups: ReadonlyArray<number>
  readonly namespaces: NamespaceInput
  readonly supportsRecursiveReadOnly: boolean
  readonly assignment?: Assignment
  readonly additions?: PluginAdditions
}

const noAdditions: PluginAdditions = { env: {}, mounts: [], devices: [], annotations: {}, cdiDevices: [] }

/** Pods on the host's network get a hosts file too; others once they have an address to write into it. */
const hostsPath = ({ pod, node, podIPs }: ContainerInput): string | undefined =>
  pod.spec.hostNetwork === true || podIPs.length > 0 ? etcHostsPath(node.rootDir, pod.metadata.uid) : undefined

const mountsOf = (input: ContainerInput) =>
  containerMounts({
    container: input.container,
    volumes: input.volumes,
    subPaths: input.subPaths,
    etcHosts: hostsPath(input),
    terminationLog: terminationLogPath(
      input.node.rootDir,
      input.pod.metadata.uid,
      input.container.name,
      input.terminationToken
    ),
    selinuxEnabled: input.node.selinuxEnabled,
    supportsRecursiveReadOnly: input.supportsRecursiveReadOnly,
    ...(input.namespaces.userNamespace === undefined ? {} : { userNamespace: input.namespaces.userNamespace })
  })

const encoder = new TextEncoder()

/** Describes one run of a container. */
export const containerConfig = (input: ContainerInput): Result.Result<ContainerConfigInit, ContainerConfigError> =>
  Result.gen(function*() {
    const { pod, container, node, image, restartCount, additions = noAdditions } = input
    yield* checkNonRoot(pod, container, image.user)
    const env = new Map([...Object.entries(additions.env), ...input.env])
    const expanded = (texts: ReadonlyArray<string> = []) => texts.map((text) => expand(text, (name) => env.get(name)))
    const mounts = yield* mountsOf(input)
    const devices = yield* containerDevices(container, input.blockVolumes)
    const securityContext = yield* containerSecurityContext({ ...input, user: image.user })
    const stopSignal = signalOf(container.lifecycle?.stopSignal)
    return {
      metadata: { name: container.name, attempt: restartCount },
      image: { image: image.ref, userSpecifiedImage: container.image ?? "" },
      command: expanded(container.command),
      args: expanded(container.args),
      workingDir: container.workingDir ?? "",
      envs: [...env].map(([key, value]) => ({ key, value: encoder.encode(value) })),
      mounts: [...mounts, ...additions.mounts],
      devices: [...devices, ...additions.devices],
      CDIDevices: additions.cdiDevices.map((name) => ({ name })),
      labels: containerLabels(pod, container),
      annotations: containerAnnotations(pod, container, restartCount, additions.annotations),
      logPath: containerLogPath(container.name, restartCount),
      stdin: container.stdin ?? false,
      stdinOnce: container.stdinOnce ?? false,
      tty: container.tty ?? false,
      ...(stopSignal === undefined ? {} : { stopSignal }),
      linux: { resources: containerResources(pod, container, node, input.assignment), securityContext }
    }
  })
