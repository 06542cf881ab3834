/** Holds pods, the system and the agent to their parts of the node, by their control groups (parity L7). */
import { Effect, Schedule, Schema } from "effect"
import {
  configuredGroup,
  enforcementDone,
  enforcementFailure,
  enforcementOf,
  podsEnforcementDone,
  podsEnforcementFailure,
  podsLimits,
  reservationLimits,
  type ReservationScope,
  type ReservedGroup
} from "../../domain/node/enforcement.ts"
import { podsCgroup } from "../../domain/resources/cgroupNames.ts"
import { Cgroups } from "../../layers/host/Cgroups.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { supervise } from "../supervise.ts"
import { NodeState } from "./NodeState.ts"

/** A reservation that was asked for cannot be kept: the node must not begin. */
export class UnenforcedReservation extends Schema.TaggedError<UnenforcedReservation>()("UnenforcedReservation", {
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.detail
  }
}

const tellDone = (message: string) =>
  Effect.flatMap(
    EventRecorder,
    (events) => events.recordNode({ type: "Normal", reason: "NodeAllocatableEnforced", message })
  )

const tellFailed = (message: string) =>
  Effect.flatMap(
    EventRecorder,
    (events) => events.recordNode({ type: "Warning", reason: "FailedNodeAllocatableEnforcement", message })
  )

/** The group must be there: whoever reserves for it has made it, and nobody else knows what belongs in it. */
const enforceReserved = Effect.fnUntraced(
  function*(group: ReservedGroup, name: string, reserved: Readonly<Record<string, string>>, scope: ReservationScope) {
    if (scope === undefined) return
    const cgroups = yield* Cgroups
    const { cgroupDriver } = yield* AgentConfig
    const path = configuredGroup(cgroupDriver, name)
    const refuse = Effect.fnUntraced(function*(detail: string, cause?: unknown) {
      const message = enforcementFailure(group, name, detail)
      yield* tellFailed(message)
      return yield* new UnenforcedReservation({ detail: message, ...(cause === undefined ? {} : { cause }) })
    })
    const there = yield* Effect.catch(cgroups.exists(path), (error) => refuse(error.message, error))
    if (!there) return yield* refuse(`cgroup "${path}" does not exist`)
    yield* Effect.catch(
      cgroups.apply(path, reservationLimits(reserved, scope)),
      (error) => refuse(error.message, error)
    )
    yield* tellDone(enforcementDone(group, name))
  }
)

/** The groups of the system and of the agent, before anything else. */
export const enforceReservations = Effect.gen(function*() {
  const config = yield* AgentConfig
  const { kube, system } = enforcementOf(config.enforceNodeAllocatable)
  yield* enforceReserved("System Reserved", config.systemReservedCgroup, config.systemReserved, system)
  yield* enforceReserved("Kube Reserved", config.kubeReservedCgroup, config.kubeReserved, kube)
})

/** The group of all pods: tried every minute until it has its limits. Runs for ever. */
export const enforcePods = Effect.gen(function*() {
  const cgroups = yield* Cgroups
  const config = yield* AgentConfig
  const state = yield* NodeState
  const { pods } = enforcementOf(config.enforceNodeAllocatable)
  if (!config.cgroupsPerQos) return yield* Effect.never
  const path = podsCgroup({ driver: config.cgroupDriver, root: config.cgroupRoot, perQos: true })
  const attempt = Effect.gen(function*() {
    yield* cgroups.create(path, podsLimits(yield* state.facts, config, pods))
    if (pods) yield* tellDone(podsEnforcementDone)
  }).pipe(Effect.tapError(({ message }) => tellFailed(podsEnforcementFailure(path, message))))
  const done = Effect.retry(attempt, Schedule.spaced("1 minute"))
  return yield* supervise("limits of all pods", Effect.andThen(done, Effect.never))
})
