/**
 * Meets device plugins: takes their registrations, and follows what each says of its devices until it is gone. A plugin
 * that comes again takes the place of the one before it.
 */
import { Clock, Effect, FiberMap, Stream, SubscriptionRef } from "effect"
import { type DeviceResource, registrationProblem } from "../../domain/devices/plugins.ts"
import { type DevicePluginClient, DevicePlugins, type PluginOffer } from "../../layers/devices/DevicePlugins.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { supervise } from "../supervise.ts"
import type { DeviceState } from "./deviceState.ts"

const socketName = "kubelet.sock"

export type Clients = Map<string, DevicePluginClient>

/** Plugins notice by the new socket that the node has started anew, and register again; sockets of before go. */
const clearFolder = Effect.fnUntraced(function*(folder: string) {
  const files = yield* HostFiles
  yield* files.makeDirectory(folder, { mode: 0o750, recursive: true })
  for (const name of yield* files.readDirectory(folder)) {
    const path = `${folder}/${name}`
    const { type } = yield* files.lstat(path)
    if (type === "socket") yield* files.removeFile(path)
  }
}, (effect) => Effect.catchReason(effect, "HostFileError", "NotFound", () => Effect.void))

const setResource = (state: DeviceState, name: string, change: (known: DeviceResource | undefined) => DeviceResource) =>
  SubscriptionRef.update(state.resources, (all) => new Map([...all, [name, change(all.get(name))]]))

const follow = Effect.fnUntraced(function*(
  { clients, folder, state }: { readonly clients: Clients; readonly folder: string; readonly state: DeviceState },
  { endpoint, hasPreference, preStartRequired, resource }: PluginOffer
) {
  const plugins = yield* DevicePlugins
  const client = yield* plugins.open(`${folder}/${endpoint}`)
  const gone = Effect.gen(function*() {
    const goneAtMs = yield* Clock.currentTimeMillis
    if (clients.get(resource) === client) clients.delete(resource)
    yield* setResource(state, resource, (known) => ({
      endpoint,
      devices: known?.devices ?? new Map(),
      preStartRequired,
      hasPreference,
      goneAtMs
    }))
    yield* Effect.logInfo(`the device plugin of ${resource} is gone`)
  })
  clients.set(resource, client)
  yield* client.listAndWatch({}).pipe(
    Stream.runForEach(({ devices }) =>
      Effect.gen(function*() {
        const told = new Map(devices.map(({ ID, health, topology }) => [ID, {
          id: ID,
          healthy: health === "Healthy",
          numaNodes: (topology?.nodes ?? []).map((node) => Number(node.ID))
        }]))
        yield* setResource(state, resource, () => ({
          endpoint,
          devices: told,
          preStartRequired,
          hasPreference,
          goneAtMs: undefined
        }))
        yield* state.save
      })
    ),
    Effect.catch((error) => Effect.logWarning(`cannot follow the devices of ${resource}`, error)),
    Effect.ensuring(gone)
  )
}, Effect.scoped)

/** Runs for ever. */
export const pluginLoop = (folder: string, state: DeviceState, clients: Clients) =>
  supervise(
    "device plugins",
    Effect.gen(function*() {
      const plugins = yield* DevicePlugins
      const fibers = yield* FiberMap.make<string, void>()
      const needs = yield* Effect.context<DevicePlugins>()

      const take = Effect.fnUntraced(function*(offer: PluginOffer) {
        const problem = registrationProblem(offer.version, offer.resource)
        if (problem !== undefined) {
          yield* Effect.logWarning(`a device plugin is refused: ${problem}`)
          return problem
        }
        yield* Effect.logInfo(`a device plugin offers ${offer.resource}`)
        // The plugin is answered at once: it may serve its devices only after that.
        yield* FiberMap.run(fibers, offer.resource, follow({ clients, folder, state }, offer))
        return ""
      })

      yield* clearFolder(folder)
      yield* plugins.serve(`${folder}/${socketName}`, (offer) => Effect.provideContext(take(offer), needs))
      return yield* Effect.never
    }).pipe(Effect.scoped)
  )
