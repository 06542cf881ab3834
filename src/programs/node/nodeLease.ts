/** The node's heartbeat: a Lease renewed every quarter of its duration (parity B4). */
import { Clock, Effect, Schedule } from "effect"
import { equalValues } from "../../domain/equalValues.ts"
import * as resources from "../../domain/k8s/resources.ts"
import { formatMicroTime } from "../../domain/k8s/time.ts"
import { type ApiError, KubeApi, type KubeObject } from "../../layers/api/KubeApi.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { rounds } from "../rounds.ts"
import { NodeState } from "./NodeState.ts"

const leaseNamespace = "kube-node-lease"
/** After the first two tries: those in a row before the back-off up to seven seconds begins. */
const quick = Schedule.concat(
  Schedule.recurs(4),
  Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("7 seconds")])
)

/** Runs for ever. The lease is made only once the Node object exists, so that it can name it as its owner. */
export const nodeLease = Effect.gen(function*() {
  const api = yield* KubeApi
  const config = yield* AgentConfig
  const nodeState = yield* NodeState
  const clock = yield* Clock.Clock
  /** As the API server showed it last. */
  let held: KubeObject | undefined
  const target = { namespace: leaseNamespace, name: config.nodeName }

  const bodyAt = (base: KubeObject, owner: string | undefined, nowMs: number): KubeObject => {
    const ownerReferences = [{ apiVersion: "v1", kind: "Node", name: config.nodeName, uid: owner }]
    const isOwned = owner === undefined || equalValues(base.metadata["ownerReferences"], ownerReferences)
    return {
      ...base,
      metadata: isOwned ? base.metadata : { ...base.metadata, ownerReferences },
      spec: {
        holderIdentity: config.nodeName,
        leaseDurationSeconds: Math.round(config.nodeLeaseDurationMs / 1000),
        renewTime: formatMicroTime(nowMs)
      }
    }
  }
  const body = (base: KubeObject) =>
    Effect.map(nodeState.node, (node) => bodyAt(base, node?.metadata.uid, clock.currentTimeMillisUnsafe()))

  const fresh: KubeObject = {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: config.nodeName, namespace: leaseNamespace }
  }

  /** Another writer, or a write of ours whose answer was lost: read what is there and go on from that. */
  const read = (error: ApiError) =>
    error.reason._tag === "NotFound"
      ? Effect.flatMap(body(fresh), (lease) => api.create(resources.leases, lease))
      : error.reason._tag === "Conflict"
      ? Effect.flatMap(api.get(resources.leases, target), (lease) =>
        Effect.flatMap(body(lease), (next) => api.update(resources.leases, next)))
      : Effect.fail(error)

  const renew = Effect.gen(function*() {
    const known = held ?? (yield* api.get(resources.leases, target).pipe(
      Effect.catchReason("ApiError", "NotFound", () => Effect.succeed(undefined))
    ))
    held = known === undefined
      ? yield* api.create(resources.leases, yield* body(fresh))
      : yield* Effect.catch(api.update(resources.leases, yield* body(known)), read)
  })

  const renewed = Effect.tapError(renew, (error) => {
    held = undefined
    return Effect.logWarning("cannot renew the node lease", error)
  })

  // Nearly always the first try succeeds: only what comes after it goes by a schedule.
  return yield* rounds(config.nodeLeaseDurationMs / 4, Effect.catch(renewed, () => Effect.retry(renewed, quick)))
})
