/**
 * One chaos run: a world with pods drawn by the seed, faults for a while, then none. Safety is checked all the time,
 * convergence and tidiness when the faults are over. The faults may be given, so that a run can be repeated with fewer.
 */
import { Clock, Effect, Exit, Result } from "effect"
import { makeDice } from "../domain/chaos/dice.ts"
import { drawFaults } from "../domain/chaos/draw.ts"
import type { Fault } from "../domain/chaos/fault.ts"
import { at } from "../domain/k8s/json.ts"
import { strikeBlow } from "./blows.ts"
import { live, prepare } from "./live.ts"
import { isReadyPod } from "./podWords.ts"
import { runSim } from "./runSim.ts"
import type { TraceEntry } from "./Trace.ts"
import { type Violation, watchWorld } from "./watchWorld.ts"
import { drawWorkload, type PlannedPod } from "./workload.ts"
import * as World from "./World.ts"

export interface ChaosOptions {
  readonly seed: number
  readonly nodes: number
  readonly pods: number
  /** Kinds of pods; all when absent. */
  readonly podKinds?: ReadonlyArray<string>
  /** Families or names of kinds of faults. */
  readonly kinds: ReadonlyArray<string>
  readonly faultsMax: number
  /** Faults strike for this long. */
  readonly minutes: number
  /** Instead of those that the seed draws. */
  readonly faults?: ReadonlyArray<Fault>
  readonly keepTrace?: boolean
}

export interface ChaosResult {
  readonly seed: number
  readonly hash: string
  readonly faults: ReadonlyArray<Fault>
  readonly violation: Violation | undefined
  readonly elapsedMs: number
  readonly trace: ReadonlyArray<TraceEntry>
}

const lostCallMs = 4 * 60_000
/** Back-offs are five minutes at most, lost calls of the runtime four: twice that is enough for everything. */
const convergeMs = 20 * 60_000
const emptyMs = 15 * 60_000

const nodeNames = (count: number) => Array.from({ length: count }, (_, index) => `n${index + 1}`)

export const faultsOf = ({ faultsMax, kinds, minutes, nodes, seed }: ChaosOptions): ReadonlyArray<Fault> =>
  drawFaults({ seed: String(seed), kinds, nodes: nodeNames(nodes), untilMs: minutes * 60_000, faultsMax })

/** Empty when the pod is as it shall be in the end. */
const unsettled = (world: World.World, { destiny, move, name, remove }: PlannedPod): string => {
  const pod = world.pod(name)
  const { deletionTimestamp } = pod.object()?.metadata ?? {}
  const hasMoved = deletionTimestamp === undefined && at(pod.object(), "spec", "nodeName") === move?.nodeName
  if (move !== undefined && !hasMoved) return `${name} has not moved`
  if (remove !== undefined) return pod.object() === undefined ? "" : `${name} is still there`
  const phase = pod.phase()
  const ready = isReadyPod(pod.object())
  switch (destiny) {
    case "Ready":
      return phase === "Running" && ready ? "" : `${name} is ${phase}${ready ? "" : ", not ready"}`
    case "Crashing":
      return phase === "Running" ? "" : `${name} is ${phase}`
    case "Succeeded":
      return phase === "Succeeded" ? "" : `${name} is ${phase}`
    case "Over":
      return phase === "Succeeded" || phase === "Failed" ? "" : `${name} is ${phase}`
  }
}

const firstOf = (problems: ReadonlyArray<string>): string => problems.find((problem) => problem !== "") ?? ""

const scenario = Effect.fnUntraced(function*(options: ChaosOptions, faults: ReadonlyArray<Fault>, kept: Kept) {
  const { minutes, nodes, pods, seed } = options
  const clock = yield* Clock.Clock
  const names = nodeNames(nodes)
  const world = yield* World.make({ seed, nodes: names, faults, keepTrace: options.keepTrace ?? false })
  const watch = watchWorld(world, clock, faults)
  kept.world = world
  kept.found = watch.found
  const untilMs = minutes * 60_000
  const planned = drawWorkload({
    seed: String(seed),
    pods,
    nodes: names,
    untilMs,
    ...(options.podKinds === undefined ? {} : { kinds: options.podKinds })
  })
  yield* prepare(world, planned)
  yield* Effect.forEach(world.nodes, (node) => node.start, { discard: true })
  const dice = makeDice(`${seed}/blows`)
  yield* Effect.forEach(planned, (pod) => Effect.forkScoped(live(world, pod)), { discard: true })
  yield* Effect.forEach(faults, (fault) => Effect.forkScoped(strikeBlow(world, fault, dice)), { discard: true })
  yield* Effect.sleep(untilMs + 30_000)
  if (watch.found() !== undefined) return
  yield* world.until("settles", () => firstOf(planned.map((pod) => unsettled(world, pod))), convergeMs).pipe(
    Effect.catch((error) => Effect.sync(() => watch.say("convergence", error.message)))
  )
  // A container that just ended is told of a moment later, or when a call that hangs has been given up.
  const hangs = faults.some(({ name }) => name.endsWith("-hang"))
  yield* world.until("the statuses are true", watch.restless, hangs ? lostCallMs : 10_000).pipe(Effect.ignore)
  watch.atRest()
  if (watch.found() !== undefined) return
  yield* Effect.forEach(planned, ({ name }) => Effect.ignore(world.pod(name).remove()), { discard: true })
  yield* world.until(
    "everything is deleted",
    () => firstOf(planned.map(({ name }) => world.pod(name).object() === undefined ? "" : `${name} is still there`)),
    emptyMs
  ).pipe(Effect.catch((error) => Effect.sync(() => watch.say("convergence", error.message))))
  // The collectors of what is left come round every minute or two.
  yield* Effect.sleep(5 * 60_000)
  watch.atEnd()
}, Effect.scoped)

interface Kept {
  world: World.World | undefined
  found: () => Violation | undefined
}

export const runChaos = (options: ChaosOptions): ChaosResult => {
  const faults = options.faults ?? faultsOf(options)
  const kept: Kept = { world: undefined, found: () => undefined }
  const untilMs = options.minutes * 60_000 + convergeMs + emptyMs + 15 * 60_000
  const played = Result.try({
    // Who looks at one run wants to know where its errors were made.
    try: () =>
      runSim(scenario(options, faults, kept), { seed: options.seed, untilMs, stacks: options.keepTrace === true }),
    catch: String
  })
  const { elapsedMs, exit } = Result.getOrElse(played, () => ({ elapsedMs: 0, exit: undefined }))
  // A loop that never waits is found by the scheduler, which cannot go on.
  const broken = Result.isFailure(played)
    ? { invariant: "time-goes-on", message: played.failure, atMs: kept.world?.trace.entries.at(-1)?.atMs ?? 0 }
    : exit === undefined
    ? { invariant: "ends", message: "the run does not come to its end", atMs: elapsedMs }
    : Exit.isFailure(exit)
    ? { invariant: "ends", message: String(exit.cause), atMs: elapsedMs }
    : undefined
  return {
    seed: options.seed,
    hash: kept.world?.trace.hash ?? "",
    faults,
    violation: kept.found() ?? broken,
    elapsedMs,
    trace: kept.world?.trace.entries ?? []
  }
}
