/** How the runtime is doing, by its own word every five seconds and by the age of the last listing (parity B6, G1). */
import { Context, Effect, Layer, SubscriptionRef } from "effect"
import type { Stream } from "effect"
import { equalValues } from "../../domain/equalValues.ts"
import type { StatusResponse } from "../../gen/cri/api_pb.ts"
import { Cri } from "../../layers/cri/Cri.ts"
import { elapsedMs, elapsedMsOf } from "../elapsed.ts"
import { rounds } from "../rounds.ts"
import { supervise } from "../supervise.ts"

const pollMs = 5000
/** Answers older than this count as no answer (parity B6). */
const staleMs = 30_000
/** A listing older than this makes the node not ready: pods may have changed unseen (parity G1). */
const listingStaleMs = 180_000

export interface RuntimeStatus {
  /** Empty when the runtime is ready; else why not, as the node's Ready condition tells it. */
  readonly runtimeProblem: string
  /** Empty when the pod network is ready. */
  readonly networkProblem: string
  /** `containerd://2.1.9`; empty before the first answer. */
  readonly version: string
  readonly handlers: ReadonlyArray<{
    readonly name: string
    readonly recursiveReadOnlyMounts: boolean
    readonly userNamespaces: boolean
  }>
  readonly supplementalGroupsPolicy: boolean
}

export class RuntimeHealth extends Context.Service<RuntimeHealth, {
  readonly status: Effect.Effect<RuntimeStatus>
  /** The status now and at each change. */
  readonly changes: Stream.Stream<RuntimeStatus>
  /** To be called after each complete listing. */
  readonly listed: Effect.Effect<void>
  /** Problem of the listing, empty when it is recent. */
  readonly listingProblem: Effect.Effect<string>
}>()("kubeffect/programs/runtime/RuntimeHealth") {}

const unknown: RuntimeStatus = {
  runtimeProblem: "container runtime status check may not have completed yet",
  networkProblem: "container runtime status check may not have completed yet",
  version: "",
  handlers: [],
  supplementalGroupsPolicy: false
}

const noProblem = Effect.succeed("")

export const layer: Layer.Layer<RuntimeHealth, never, Cri> = Layer.effect(
  RuntimeHealth,
  Effect.gen(function*() {
    const cri = yield* Cri
    const current = yield* SubscriptionRef.make(unknown)
    let answeredAt = Number.NEGATIVE_INFINITY
    let listedAt = yield* elapsedMs

    // Only the loop below changes it.
    const set = (before: RuntimeStatus, next: RuntimeStatus) =>
      equalValues(before, next) ? Effect.void : SubscriptionRef.set(current, next)

    // What a simulated runtime has not said anew was taken before.
    let taken: StatusResponse | undefined
    const take = Effect.fnUntraced(function*(answer: StatusResponse) {
      const before = SubscriptionRef.getUnsafe(current)
      const version = before.version !== "" && before.runtimeProblem === ""
        ? before.version
        : yield* Effect.map(cri.version({}), (v) => `${v.runtimeName}://${v.runtimeVersion}`)
      const problemOf = (type: string, what: string) => {
        const condition = answer.status?.conditions.find((candidate) => candidate.type === type)
        if (condition?.status === true) return ""
        return `${what}: ${type}=false reason:${condition?.reason ?? ""} message:${condition?.message ?? ""}`
      }
      yield* set(before, {
        runtimeProblem: problemOf("RuntimeReady", "container runtime not ready"),
        networkProblem: problemOf("NetworkReady", "container runtime network not ready"),
        version,
        handlers: answer.runtimeHandlers.map((handler) => ({
          name: handler.name,
          recursiveReadOnlyMounts: handler.features?.recursiveReadOnlyMounts ?? false,
          userNamespaces: handler.features?.userNamespaces ?? false
        })),
        supplementalGroupsPolicy: answer.features?.supplementalGroupsPolicy ?? false
      })
      taken = answer
    })

    const poll = Effect.flatMap(cri.status({}), (answer) =>
      Effect.clockWith((clock) => {
        answeredAt = elapsedMsOf(clock)
        return answer === taken ? Effect.void : take(answer)
      }))

    /** A runtime that does not answer is down at once for us: waiting for staleness would only hide it. */
    const down = Effect.fnUntraced(function*(detail: string) {
      taken = undefined
      const before = yield* SubscriptionRef.get(current)
      const ageMs = (yield* elapsedMs) - answeredAt
      if (before.runtimeProblem === "" && ageMs < staleMs / 3) return
      yield* set(before, { ...before, runtimeProblem: `container runtime is down: ${detail}` })
    })

    const loop = rounds(pollMs, Effect.catch(poll, (error) => down(error.detail)))
    yield* Effect.forkScoped(supervise("runtime health", loop))

    return RuntimeHealth.of({
      status: SubscriptionRef.get(current),
      changes: SubscriptionRef.changes(current),
      listed: Effect.map(elapsedMs, (now) => {
        listedAt = now
      }),
      listingProblem: Effect.clockWith((clock) => {
        const ageMs = elapsedMsOf(clock) - listedAt
        return ageMs <= listingStaleMs ? noProblem : Effect.succeed(
          `PLEG is not healthy: pleg was last seen active ${Math.floor(ageMs / 1000)}s ago; threshold is 3m0s`
        )
      })
    })
  })
)
