/** Removes dead containers, sandboxes that nothing needs and logs that nobody can ask for, every minute (parity G3). */
import { Clock, Effect } from "effect"
import { type ContainerRecord, deadContainers } from "../../domain/gc/deadContainers.ts"
import { oldSandboxes } from "../../domain/gc/oldSandboxes.ts"
import { labelPodUid } from "../../domain/runtime/labels.ts"
import { ContainerState, Cri, PodSandboxState } from "../../layers/cri/Cri.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { PodRegistry } from "../pods/PodRegistry.ts"
import { rounds } from "../rounds.ts"
import { supervise } from "../supervise.ts"
import { removeContainer } from "./removeContainer.ts"
import { removeStrayLogs } from "./removeStrayLogs.ts"

const periodMs = 60_000

const stateNames: Record<ContainerState, ContainerRecord["state"]> = {
  [ContainerState.CONTAINER_CREATED]: "Created",
  [ContainerState.CONTAINER_RUNNING]: "Running",
  [ContainerState.CONTAINER_EXITED]: "Exited",
  [ContainerState.CONTAINER_UNKNOWN]: "Unknown"
}

const toMillis = (nanos: bigint): number => Number(nanos / 1_000_000n)

/** The node's containers. Those without a pod's label are not the agent's. */
const listContainers = Effect.gen(function*() {
  const cri = yield* Cri
  const { containers } = yield* cri.listContainers({})
  return containers.flatMap(({ createdAt, id, labels, metadata, state }): ReadonlyArray<ContainerRecord> => {
    const podUid = labels[labelPodUid] ?? ""
    if (podUid === "") return []
    const { attempt = 0, name = "" } = metadata ?? {}
    return [{ id, podUid, name, attempt, createdAtMs: toMillis(createdAt), state: stateNames[state] ?? "Unknown" }]
  })
})

const removeDeadContainers = Effect.fnUntraced(function*(isWanted: (uid: string) => boolean) {
  const config = yield* AgentConfig
  const policy = {
    maxPerContainer: config.maxDeadPerContainer,
    maxTotal: config.maxDeadContainers,
    minAgeMs: config.minDeadContainerAgeMs
  }
  const nowMs = yield* Clock.currentTimeMillis
  yield* Effect.forEach(deadContainers(yield* listContainers, policy, { isWanted, nowMs }), removeContainer, {
    discard: true
  })
})

const removeOldSandboxes = Effect.fnUntraced(function*(isWanted: (uid: string) => boolean) {
  const cri = yield* Cri
  // Sandboxes first: one that is made in between has its containers in the second list.
  const { items } = yield* cri.listPodSandbox({})
  const containers = yield* cri.listContainers({})
  const inUse = new Set(containers.containers.map(({ podSandboxId }) => podSandboxId))
  const records = items.flatMap(({ createdAt, id, labels, metadata, state }) => {
    const podUid = labels[labelPodUid] ?? ""
    const ready = state === PodSandboxState.SANDBOX_READY
    const { attempt = 0 } = metadata ?? {}
    return podUid === "" ? [] : [{ id, podUid, attempt, createdAtMs: toMillis(createdAt), ready }]
  })
  yield* Effect.forEach(
    oldSandboxes(records, inUse, isWanted),
    // Not ready is not yet stopped: its network may still be there.
    (podSandboxId) => Effect.andThen(cri.stopPodSandbox({ podSandboxId }), cri.removePodSandbox({ podSandboxId })),
    { discard: true }
  )
})

/** One round. */
export const collectContainers = Effect.gen(function*() {
  const registry = yield* PodRegistry
  const wanted = yield* registry.has
  const heard = yield* registry.allSourcesHeard
  // A pod that is merely late is not gone (parity C3).
  const isWanted = (uid: string) => !heard || wanted(uid)
  yield* removeDeadContainers(isWanted)
  yield* removeOldSandboxes(isWanted)
  yield* removeStrayLogs(isWanted)
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
