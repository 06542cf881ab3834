/** Looks up everything a container's configuration refers to, and builds the request from it (parity D21, E). */
import { Effect, Random } from "effect"
import { containerConfig } from "../../../domain/config/containerConfig.ts"
import { containerEnv } from "../../../domain/config/env.ts"
import { envReferences, fileKey, Lookup } from "../../../domain/config/lookups.ts"
import { type MountedVolume, subPathOf } from "../../../domain/config/mounts.ts"
import type { UserNamespaceMappings } from "../../../domain/config/namespaces.ts"
import type { NodeSettings } from "../../../domain/config/nodeSettings.ts"
import type { Container } from "../../../domain/k8s/container.ts"
import type { Pod } from "../../../domain/k8s/pod.ts"
import type { Action, ObservedSandbox } from "../../../domain/pod/model.ts"
import { HostFiles } from "../../../layers/host/HostFiles.ts"
import { Devices } from "../../devices/Devices.ts"
import type { PresentImage } from "../../images/ImagePuller.ts"
import { RuntimeHealth } from "../../runtime/RuntimeHealth.ts"
import { ObjectCache } from "../../volumes/ObjectCache.ts"
import { type PodMounts, PodVolumes } from "../../volumes/PodVolumes.ts"
import type { ActionContext } from "../PodActions.ts"
import { ServiceCache } from "../ServiceCache.ts"

/** Larger files of variables are refused (parity E3). */
const maxEnvFileBytes = 64 * 1024

/** Files of variables that an init container left in an emptyDir (KEP-3721). */
const envFiles = Effect.fnUntraced(function*(container: Container, mounts: PodMounts) {
  const files = yield* HostFiles
  const read = Effect.fnUntraced(function*(volumeName: string, path: string) {
    const root = mounts.volumes.get(volumeName)?.hostPath
    if (root === undefined) return Lookup.Failed({ message: `volume "${volumeName}" not found` })
    const pinned = yield* files.openBeneath(root, path)
    if (pinned.stat.sizeBytes > maxEnvFileBytes) {
      return Lookup.Failed({ message: `file "${path}" in volume "${volumeName}" exceeds ${maxEnvFileBytes} bytes` })
    }
    return Lookup.Found({ value: yield* files.readText(pinned.path) })
  }, (effect) =>
    Effect.scoped(effect).pipe(
      Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(Lookup.Missing<string>())),
      Effect.catch((error) => Effect.succeed(Lookup.Failed({ message: error.message })))
    ))
  const found = yield* Effect.forEach(
    envReferences(container).files,
    ({ path, volumeName }) =>
      Effect.map(read(volumeName, path), (lookup) => [fileKey(volumeName, path), lookup] as const)
  )
  return new Map(found)
})

const environment = Effect.fnUntraced(
  function*(pod: Pod, container: Container, node: NodeSettings, podIPs: ReadonlyArray<string>, mounts: PodMounts) {
    const objects = yield* ObjectCache
    const services = yield* ServiceCache
    const looked = yield* objects.lookup(pod.metadata.namespace, envReferences(container))
    return yield* Effect.fromResult(containerEnv({
      pod,
      container,
      lookups: { ...looked, files: yield* envFiles(container, mounts) },
      services: yield* services.all,
      allocatable: node.allocatable,
      podIPs,
      hostIPs: node.hostIPs
    }))
  }
)

const subPaths = Effect.fnUntraced(function*(pod: Pod, container: Container, env: ReadonlyMap<string, string>) {
  const volumes = yield* PodVolumes
  const paths = new Map<number, string>()
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const isImage = pod.spec.volumes?.find(({ name }) => name === mount.name)?.image !== undefined
    const path = yield* Effect.fromResult(subPathOf(mount, env))
    // The runtime itself mounts a path inside an image.
    if (path !== "" && !isImage) paths.set(index, path)
  }
  return paths.size === 0 ? new Map<number, string>() : yield* volumes.subPaths(pod, container, paths)
})

const eightHexDigits = Effect.map(
  Random.nextIntBetween(0, 0x1_0000_0000),
  (number) => number.toString(16).padStart(8, "0")
)

export interface RequestInput {
  readonly context: ActionContext
  readonly action: Action & { readonly _tag: "StartContainer" }
  readonly container: Container
  readonly sandbox: ObservedSandbox
  readonly node: NodeSettings
  readonly image: PresentImage
  /** References of the images of image volumes, by volume name. */
  readonly imageVolumes: ReadonlyMap<string, string>
  /** Ids of the pod's own user namespace. */
  readonly userNamespace?: UserNamespaceMappings
}

const withImages = (
  volumes: ReadonlyMap<string, MountedVolume>,
  images: ReadonlyMap<string, string>
): ReadonlyMap<string, MountedVolume> =>
  new Map([...volumes].map(([name, volume]) => {
    const imageRef = images.get(name)
    return [name, imageRef === undefined ? volume : { ...volume, imageRef }]
  }))

/** The configuration, and the token that names its termination message file. */
export const containerRequest = Effect.fn("PodActions.containerRequest")(function*(input: RequestInput) {
  const { action, container, context, node, sandbox } = input
  const { pod } = context
  const volumes = yield* PodVolumes
  const health = yield* RuntimeHealth
  const mounts = yield* volumes.mounts(pod.metadata.uid)
  const podIPs = pod.spec.hostNetwork === true ? node.hostIPs : sandbox.ips
  const env = yield* environment(pod, container, node, podIPs, mounts)
  const terminationToken = yield* eightHexDigits
  const target = pod.spec.ephemeralContainers?.find(({ name }) => name === container.name)?.targetContainerName
  const targetContainerId = context.observed.containers.find(({ name, state }) =>
    name === target && state === "Running"
  )?.id
  const { uid, username } = input.image
  const { handlers } = yield* health.status
  const additions = yield* (yield* Devices).prepare(pod.metadata.uid, container.name)
  const config = yield* Effect.fromResult(containerConfig({
    pod,
    additions,
    container,
    node,
    restartCount: action.restartCount,
    image: {
      ref: input.image.ref,
      user: { ...(uid === undefined ? {} : { uid }), ...(username === undefined ? {} : { username }) }
    },
    env,
    volumes: withImages(mounts.volumes, input.imageVolumes),
    subPaths: yield* subPaths(pod, container, env),
    blockVolumes: mounts.blockVolumes,
    podIPs,
    terminationToken,
    volumeGroups: mounts.groups,
    namespaces: {
      ...(targetContainerId === undefined ? {} : { targetContainerId }),
      ...(input.userNamespace === undefined ? {} : { userNamespace: input.userNamespace })
    },
    supportsRecursiveReadOnly: handlers.some(({ name, recursiveReadOnlyMounts }) =>
      name === sandbox.runtimeHandler && recursiveReadOnlyMounts
    )
  }))
  return { config, podIPs, terminationToken }
})
