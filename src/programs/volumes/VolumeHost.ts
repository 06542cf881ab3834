/** What the operations on volumes need to know of the node, and how they reach it. */
import { Context, Effect, Layer } from "effect"
import { valueOfText } from "../../domain/resources/quantity.ts"
import type { MemoryNode } from "../../domain/volumes/emptyDirMount.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { NodeState } from "../node/NodeState.ts"

export class VolumeHost extends Context.Service<VolumeHost, {
  /** The agent's root directory by its real path: the mount table knows no other. */
  readonly rootDir: string
  readonly memory: Effect.Effect<MemoryNode>
  readonly allocatable: Effect.Effect<Readonly<Record<string, string>>>
}>()("kubeffect/programs/volumes/VolumeHost") {}

export const layer: Layer.Layer<VolumeHost, never, AgentConfig | HostFiles | NodeState> = Layer.effect(
  VolumeHost,
  Effect.gen(function*() {
    const config = yield* AgentConfig
    const files = yield* HostFiles
    const node = yield* NodeState
    // Not there yet: it will be made under this very name.
    const rootDir = yield* files.realPath(config.rootDir).pipe(Effect.catch(() => Effect.succeed(config.rootDir)))
    return VolumeHost.of({
      rootDir,
      memory: Effect.gen(function*() {
        const { kernelVersion } = yield* node.facts
        return { kernelVersion, allocatableMemoryBytes: valueOfText((yield* node.allocatable)["memory"]) }
      }),
      allocatable: node.allocatable
    })
  })
)
