/** The CSI drivers that registered with this node, each with an open channel (parity J1, J2). */
import { Context, Effect, Exit, Layer, Result, Scope, Stream, SubscriptionRef } from "effect"
import { driverRules } from "../../domain/csi/driverRules.ts"
import type { NodeAbilities } from "../../domain/csi/requests.ts"
import { decodeCsiDriver } from "../../domain/k8s/decode.ts"
import { csiDrivers } from "../../domain/k8s/resources.ts"
import { NodeServiceCapability_RPC_Type as Ability } from "../../gen/csi/csi_pb.ts"
import { KubeApi, type KubeObject } from "../../layers/api/KubeApi.ts"
import { Csi, type CsiDriver } from "../../layers/csi/Csi.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { Change, reflect } from "../api/reflector.ts"
import { supervise } from "../supervise.ts"
import { because, refuse, type VolumeError } from "../volumes/VolumeError.ts"
import { CsiNode } from "./CsiNode.ts"

export interface RegisteredDriver {
  readonly name: string
  readonly endpoint: string
  readonly calls: CsiDriver
  readonly abilities: NodeAbilities
}

export class CsiDrivers extends Context.Service<CsiDrivers, {
  /** Asks the driver about the node and tells the cluster; repeatable, and the latest of a name is the one that counts. */
  readonly register: (name: string, endpoint: string) => Effect.Effect<void, VolumeError>
  /** Forgets the driver, unless another endpoint has taken its name over. */
  readonly deregister: (name: string, endpoint: string) => Effect.Effect<void, VolumeError>
  /** Asks the driver anew how many volumes it can serve here, and tells the cluster (parity J2). */
  readonly refresh: (name: string) => Effect.Effect<void, VolumeError>
  /** The driver. One that is not there is waited for a moment: drivers start beside the agent, and are updated. */
  readonly get: (name: string) => Effect.Effect<RegisteredDriver, VolumeError>
}>()("kubeffect/programs/csi/CsiDrivers") {}

/** After this long users are told that the driver is missing. */
const patienceMs = 10_000

const abilitiesOf = Effect.fnUntraced(function*(calls: CsiDriver) {
  const { capabilities } = yield* calls.nodeGetCapabilities({})
  const all = new Set(capabilities.flatMap(({ type }) => type.case === "rpc" ? [type.value.type] : []))
  const abilities: NodeAbilities = {
    stages: all.has(Ability.STAGE_UNSTAGE_VOLUME),
    volumeStats: all.has(Ability.GET_VOLUME_STATS),
    expands: all.has(Ability.EXPAND_VOLUME),
    singleNodeMultiWriter: all.has(Ability.SINGLE_NODE_MULTI_WRITER),
    mountGroup: all.has(Ability.VOLUME_MOUNT_GROUP)
  }
  return abilities
})

/** How often a driver wants to be asked for its limit; undefined: never. */
const periodOf = (change: Change): number | undefined =>
  Change.$match(change, {
    Snapshot: ({ objects: [object] }) => (object === undefined ? undefined : periodIn(object)),
    Upsert: ({ object }) => periodIn(object),
    Remove: () => undefined
  })

const periodIn = (object: KubeObject): number | undefined => {
  const decoded = decodeCsiDriver(object)
  return Result.isSuccess(decoded) ? driverRules(decoded.success).allocatableUpdateMs : undefined
}

/** Runs for ever: asks as often as the driver's CSIDriver object says, which may change at any time. */
const keepLimit = <E, R>(name: string, refresh: Effect.Effect<void, E, R>) =>
  reflect(csiDrivers, { fieldSelector: `metadata.name=${name}` }).pipe(
    Stream.map(periodOf),
    Stream.changes,
    Stream.switchMap((periodMs) =>
      periodMs === undefined ? Stream.never : Stream.fromEffectRepeat(Effect.sleep(periodMs))
    ),
    Stream.runForEach(() =>
      Effect.catch(refresh, (error) => Effect.logWarning(`the limit of driver ${name} cannot be asked for`, error))
    )
  )

interface Held extends RegisteredDriver {
  readonly scope: Scope.Closeable
}

export const layer: Layer.Layer<CsiDrivers, never, AgentConfig | Csi | CsiNode | KubeApi> = Layer.effect(
  CsiDrivers,
  Effect.gen(function*() {
    const csi = yield* Csi
    const csiNode = yield* CsiNode
    const api = yield* KubeApi
    const { standalone } = yield* AgentConfig
    const life = yield* Effect.scope
    const held = yield* SubscriptionRef.make<ReadonlyMap<string, Held>>(new Map())

    const introduce = Effect.fnUntraced(function*(name: string, calls: CsiDriver) {
      const info = yield* calls.nodeGetInfo({})
      if (info.nodeId === "") return yield* refuse(`driver ${name} answered no node id`)
      yield* csiNode.install({
        name,
        nodeId: info.nodeId,
        maxVolumes: Number(info.maxVolumesPerNode),
        topology: info.accessibleTopology?.segments ?? {}
      })
    })

    const refresh = Effect.fn("CsiDrivers.refresh")(function*(name: string) {
      const driver = (yield* SubscriptionRef.get(held)).get(name)
      if (driver !== undefined) yield* introduce(name, driver.calls)
    }, Effect.mapError(because))

    const meet = Effect.fnUntraced(function*(name: string, endpoint: string, scope: Scope.Closeable) {
      const calls = yield* Scope.provide(csi.open(endpoint), scope)
      yield* introduce(name, calls)
      return { name, endpoint, calls, abilities: yield* abilitiesOf(calls), scope } satisfies Held
    })

    return CsiDrivers.of({
      register: Effect.fn("CsiDrivers.register")((name: string, endpoint: string) =>
        // A driver that was met is held, or its connection closed, whoever loses patience between the two.
        Effect.uninterruptibleMask((restore) =>
          Effect.gen(function*() {
            const scope = yield* Scope.fork(life)
            const driver = yield* restore(meet(name, endpoint, scope)).pipe(
              Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, Exit.void)),
              Effect.mapError(because)
            )
            const before = (yield* SubscriptionRef.get(held)).get(name)
            yield* SubscriptionRef.update(held, (all) => new Map([...all, [name, driver]]))
            if (before !== undefined) yield* Scope.close(before.scope, Exit.void)
            if (standalone) return
            const limit = keepLimit(name, refresh(name)).pipe(Effect.provideService(KubeApi, api))
            yield* Effect.forkIn(supervise(`limit of driver ${name}`, limit), scope)
          })
        )
      ),
      refresh,
      deregister: Effect.fn("CsiDrivers.deregister")(function*(name: string, endpoint: string) {
        const driver = (yield* SubscriptionRef.get(held)).get(name)
        if (driver === undefined || driver.endpoint !== endpoint) return
        yield* SubscriptionRef.update(held, (all) => new Map([...all].filter(([one]) => one !== name)))
        yield* Scope.close(driver.scope, Exit.void)
        yield* csiNode.uninstall(name)
      }, Effect.mapError(because)),
      get: Effect.fn("CsiDrivers.get")(function*(name: string) {
        const found = yield* SubscriptionRef.changes(held).pipe(
          Stream.map((all) => all.get(name)),
          Stream.filter((driver) => driver !== undefined),
          Stream.runHead,
          Effect.timeoutOption(patienceMs)
        )
        const driver = found._tag === "Some" && found.value._tag === "Some" ? found.value.value : undefined
        if (driver === undefined) {
          return yield* refuse(`driver name ${name} not found in the list of registered CSI drivers`)
        }
        return driver
      })
    })
  })
)
