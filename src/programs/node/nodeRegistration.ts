/** Makes sure that the API server has this node's object: creates it, or takes over the one that is there (parity B1). */
import { Effect, Result, Schedule } from "effect"
import { decodeNode } from "../../domain/k8s/decode.ts"
import type { NodeStatus } from "../../domain/k8s/node.ts"
import * as resources from "../../domain/k8s/resources.ts"
import { adoptPatch, newNode } from "../../domain/node/nodeObject.ts"
import { KubeApi, type KubeObject } from "../../layers/api/KubeApi.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { NodeState } from "./NodeState.ts"

const retry = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("7 seconds")])

/** Tries until the node is registered. `status` is what a new object starts with. */
export const registerNode = Effect.fn("registerNode")(function*(status: NodeStatus) {
  const api = yield* KubeApi
  const config = yield* AgentConfig
  const nodeState = yield* NodeState
  const machine = yield* nodeState.facts

  const adopt = Effect.gen(function*() {
    const object = yield* api.get(resources.nodes, { name: config.nodeName })
    const existing = yield* Effect.fromResult(decodeNode(object))
    const patch = adoptPatch(existing, config, machine)
    return patch === undefined
      ? object
      : yield* api.patch(resources.nodes, { name: config.nodeName }, { type: "merge", body: patch })
  })

  const register = Effect.gen(function*() {
    const wanted = newNode(config, machine, status)
    const object: KubeObject = { ...wanted }
    const registered = config.registerNode
      ? yield* api.create(resources.nodes, object).pipe(
        Effect.catchReason("ApiError", "AlreadyExists", () => adopt)
      )
      : yield* api.get(resources.nodes, { name: config.nodeName })
    const decoded = decodeNode(registered)
    if (Result.isSuccess(decoded)) yield* nodeState.setNode(decoded.success)
  })

  yield* register.pipe(
    Effect.tapError((error) => Effect.logWarning(`cannot register the node ${config.nodeName}`, error)),
    Effect.retry(retry),
    Effect.orDie
  )
  yield* Effect.logInfo(`registered the node ${config.nodeName}`)
})
