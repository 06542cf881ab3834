/** Tells monitoring agents who has which device (parity O11). */
import { Effect } from "effect"
import { allocatableDevices, podResources } from "../../domain/devices/podResources.ts"
import { isTerminalPhase } from "../../domain/pod/spec.ts"
import { PodResourcesSocket } from "../../layers/devices/PodResourcesSocket.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { PodRegistry } from "../pods/PodRegistry.ts"
import { StatusWriter } from "../status/StatusWriter.ts"
import { supervise } from "../supervise.ts"
import { Devices } from "./Devices.ts"

const socketName = "kubelet.sock"

const answers = Effect.gen(function*() {
  const devices = yield* Devices
  const registry = yield* PodRegistry
  const statuses = yield* StatusWriter
  const active = Effect.gen(function*() {
    const known = yield* registry.all
    return yield* Effect.filter(
      known.map(({ pod }) => pod),
      ({ metadata, status }) =>
        Effect.map(statuses.latest(metadata.uid), (latest) => !isTerminalPhase(latest?.phase ?? status?.phase))
    )
  })
  const list = Effect.gen(function*() {
    const holdings = yield* devices.holdings
    const resources = yield* devices.resources
    return (yield* active).map((pod) => podResources(pod, holdings, resources))
  })
  return {
    list,
    get: ({ name, namespace }: { readonly name: string; readonly namespace: string }) =>
      Effect.map(list, (pods) => pods.find((pod) => pod.name === name && pod.namespace === namespace)),
    allocatable: Effect.map(devices.resources, (resources) => [...allocatableDevices(resources)])
  }
})

/** Runs for ever. */
export const podResourcesLoop = supervise(
  "pod resources",
  Effect.gen(function*() {
    const { rootDir } = yield* AgentConfig
    const files = yield* HostFiles
    const socket = yield* PodResourcesSocket
    const folder = `${rootDir}/pod-resources`
    yield* files.makeDirectory(folder, { mode: 0o750, recursive: true })
    // Of an agent before this one.
    yield* files.removeTree(`${folder}/${socketName}`)
    yield* socket.serve(`${folder}/${socketName}`, yield* answers)
    return yield* Effect.never
  }).pipe(Effect.scoped)
)
