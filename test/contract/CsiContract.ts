/** What programs rely on of a CSI driver and the way to it, whoever carries the calls. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, type Layer, Schedule } from "effect"
import { NodeServiceCapability_RPC_Type as Ability } from "../../src/gen/csi/csi_pb.ts"
import { Csi } from "../../src/layers/csi/Csi.ts"
import type { DriverFault } from "../../src/layers/csi/sim/driver.ts"
import { GrpcCode } from "../../src/layers/grpc/Grpc.ts"
import { HostFiles } from "../../src/layers/host/HostFiles.ts"
import { Mounts } from "../../src/layers/host/Mounts.ts"

/** The driver under test: stages, has stats, is called `folders.example.com` on `node-7`. */
export class DriverUnderTest extends Context.Service<DriverUnderTest, {
  readonly endpoint: string
  /** An empty folder of the test's own. */
  readonly folder: string
  readonly misbehave: (faults: Readonly<Record<string, DriverFault>>) => Effect.Effect<void>
  /** Starts it again after it died. */
  readonly revive: Effect.Effect<void>
}>()("kubeffect/test/contract/DriverUnderTest") {}

const capability = { accessMode: { mode: 1 }, accessType: { case: "mount", value: { fsType: "ext4" } } } as const

const meet = Effect.gen(function*() {
  const csi = yield* Csi
  const under = yield* DriverUnderTest
  yield* under.misbehave({})
  return { ...under, calls: yield* csi.open(under.endpoint), mounts: yield* Mounts, files: yield* HostFiles }
})

const places = Effect.fnUntraced(function*(volumeId: string) {
  const { calls, files, folder, mounts } = yield* meet
  const stagingTargetPath = `${folder}/${volumeId}-staging`
  const targetPath = `${folder}/${volumeId}-target`
  yield* files.makeDirectory(stagingTargetPath, { recursive: true })
  return {
    stage: calls.nodeStageVolume({ volumeId, stagingTargetPath, volumeCapability: capability }),
    publish: calls.nodePublishVolume({ volumeId, stagingTargetPath, targetPath, volumeCapability: capability }),
    unpublish: calls.nodeUnpublishVolume({ volumeId, targetPath }),
    unstage: calls.nodeUnstageVolume({ volumeId, stagingTargetPath }),
    mounted: Effect.all([mounts.isMountPoint(stagingTargetPath), mounts.isMountPoint(targetPath)])
  }
})

export const csiContract = (
  name: string,
  under: Layer.Layer<Csi | DriverUnderTest | HostFiles | Mounts, unknown>
) =>
  layer(under, { excludeTestServices: true })(`Csi: ${name}`, (it) => {
    it.effect("a driver says who it is, where it is and what it can", () =>
      Effect.gen(function*() {
        const { calls } = yield* meet
        assert.strictEqual((yield* calls.getPluginInfo({})).name, "folders.example.com")
        assert.strictEqual((yield* calls.nodeGetInfo({})).nodeId, "node-7")
        const { capabilities } = yield* calls.nodeGetCapabilities({})
        assert.deepEqual(
          capabilities.map(({ type }) => type.case === "rpc" ? type.value.type : 0),
          [Ability.STAGE_UNSTAGE_VOLUME, Ability.GET_VOLUME_STATS]
        )
      }))

    it.effect("a volume comes and goes, and every call may be repeated", () =>
      Effect.gen(function*() {
        const volume = yield* places("v1")
        yield* volume.stage
        yield* volume.stage
        assert.deepEqual(yield* volume.mounted, [true, false])
        yield* volume.publish
        yield* volume.publish
        assert.deepEqual(yield* volume.mounted, [true, true])
        yield* volume.unpublish
        yield* volume.unpublish
        yield* volume.unstage
        yield* volume.unstage
        assert.deepEqual(yield* volume.mounted, [false, false])
      }))

    it.effect("J4: a refusal is final, has the driver's code and words, and nothing was done", () =>
      Effect.gen(function*() {
        const volume = yield* places("v2")
        const error = yield* Effect.flip(volume.publish)
        assert.isTrue(error.final)
        assert.strictEqual(error.code, GrpcCode.FailedPrecondition)
        assert.strictEqual(error.message, "volume v2 is not staged")
        assert.strictEqual(error.op, "NodePublishVolume")
        assert.deepEqual(yield* volume.mounted, [false, false])
      }))

    it.effect("J4: a failure that is not final may have been a success", () =>
      Effect.gen(function*() {
        const volume = yield* places("v3")
        const { misbehave } = yield* DriverUnderTest
        yield* misbehave({ NodeStageVolume: { kind: "lie", code: GrpcCode.Aborted } })
        const error = yield* Effect.flip(volume.stage)
        assert.isFalse(error.final)
        assert.deepEqual(yield* volume.mounted, [true, false])
        yield* misbehave({})
        yield* volume.unstage
      }))

    it.effect("J4: a driver that dies in a call leaves it open, and is reached again when it is back", () =>
      Effect.gen(function*() {
        const volume = yield* places("v4")
        const { misbehave, revive } = yield* DriverUnderTest
        yield* misbehave({ NodeStageVolume: { kind: "die", code: GrpcCode.Internal } })
        assert.isFalse((yield* Effect.flip(volume.stage)).final)
        const gone = yield* Effect.flip(volume.stage)
        assert.isFalse(gone.final)
        assert.strictEqual(gone.code, GrpcCode.Unavailable)
        yield* misbehave({})
        yield* revive
        // A channel that was refused waits for a moment before it connects again.
        yield* Effect.retry(volume.stage, Schedule.spaced("100 millis").pipe(Schedule.upTo({ times: 50 })))
        yield* volume.unstage
      }))
  })
