/**
 * A CSI driver whose volumes are folders of the node: what it stages and publishes are bind mounts. It keeps to the
 * letter of the specification, repeats included, and can be told to misbehave.
 */
import type { MessageInitShape as Init, MessageShape } from "@bufbuild/protobuf"
import { Effect, Schema } from "effect"
import {
  type GetPluginCapabilitiesResponseSchema,
  type GetPluginInfoResponseSchema,
  type NodeExpandVolumeRequestSchema,
  type NodeGetCapabilitiesResponseSchema,
  type NodeGetInfoResponseSchema,
  type NodeGetVolumeStatsRequestSchema,
  type NodeGetVolumeStatsResponseSchema,
  type NodePublishVolumeRequestSchema,
  NodeServiceCapability_RPC_Type as Ability,
  type NodeStageVolumeRequestSchema,
  type NodeUnpublishVolumeRequestSchema,
  type NodeUnstageVolumeRequestSchema,
  type ProbeResponseSchema,
  VolumeUsage_Unit
} from "../../../gen/csi/csi_pb.ts"
import { GrpcCode } from "../../grpc/Grpc.ts"
import { HostFiles } from "../../host/HostFiles.ts"
import { Mounts } from "../../host/Mounts.ts"

/** The status that the driver answers instead of a result. */
export class DriverRefusal extends Schema.TaggedError<DriverRefusal>()("DriverRefusal", {
  code: Schema.Number,
  detail: Schema.String
}) {}

export interface DriverSettings {
  readonly name: string
  readonly nodeId: string
  readonly maxVolumes: number
  readonly topology: Readonly<Record<string, string>>
  readonly abilities: ReadonlyArray<keyof typeof Ability>
  /** The folder whose folders are the volumes. */
  readonly backing: string
}

/** What goes wrong with the calls of a method. */
export interface DriverFault {
  /**
   * `slow`: it is done, `delayMs` late. `fail`: nothing is done. `lie`: it is done, and a failure answered. `pretend`: nothing is done, and
   * success answered. `hang`: it is done, and nothing answered. `die`:
   * the driver ends in the middle of it.
   */
  readonly kind: "slow" | "fail" | "lie" | "pretend" | "hang" | "die"
  readonly code: number
  readonly delayMs?: number
}

export interface DriverCall {
  readonly method: string
  readonly request: unknown
}

/** How the driver is watched and misled. */
export interface DriverHooks {
  readonly called: (call: DriverCall) => Effect.Effect<void>
  readonly fault: (method: string) => Effect.Effect<DriverFault | undefined>
  readonly die: Effect.Effect<never>
}

const refuse = (code: number, detail: string) => new DriverRefusal({ code, detail })
const broken = (error: { readonly message: string }) => refuse(GrpcCode.Internal, error.message)

const bindOnce = Effect.fnUntraced(function*(source: string, target: string, readOnly: boolean) {
  const mounts = yield* Mounts
  if (yield* mounts.isMountPoint(target)) return
  yield* mounts.bind({ source, target, readOnly })
})

const unmountOnce = Effect.fnUntraced(function*(target: string) {
  const mounts = yield* Mounts
  yield* mounts.unmount(target).pipe(Effect.catchReason("MountError", "NotFound", () => Effect.void))
})

const node = (settings: DriverSettings) => {
  const stages = settings.abilities.includes("STAGE_UNSTAGE_VOLUME")
  const backingOf = Effect.fnUntraced(function*(volumeId: string, block: boolean) {
    const files = yield* HostFiles
    const path = `${settings.backing}/${volumeId}`
    if (yield* files.exists(path)) return path
    if (block) yield* files.writeFile(path, "")
    else yield* files.makeDirectory(path, { recursive: true, mode: 0o777 })
    return path
  })
  return {
    nodeStageVolume: Effect.fnUntraced(function*(request: MessageShape<typeof NodeStageVolumeRequestSchema>) {
      const files = yield* HostFiles
      const { stagingTargetPath, volumeCapability, volumeId } = request
      if (volumeId === "" || stagingTargetPath === "") return yield* refuse(GrpcCode.InvalidArgument, "no volume")
      if (!(yield* files.exists(stagingTargetPath))) {
        return yield* refuse(GrpcCode.FailedPrecondition, `${stagingTargetPath} does not exist`)
      }
      if (volumeCapability?.accessType.case === "mount") {
        yield* bindOnce(yield* backingOf(volumeId, false), stagingTargetPath, false)
      }
      return {}
    }),
    nodeUnstageVolume: Effect.fnUntraced(function*(request: MessageShape<typeof NodeUnstageVolumeRequestSchema>) {
      yield* unmountOnce(request.stagingTargetPath)
      return {}
    }),
    nodePublishVolume: Effect.fnUntraced(function*(request: MessageShape<typeof NodePublishVolumeRequestSchema>) {
      const files = yield* HostFiles
      const mounts = yield* Mounts
      const { readonly, stagingTargetPath, targetPath, volumeCapability, volumeContext, volumeId } = request
      const block = volumeCapability?.accessType.case === "block"
      const staged = stages && volumeContext["csi.storage.k8s.io/ephemeral"] !== "true"
      if (staged && !block && !(yield* mounts.isMountPoint(stagingTargetPath))) {
        return yield* refuse(GrpcCode.FailedPrecondition, `volume ${volumeId} is not staged`)
      }
      const source = staged && !block ? stagingTargetPath : yield* backingOf(volumeId, block)
      if (!(yield* files.exists(targetPath))) {
        yield* block ? files.writeFile(targetPath, "") : files.makeDirectory(targetPath, { mode: 0o750 })
      }
      yield* bindOnce(source, targetPath, readonly)
      return {}
    }),
    nodeUnpublishVolume: Effect.fnUntraced(function*(request: MessageShape<typeof NodeUnpublishVolumeRequestSchema>) {
      const files = yield* HostFiles
      const { targetPath } = request
      yield* unmountOnce(targetPath)
      if (!(yield* files.exists(targetPath))) return {}
      const { type } = yield* files.lstat(targetPath)
      yield* type === "directory" ? files.removeDirectory(targetPath) : files.removeFile(targetPath)
      return {}
    })
  }
}

