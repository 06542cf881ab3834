/** Removes dead containers, sandboxes that nothing needs and logs that nobody can ask for, every minute (parity G3). */
import { Clock, Effect } from "effect"
import { type ContainerRecord, deadContainers } from "../../domain/gc/deadContainers.ts"
import { oldSandboxes, type SandboxRecord } from "../../domain/gc/oldSandboxes.ts"
import { labelPodUid } from "../../domain/runtime/labels.ts"
import { ContainerState, Cri, PodSandboxState } from "../../layers/cri/Cri.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { PodRegistry } from "../pods/PodRegistry.ts"
import { rounds } from "../rounds.ts"
import { supervise } from "../supervise.ts"
import { removeContainer } from "./removeContainer.ts"
import { logsThere, removeStrayLogs } from "./removeStrayLogs.ts"

const periodMs = 60_000

const stateNames: Record<ContainerState, ContainerRecord["state"]> = {
  [ContainerState.CONTAINER_CREATED]: "Created",
  [ContainerState.CONTAINER_RUNNING]: "Running",
  [ContainerState.CONTAINER_EXITED]: "Exited",
  [ContainerState.CONTAINER_UNKNOWN]: "Unknown"
}

const toMillis = (nanos: bigint): number => Number(nanos / 1_000_000n)

/** What there is that may have to go. What carries no pod's label is not the agent's. */
const look = Effect.gen(function*() {
  const cri = yield* Cri
  // Files first, and sandboxes before containers: what is made in between is in what is asked for later.
  const logs = yield* logsThere
  const { items } = yield* cri.listPodSandbox({})
  const { containers } = yield* cri.listContainers({})
  return {
    logs,
    heldUids: new Set(items.map(({ labels }) => labels[labelPodUid] ?? "")),
    sandboxes: items.flatMap(({ createdAt, id, labels, metadata, state }): ReadonlyArray<SandboxRecord> => {
      const podUid = labels[labelPodUid] ?? ""
      const ready = state === PodSandboxState.SANDBOX_READY
      return podUid === ""
        ? []
        : [{ id, podUid, attempt: metadata?.attempt ?? 0, createdAtMs: toMillis(createdAt), ready }]
    }),
    usedSandboxes: new Set(containers.map(({ podSandboxId }) => podSandboxId)),
    runningIds: containers.filter(({ state }) => state === ContainerState.CONTAINER_RUNNING).map(({ id }) => id),
    containers: containers.flatMap(({ createdAt, id, labels, metadata, state }): ReadonlyArray<ContainerRecord> => {
      const podUid = labels[labelPodUid] ?? ""
      if (podUid === "") return []
      const { attempt = 0, name = "" } = metadata ?? {}
      return [{ id, podUid, name, attempt, createdAtMs: toMillis(createdAt), state: stateNames[state] ?? "Unknown" }]
    })
  }
})

type Sight = Effect.Success<typeof look>

/** How many went. */
const removeDeadContainers = Effect.fnUntraced(function*(sight: Sight, isWanted: (uid: string) => boolean) {
  const config = yield* AgentConfig
  const policy = {
    maxPerContainer: config.maxDeadPerContainer,
    maxTotal: config.maxDeadContainers,
    minAgeMs: config.minDeadContainerAgeMs
  }
  const nowMs = yield* Clock.currentTimeMillis
  const dead = deadContainers(sight.containers, policy, { isWanted, nowMs })
  yield* Effect.forEach(dead, removeContainer, { discard: true })
  return dead.length
})

/** How many went. */
const removeOldSandboxes = Effect.fnUntraced(function*(sight: Sight, isWanted: (uid: string) => boolean) {
  const cri = yield* Cri
  const old = oldSandboxes(sight.sandboxes, sight.usedSandboxes, isWanted)
  yield* Effect.forEach(
    old,
    // Not ready is not yet stopped: its network may still be there.
    (podSandboxId) => Effect.andThen(cri.stopPodSandbox({ podSandboxId }), cri.removePodSandbox({ podSandboxId })),
    { discard: true }
  )
  return old.length
})

/** One round. On most nodes nothing goes, and one look is all that it takes. */
export const collectContainers = Effect.gen(function*() {
  const registry = yield* PodRegistry
  const wanted = yield* registry.has
  const heard = yield* registry.allSourcesHeard
  // A pod that is merely late is not gone (parity C3).
  const isWanted = (uid: string) => !heard || wanted(uid)
  let sight = yield* look
  if ((yield* removeDeadContainers(sight, isWanted)) > 0) sight = yield* look
  if ((yield* removeOldSandboxes(sight, isWanted)) > 0) sight = yield* look
  yield* removeStrayLogs(sight, isWanted)
})

/** Runs for ever. */
export const containerGc = Effect.gen(function*() {
  const events = yield* EventRecorder
  const round = collectContainers.pipe(
    Effect.catch((error) =>
      Effect.andThen(
        Effect.logError("Container garbage collection failed", error),
        events.recordNode({ type: "Warning", reason: "ContainerGCFailed", message: error.message })
      )
    )
  )
  return yield* supervise("container garbage", rounds(periodMs, round))
})
