/** What is known of devices, in memory and in the file that outlives the agent. */
import { Effect, Ref, Semaphore, SubscriptionRef } from "effect"
import type { DeviceHolding } from "../../domain/devices/allocations.ts"
import { readCheckpoint, writeCheckpoint } from "../../domain/devices/checkpoint.ts"
import type { DeviceResource, DeviceResources } from "../../domain/devices/plugins.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"

const checkpointName = "kubelet_internal_checkpoint"

export interface DeviceState {
  readonly resources: SubscriptionRef.SubscriptionRef<DeviceResources>
  readonly holdings: Ref.Ref<ReadonlyArray<DeviceHolding>>
  /** Writes what has to outlive the agent. A disk that cannot take it is told of; the devices are in use all the same. */
  readonly save: Effect.Effect<void>
}

/** Devices that were there before the agent was, until their plugin is back to speak for them. */
const waited = (ids: ReadonlyArray<string>, nowMs: number): DeviceResource => ({
  endpoint: "",
  devices: new Map(ids.map((id) => [id, { id, healthy: false, numaNodes: [] }])),
  preStartRequired: false,
  hasPreference: false,
  goneAtMs: nowMs
})

export const loadState = Effect.fnUntraced(function*(folder: string, nowMs: number) {
  const files = yield* HostFiles
  const path = `${folder}/${checkpointName}`
  const known = yield* files.readText(path).pipe(
    Effect.flatMap((text) => Effect.fromResult(readCheckpoint(text))),
    Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(undefined)),
    Effect.catch((error) =>
      Effect.as(Effect.logWarning(`cannot read ${path}: who has which device is not known`, error), undefined)
    )
  )
  const resources = yield* SubscriptionRef.make<DeviceResources>(
    new Map([...known?.registered ?? []].map(([name, ids]) => [name, waited(ids, nowMs)]))
  )
  const holdings = yield* Ref.make(known?.holdings ?? [])
  const alone = yield* Semaphore.make(1)
  const write = Effect.gen(function*() {
    const registered = [...yield* SubscriptionRef.get(resources)].map(([name, { devices }]) =>
      [name, [...devices.keys()]] as const
    )
    const text = writeCheckpoint({ holdings: yield* Ref.get(holdings), registered: new Map(registered) })
    yield* files.writeFileAtomic(path, text, { mode: 0o600 })
  }).pipe(Effect.catch((error) => Effect.logError("cannot write down who has which device", error)))
  return { resources, holdings, save: Semaphore.withPermit(alone, write) } satisfies DeviceState
})