const measuring = {
  nodeGetVolumeStats: Effect.fnUntraced(function*(request: MessageShape<typeof NodeGetVolumeStatsRequestSchema>) {
    const files = yield* HostFiles
    const fs = yield* files.statfs(request.volumePath)
    const used = yield* files.diskUsage(request.volumePath)
    const answer: Init<typeof NodeGetVolumeStatsResponseSchema> = {
      usage: [
        {
          unit: VolumeUsage_Unit.BYTES,
          total: BigInt(fs.totalBytes),
          available: BigInt(fs.availableBytes),
          used: BigInt(used.bytes)
        },
        {
          unit: VolumeUsage_Unit.INODES,
          total: BigInt(fs.inodes),
          available: BigInt(fs.inodesFree),
          used: BigInt(used.inodes)
        }
      ]
    }
    return answer
  }),
  nodeExpandVolume: (request: MessageShape<typeof NodeExpandVolumeRequestSchema>) =>
    Effect.succeed({ capacityBytes: request.capacityRange?.requiredBytes ?? 0n })
}

const about = (settings: DriverSettings) => ({
  getPluginInfo: () =>
    Effect.succeed<Init<typeof GetPluginInfoResponseSchema>>({ name: settings.name, vendorVersion: "1" }),
  getPluginCapabilities: () => Effect.succeed<Init<typeof GetPluginCapabilitiesResponseSchema>>({}),
  probe: () => Effect.succeed<Init<typeof ProbeResponseSchema>>({ ready: true }),
  nodeGetCapabilities: () =>
    Effect.succeed<Init<typeof NodeGetCapabilitiesResponseSchema>>({
      capabilities: settings.abilities.map((name) => ({ type: { case: "rpc", value: { type: Ability[name] } } }))
    }),
  nodeGetInfo: () =>
    Effect.succeed<Init<typeof NodeGetInfoResponseSchema>>({
      nodeId: settings.nodeId,
      maxVolumesPerNode: BigInt(settings.maxVolumes),
      accessibleTopology: { segments: { ...settings.topology } }
    })
})

/** Bytes of a request as plain JSON, for logs of calls. */
const plain = (request: object): unknown =>
  JSON.parse(
    JSON.stringify(request, (key, value) =>
      key === "$typeName" ? undefined : typeof value === "bigint" ? Number(value) : value)
  )

/** The calls of the driver, each watched and misled by the hooks. */
export const simDriver = (settings: DriverSettings, hooks: DriverHooks) => {
  const wrap = <Request extends object, A, E extends { readonly message: string }, R>(
    method: string,
    handler: (request: Request) => Effect.Effect<A, E, R>
  ) =>
    Effect.fnUntraced(function*(request: Request) {
      yield* hooks.called({ method, request: plain(request) })
      const fault = yield* hooks.fault(method)
      const done = handler(request).pipe(
        Effect.mapError((error) => error instanceof DriverRefusal ? error : broken(error))
      )
      if (fault === undefined) return yield* done
      if (fault.kind === "slow") return yield* Effect.delay(done, fault.delayMs ?? 0)
      const failure = refuse(fault.code, `${method} was told to ${fault.kind}`)
      if (fault.kind === "pretend") return {}
      if (fault.kind === "fail") return yield* failure
      yield* done
      if (fault.kind === "die") return yield* hooks.die
      return yield* fault.kind === "hang" ? Effect.never : failure
    })
  const [info, calls] = [about(settings), node(settings)]
  return {
    getPluginInfo: wrap("GetPluginInfo", info.getPluginInfo),
    getPluginCapabilities: wrap("GetPluginCapabilities", info.getPluginCapabilities),
    probe: wrap("Probe", info.probe),
    nodeGetCapabilities: wrap("NodeGetCapabilities", info.nodeGetCapabilities),
    nodeGetInfo: wrap("NodeGetInfo", info.nodeGetInfo),
    nodeStageVolume: wrap("NodeStageVolume", calls.nodeStageVolume),
    nodeUnstageVolume: wrap("NodeUnstageVolume", calls.nodeUnstageVolume),
    nodePublishVolume: wrap("NodePublishVolume", calls.nodePublishVolume),
    nodeUnpublishVolume: wrap("NodeUnpublishVolume", calls.nodeUnpublishVolume),
    nodeGetVolumeStats: wrap("NodeGetVolumeStats", measuring.nodeGetVolumeStats),
    nodeExpandVolume: wrap("NodeExpandVolume", measuring.nodeExpandVolume)
  }
}
