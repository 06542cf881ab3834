/** Follows this node's own object at the API server (parity C1: pods are looked at only once it is known). */
import { Effect, Result, Stream } from "effect"
import { decodeNode } from "../../domain/k8s/decode.ts"
import * as resources from "../../domain/k8s/resources.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { reflect } from "../api/reflector.ts"
import { supervise } from "../supervise.ts"
import { NodeState } from "./NodeState.ts"

/** Runs for ever. */
export const ownNode = Effect.gen(function*() {
  const config = yield* AgentConfig
  const nodeState = yield* NodeState
  const selection = { fieldSelector: `metadata.name=${config.nodeName}` }
  const changes = Stream.runForEach(reflect(resources.nodes, selection), (change) => {
    const objects = change._tag === "Snapshot" ? change.objects : change._tag === "Upsert" ? [change.object] : []
    return Effect.forEach(objects, (object) => {
      const decoded = decodeNode(object)
      return Result.isSuccess(decoded)
        ? nodeState.setNode(decoded.success)
        : Effect.logError(decoded.failure.message)
    }, { discard: true })
  })
  return yield* supervise("own node", changes)
})
