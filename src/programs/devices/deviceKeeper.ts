/** Gives devices to pods, and takes them back (see `Devices`). */
import { Clock, Effect, Layer, Ref, Semaphore, Stream, SubscriptionRef } from "effect"
import { additionsOf, encodeResponse } from "../../domain/devices/additions.ts"
import {
  type Choice,
  choose,
  type DeviceHolding,
  type DeviceWish,
  deviceWishes,
  settle
} from "../../domain/devices/allocations.ts"
import { deviceQuantities } from "../../domain/devices/plugins.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { DevicePluginClient, DevicePlugins } from "../../layers/devices/DevicePlugins.ts"
import type { HostFiles } from "../../layers/host/HostFiles.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { PodRegistry } from "../pods/PodRegistry.ts"
import { Devices, NoDevices } from "./Devices.ts"
import { type DeviceState, loadState } from "./deviceState.ts"
import { type Clients, pluginLoop } from "./pluginLoop.ts"

interface Keeper {
  readonly state: DeviceState
  readonly clients: Clients
  readonly registry: PodRegistry["Service"]
}

const noDevices = (detail: string) => new NoDevices({ detail })

const clientOf = ({ clients }: Keeper, resource: string): Effect.Effect<DevicePluginClient, NoDevices> =>
  Effect.suspend(() => {
    const client = clients.get(resource)
    return client === undefined
      ? Effect.fail(noDevices(`cannot allocate unregistered device ${resource}`))
      : Effect.succeed(client)
  })

/** Which of the free devices the plugin would rather give; a plugin that cannot say has no preference. */
const preference = Effect.fnUntraced(
  function*(client: DevicePluginClient, { count, fixed, free }: Choice) {
    const { containerResponses } = yield* client.getPreferredAllocation({
      containerRequests: [{
        availableDeviceIDs: [...fixed, ...free],
        mustIncludeDeviceIDs: [...fixed],
        allocationSize: count
      }]
    })
    return containerResponses[0]?.deviceIDs ?? []
  },
  Effect.catch((error) =>
    Effect.as(Effect.logWarning("a device plugin did not say which devices it prefers", error), [])
  )
)

const give = Effect.fnUntraced(function*(
  keeper: Keeper,
  wish: DeviceWish,
  holdings: ReadonlyArray<DeviceHolding>,
  reusable: ReadonlySet<string>
) {
  const resources = yield* SubscriptionRef.get(keeper.state.resources)
  const result = choose(wish, resources, holdings, reusable)
  if (result._tag === "Impossible") return yield* noDevices(result.why)
  const client = yield* clientOf(keeper, wish.resource)
  const hasPreference = resources.get(wish.resource)?.hasPreference ?? false
  const ids = settle(result.choice, hasPreference ? yield* preference(client, result.choice) : [])
  const { containerResponses } = yield* client.allocate({ containerRequests: [{ devicesIds: [...ids] }] }).pipe(
    Effect.mapError(({ detail }) => noDevices(detail))
  )
  return { ids, response: encodeResponse(containerResponses[0]) }
})

/** Pods that went while nobody watched hold nothing. */
const present = Effect.fnUntraced(function*({ registry, state }: Keeper) {
  const holdings = yield* Ref.get(state.holdings)
  if (!(yield* registry.allSourcesHeard)) return holdings
  const uids = new Set((yield* registry.all).map(({ pod }) => pod.metadata.uid))
  return holdings.filter(({ podUid }) => uids.has(podUid))
})

const allocate = Effect.fn("Devices.allocate")(function*(keeper: Keeper, pod: Pod) {
  const { state } = keeper
  const podUid = pod.metadata.uid
  const resources = yield* SubscriptionRef.get(state.resources)
  const wishes = deviceWishes(pod, (resource) => resources.has(resource))
  if (wishes.length === 0) return
  let holdings = yield* present(keeper)
  const left = new Map<string, Set<string>>()
  for (const wish of wishes) {
    const { container, resource } = wish
    const has = holdings.find((held) =>
      held.podUid === podUid && held.container === container && held.resource === resource
    )
    const reusable = left.get(resource) ?? new Set<string>()
    const given = has ?? (yield* give(keeper, wish, holdings, reusable))
    if (has === undefined) holdings = [...holdings, { podUid, container, resource, ...given }]
    // A device that a sidecar or the pod's containers hold is theirs for good.
    left.set(
      resource,
      wish.leaves
        ? new Set([...reusable, ...given.ids])
        : new Set([...reusable].filter((id) => !given.ids.includes(id)))
    )
  }
  yield* Ref.set(state.holdings, holdings)
  yield* state.save
})

const prepare = Effect.fn("Devices.prepare")(function*(keeper: Keeper, podUid: string, container: string) {
  const mine = (yield* Ref.get(keeper.state.holdings)).filter((held) =>
    held.podUid === podUid && held.container === container
  )
  const resources = yield* SubscriptionRef.get(keeper.state.resources)
  for (const { ids, resource } of mine) {
    if (resources.get(resource)?.preStartRequired !== true) continue
    const client = yield* clientOf(keeper, resource)
    yield* client.preStartContainer({ devicesIds: [...ids] }).pipe(
      Effect.mapError(({ detail }) => noDevices(`device plugin PreStartContainer rpc failed with err: ${detail}`))
    )
  }
  return additionsOf(mine.map(({ response }) => response))
})

const release = Effect.fn("Devices.release")(function*({ state }: Keeper, podUid: string) {
  const holdings = yield* Ref.get(state.holdings)
  const kept = holdings.filter((held) => held.podUid !== podUid)
  if (kept.length === holdings.length) return
  yield* Ref.set(state.holdings, kept)
  yield* state.save
})

export const layer: Layer.Layer<Devices, never, AgentConfig | DevicePlugins | HostFiles | PodRegistry> = Layer.effect(
  Devices,
  Effect.gen(function*() {
    const { rootDir } = yield* AgentConfig
    const folder = `${rootDir}/device-plugins`
    const needs = yield* Effect.context<DevicePlugins | HostFiles>()
    const keeper: Keeper = {
      state: yield* loadState(folder, yield* Clock.currentTimeMillis),
      clients: new Map(),
      registry: yield* PodRegistry
    }
    const { holdings, resources } = keeper.state
    const oneAtATime = yield* Semaphore.make(1)
    return Devices.of({
      allocate: (pod) => Semaphore.withPermit(oneAtATime, allocate(keeper, pod)),
      prepare: (podUid, container) => prepare(keeper, podUid, container),
      release: (podUid) => Semaphore.withPermit(oneAtATime, release(keeper, podUid)),
      quantities: Effect.clockWith((clock) =>
        Effect.succeed(deviceQuantities(SubscriptionRef.getUnsafe(resources), clock.currentTimeMillisUnsafe()))
      ),
      resources: SubscriptionRef.get(resources),
      changes: Stream.map(SubscriptionRef.changes(resources), () => undefined),
      holdings: Ref.get(holdings),
      run: Effect.provideContext(pluginLoop(folder, keeper.state, keeper.clients), needs)
    })
  })
)
