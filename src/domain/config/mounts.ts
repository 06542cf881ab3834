/** The mounts and devices of a container, given where its pod's volumes are (parity D21). */
import type { MessageInitShape } from "@bufbuild/protobuf"
import { Result } from "effect"
import { type DeviceSchema, MountPropagation, type MountSchema } from "../../gen/cri/api_pb.ts"
import type { Container, VolumeMount } from "../k8s/container.ts"
import { type ContainerConfigError, invalid } from "./configError.ts"
import { expandStrictly } from "./expand.ts"
import { idMappingInit, type UserNamespaceMappings } from "./namespaces.ts"

export type MountInit = MessageInitShape<typeof MountSchema>
export type DeviceInit = MessageInitShape<typeof DeviceSchema>
type Outcome<A> = Result.Result<A, ContainerConfigError>

/** A volume of the pod that is ready. */
export interface MountedVolume {
  /** Folder or file on the host; unused for image volumes. */
  readonly hostPath: string
  /** The volume itself is read-only, whatever the mount says. */
  readonly readOnly: boolean
  readonly selinuxRelabel: boolean
  /** Reference of a pulled image, for image volumes. */
  readonly imageRef?: string
}

export interface MountsInput {
  readonly container: Container
  /** By name of the volume. */
  readonly volumes: ReadonlyMap<string, MountedVolume>
  /** Bind-mounted host path of each mount with a subpath, by the index of the mount (parity I11). */
  readonly subPaths: ReadonlyMap<number, string>
  /** Path of the pod's hosts file; undefined where the pod gets none. */
  readonly etcHosts: string | undefined
  /** Host path of the termination message file; undefined where the container wants none. */
  readonly terminationLog: string | undefined
  readonly selinuxEnabled: boolean
  /** The runtime handler can make mounts read-only all the way down (KEP-3857). */
  readonly supportsRecursiveReadOnly: boolean
  readonly userNamespace?: UserNamespaceMappings
}

const etcHosts = "/etc/hosts"

/** A mount's path inside its volume, with variables filled in; empty for the whole volume. */
export const subPathOf = (mount: VolumeMount, env: ReadonlyMap<string, string>): Outcome<string> => {
  const { text, missing } = mount.subPathExpr === undefined || mount.subPathExpr === ""
    ? { text: mount.subPath ?? "" }
    : expandStrictly(mount.subPathExpr, (name) => env.get(name))
  if (missing !== undefined) return Result.fail(invalid(`missing value for "${missing}"`))
  if (text.startsWith("/")) return Result.fail(invalid(`error SubPath \`${text}\` must not be an absolute path`))
  return text.split("/").includes("..")
    ? Result.fail(invalid(`unable to provision SubPath \`${text}\`: must not contain '..'`))
    : Result.succeed(text)
}

const propagationOf = (mode: string | undefined): Outcome<MountPropagation> => {
  switch (mode) {
    case undefined:
    case "None":
      return Result.succeed(MountPropagation.PROPAGATION_PRIVATE)
    case "HostToContainer":
      return Result.succeed(MountPropagation.PROPAGATION_HOST_TO_CONTAINER)
    case "Bidirectional":
      return Result.succeed(MountPropagation.PROPAGATION_BIDIRECTIONAL)
    default:
      return Result.fail(invalid(`invalid MountPropagation mode: "${mode}"`))
  }
}

const recursiveReadOnly = (mount: VolumeMount, supported: boolean): Outcome<boolean> => {
  const mode = mount.recursiveReadOnly ?? "Disabled"
  if (mode === "Disabled") return Result.succeed(false)
  if (mount.readOnly !== true) {
    return Result.fail(
      invalid(`volume "${mount.name}" requested recursive read-only mode, but it is not read-only`)
    )
  }
  if (mode === "IfPossible") return Result.succeed(supported)
  return supported ? Result.succeed(true) : Result.fail(
    invalid(
      `volume "${mount.name}" requested recursive read-only mode, but it is not supported by the runtime`
    )
  )
}

const absolute = (path: string): string => path.startsWith("/") ? path : `/${path}`

const imageFields = (mount: VolumeMount, volume: MountedVolume) =>
  volume.imageRef === undefined
    ? {}
    : { image: { image: volume.imageRef }, hostPath: "", readonly: true, imageSubPath: mount.subPath ?? "" }

/** In a user namespace every mount shows its files as the namespace numbers their owners. */
const idMappings = ({ userNamespace }: MountsInput) =>
  userNamespace === undefined ? {} : {
    uidMappings: userNamespace.uids.map(idMappingInit),
    gidMappings: userNamespace.gids.map(idMappingInit)
  }

const volumeMount = (mount: VolumeMount, index: number, input: MountsInput): Outcome<MountInit> =>
  Result.gen(function*() {
    const volume = input.volumes.get(mount.name)
    if (volume === undefined) {
      const text = `cannot find volume "${mount.name}" to mount into container "${input.container.name}"`
      return yield* Result.fail(invalid(text))
    }
    const propagation = yield* propagationOf(mount.mountPropagation)
    const recursive = yield* recursiveReadOnly(mount, input.supportsRecursiveReadOnly)
    return {
      containerPath: absolute(mount.mountPath),
      hostPath: input.subPaths.get(index) ?? volume.hostPath,
      readonly: mount.readOnly === true || volume.readOnly,
      recursiveReadOnly: recursive,
      selinuxRelabel: input.selinuxEnabled && volume.selinuxRelabel,
      propagation,
      ...idMappings(input),
      ...imageFields(mount, volume)
    }
  })

const fileMount = (containerPath: string, hostPath: string, input: MountsInput): MountInit => ({
  containerPath,
  hostPath,
  selinuxRelabel: input.selinuxEnabled,
  ...idMappings(input)
})

/** In order: the container's own, the hosts file unless the container brings one, the termination message file. */
export const containerMounts = (input: MountsInput): Outcome<ReadonlyArray<MountInit>> =>
  Result.gen(function*() {
    const { container } = input
    const mounts: Array<MountInit> = []
    for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
      mounts.push(yield* volumeMount(mount, index, input))
    }
    const bringsHosts = container.volumeMounts?.some(({ mountPath }) => mountPath === etcHosts) ?? false
    if (input.etcHosts !== undefined && !bringsHosts) mounts.push(fileMount(etcHosts, input.etcHosts, input))
    const messagePath = container.terminationMessagePath ?? ""
    if (input.terminationLog !== undefined && messagePath !== "") {
      mounts.push(fileMount(messagePath, input.terminationLog, input))
    }
    return mounts
  })

/** A block volume of the pod that is ready. */
export interface BlockVolume {
  /** Device node or link on the host. */
  readonly devicePath: string
  readonly readOnly: boolean
}

/** Block volumes as devices (parity I17). */
export const containerDevices = (
  container: Container,
  blocks: ReadonlyMap<string, BlockVolume>
): Outcome<ReadonlyArray<DeviceInit>> =>
  Result.gen(function*() {
    const devices: Array<DeviceInit> = []
    for (const { name, devicePath } of container.volumeDevices ?? []) {
      const block = blocks.get(name)
      if (block === undefined) {
        const text = `cannot find volume "${name}" to pass into container "${container.name}"`
        return yield* Result.fail(invalid(text))
      }
      if (!devicePath.startsWith("/")) {
        return yield* Result.fail(invalid(`error DevicePath \`${devicePath}\` must be an absolute path`))
      }
      const permissions = block.readOnly ? "r" : "mrw"
      devices.push({ hostPath: block.devicePath, containerPath: devicePath, permissions })
    }
    return devices
  })
