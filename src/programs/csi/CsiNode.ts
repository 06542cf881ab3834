/** Keeps the cluster's picture of this node's drivers true: CSINode, and annotation and labels of the Node (parity J2). */
import { Context, Effect, Layer, Result, Schedule, Semaphore, Stream } from "effect"
import {
  driverEntry,
  type DriverNode,
  nodeIdAnnotation,
  nodeIdsText,
  topologyClash,
  withDriver,
  withoutDriver
} from "../../domain/csi/nodeEntries.ts"
import { migratedPlugins } from "../../domain/csi/translation.ts"
import { decodeCsiNode, decodeNode } from "../../domain/k8s/decode.ts"
import type { Node } from "../../domain/k8s/node.ts"
import { csiNodes, nodes } from "../../domain/k8s/resources.ts"
import type { CSINodeDriver } from "../../domain/k8s/storage.ts"
import { KubeApi, type KubeObject } from "../../layers/api/KubeApi.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { NodeState } from "../node/NodeState.ts"
import { because, refuse, type VolumeError } from "../volumes/VolumeError.ts"

export class CsiNode extends Context.Service<CsiNode, {
  /** Makes the CSINode object of this node unless it is there. Waits for the node to be registered. */
  readonly ensure: Effect.Effect<void, VolumeError>
  readonly install: (driver: DriverNode) => Effect.Effect<void, VolumeError>
  readonly uninstall: (name: string) => Effect.Effect<void, VolumeError>
}>()("kubeffect/programs/csi/CsiNode") {}

const migratedAnnotation = "storage.alpha.kubernetes.io/migrated-plugins"

/** Other writers of these objects are few and quick. */
const again = Schedule.exponential("10 millis", 5).pipe(Schedule.upTo({ times: 4 }))

const registered = Effect.fnUntraced(function*() {
  const state = yield* NodeState
  const [node] = yield* state.nodeChanges.pipe(
    Stream.filter((one) => one !== undefined),
    Stream.take(1),
    Stream.runCollect
  )
  return node
})

const newObject = (node: Node | undefined, nodeName: string, drivers: ReadonlyArray<CSINodeDriver>): KubeObject => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "CSINode",
  metadata: {
    name: nodeName,
    annotations: { [migratedAnnotation]: migratedPlugins.join(",") },
    ...(node?.metadata.uid === undefined
      ? {}
      : { ownerReferences: [{ apiVersion: "v1", kind: "Node", name: nodeName, uid: node.metadata.uid }] })
  },
  spec: { drivers }
})

/** Reads, changes and writes the object; another writer in between means once more. */
const changeDrivers = Effect.fnUntraced(function*(
  change: (drivers: ReadonlyArray<CSINodeDriver>) => ReadonlyArray<CSINodeDriver>
) {
  const api = yield* KubeApi
  const { nodeName } = yield* AgentConfig
  const found = yield* api.get(csiNodes, { name: nodeName }).pipe(
    Effect.catchReason("ApiError", "NotFound", () => Effect.succeed(undefined))
  )
  if (found === undefined) {
    yield* api.create(csiNodes, newObject(yield* registered(), nodeName, change([])))
    return
  }
  const decoded = yield* Effect.fromResult(decodeCsiNode(found))
  const known = decoded.spec?.drivers ?? []
  const drivers = change(known)
  const migrated = decoded.metadata.annotations?.[migratedAnnotation]
  if (drivers === known && migrated === migratedPlugins.join(",")) return
  const annotations = { ...decoded.metadata.annotations, [migratedAnnotation]: migratedPlugins.join(",") }
  yield* api.update(csiNodes, { ...found, metadata: { ...found.metadata, annotations }, spec: { drivers } })
})

/** The node's id at the driver, and where in the world the driver says it is. */
const describeNode = Effect.fnUntraced(function*(
  driver: Pick<DriverNode, "name" | "topology"> & { readonly nodeId: string | undefined }
) {
  const api = yield* KubeApi
  const state = yield* NodeState
  const { nodeName } = yield* AgentConfig
  yield* registered()
  const node = yield* Effect.fromResult(decodeNode(yield* api.get(nodes, { name: nodeName })))
  const labels = node.metadata.labels ?? {}
  const clash = topologyClash(labels, driver.topology)
  if (clash !== undefined) return yield* refuse(clash)
  const before = node.metadata.annotations?.[nodeIdAnnotation]
  const ids = nodeIdsText(before, driver.name, driver.nodeId)
  const missing = Object.entries(driver.topology).filter(([key]) => !Object.hasOwn(labels, key))
  if (ids === (before ?? "{}") && missing.length === 0) return
  const answer = yield* api.patch(nodes, { name: nodeName }, {
    type: "merge",
    body: {
      metadata: {
        annotations: { [nodeIdAnnotation]: ids === "{}" ? null : ids },
        ...(missing.length === 0 ? {} : { labels: Object.fromEntries(missing) })
      }
    }
  })
  const decoded = decodeNode(answer)
  if (Result.isSuccess(decoded)) yield* state.setNode(decoded.success)
})

export const layer: Layer.Layer<CsiNode, never, AgentConfig | KubeApi | NodeState> = Layer.effect(
  CsiNode,
  Effect.gen(function*() {
    const context = yield* Effect.context<AgentConfig | KubeApi | NodeState>()
    const { standalone } = yield* AgentConfig
    const oneByOne = yield* Semaphore.make(1)
    // A node without an API server has nobody to tell.
    const write = <E extends { readonly message: string }>(
      change: Effect.Effect<void, E, AgentConfig | KubeApi | NodeState>
    ) =>
      standalone ? Effect.void : change.pipe(
        Effect.retry(again),
        Effect.mapError(because),
        oneByOne.withPermits(1),
        Effect.provideContext(context)
      )
    return CsiNode.of({
      ensure: write(changeDrivers((drivers) => drivers)),
      install: Effect.fn("CsiNode.install")((driver: DriverNode) =>
        write(Effect.andThen(describeNode(driver), changeDrivers((all) => withDriver(all, driverEntry(driver)))))
      ),
      uninstall: Effect.fn("CsiNode.uninstall")((name: string) =>
        write(
          Effect.andThen(
            changeDrivers((all) => withoutDriver(all, name)),
            describeNode({ name, nodeId: undefined, topology: {} })
          )
        )
      )
    })
  })
)
