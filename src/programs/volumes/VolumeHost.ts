/** What the operations on volumes need to know of the node, and how they reach it. */
import { Context, Effect, Layer } from "effect"
import type { Node } from "../../domain/k8s/node.ts"
import { valueOfText } from "../../domain/resources/quantity.ts"
import type { MemoryNode } from "../../domain/volumes/emptyDirMount.ts"
import { type HostFileError, HostFiles } from "../../layers/host/HostFiles.ts"
import type { Mounts } from "../../layers/host/Mounts.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { NodeState } from "../node/NodeState.ts"
import { rootLayout } from "./rootLayout.ts"

export class VolumeHost extends Context.Service<VolumeHost, {
  /** The agent's root directory by its real path: the mount table knows no other. */
  readonly rootDir: string
  /** How often pods are looked at without cause: what cannot be watched is read as often. */
  readonly syncMs: number
  readonly memory: Effect.Effect<MemoryNode>
  /** Its object; undefined while the API server has not shown it. */
  readonly node: Effect.Effect<Node | undefined>
  readonly allocatable: Effect.Effect<Readonly<Record<string, string>>>
}>()("kubeffect/programs/volumes/VolumeHost") {}

/** Fails where the root directory cannot be made. */
export const layer: Layer.Layer<VolumeHost, HostFileError, AgentConfig | HostFiles | Mounts | NodeState> = Layer.effect(
  VolumeHost,
  Effect.gen(function*() {
    const config = yield* AgentConfig
    const files = yield* HostFiles
    const node = yield* NodeState
    // Mounts below it are only seen from containers once it is a shared mount, and it has a real path once it is there.
    yield* rootLayout(config.rootDir)
    const rootDir = yield* files.realPath(config.rootDir)
    return VolumeHost.of({
      rootDir,
      syncMs: config.syncFrequencyMs,
      memory: Effect.gen(function*() {
        const { kernelVersion } = yield* node.facts
        return { kernelVersion, allocatableMemoryBytes: valueOfText((yield* node.allocatable)["memory"]) }
      }),
      node: node.node,
      allocatable: node.allocatable
    })
  })
)
