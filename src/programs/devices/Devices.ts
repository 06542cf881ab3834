/**
 * The devices of the node (parity L12): what plugins offer, which container has which, and what a container needs to
 * use them. What was given out outlives the agent in a file.
 */
import { Context, type Effect, Schema, type Stream } from "effect"
import type { PluginAdditions } from "../../domain/config/containerConfig.ts"
import type { DeviceHolding } from "../../domain/devices/allocations.ts"
import type { DeviceQuantities, DeviceResources } from "../../domain/devices/plugins.ts"
import type { Pod } from "../../domain/k8s/pod.ts"

/** The pod cannot have the devices it asks for, or its container cannot be told how to use them. */
export class NoDevices extends Schema.TaggedError<NoDevices>()("NoDevices", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

export class Devices extends Context.Service<Devices, {
  /** Gives the pod the devices it asks for: all of them or none. What it has already it keeps. One pod at a time. */
  readonly allocate: (pod: Pod) => Effect.Effect<void, NoDevices>
  /** What a container that is about to start needs for its devices, which are made ready for it. */
  readonly prepare: (podUid: string, container: string) => Effect.Effect<PluginAdditions, NoDevices>
  /** The pod is over: others may have its devices. */
  readonly release: (podUid: string) => Effect.Effect<void>
  readonly quantities: Effect.Effect<DeviceQuantities>
  readonly resources: Effect.Effect<DeviceResources>
  /** The resources are others than before. */
  readonly changes: Stream.Stream<void>
  readonly holdings: Effect.Effect<ReadonlyArray<DeviceHolding>>
  /** Runs for ever: takes registrations of plugins, and follows their devices. */
  readonly run: Effect.Effect<never>
}>()("kubeffect/programs/devices/Devices") {}
