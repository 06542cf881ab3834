/** `kubeffect chaos`: the command line of it. */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { availableParallelism } from "node:os"
import { families } from "../../domain/chaos/faultClasses.ts"

export const chaos = Command.make(
  "chaos",
  {
    seeds: Flag.String("seeds").pipe(Flag.withDescription("seeds to play: 7, or 1..1000"), Flag.withDefault("1..100")),
    nodes: Flag.Int("nodes").pipe(Flag.withDescription("nodes of each world"), Flag.withDefault(1)),
    pods: Flag.Int("pods").pipe(Flag.withDescription("pods of each world"), Flag.withDefault(6)),
    faults: Flag.String("faults").pipe(
      Flag.withDescription(`families or kinds of faults, with commas: ${families.join(",")}; all when absent`),
      Flag.withDefault(families.join(","))
    ),
    faultsMax: Flag.Int("faults-max").pipe(Flag.withDescription("most faults of a run"), Flag.withDefault(6)),
    minutes: Flag.Int("minutes").pipe(Flag.withDescription("virtual minutes of faults"), Flag.withDefault(2)),
    workers: Flag.Int("workers").pipe(
      Flag.withDescription("threads that play; results do not depend on it"),
      Flag.withDefault(availableParallelism())
    ),
    replay: Flag.Int("replay").pipe(Flag.withDescription("play one seed, and keep its trace"), Flag.optional),
    only: Flag.String("only").pipe(
      Flag.withDescription("with --replay: numbers of the faults to keep"),
      Flag.withDefault("")
    ),
    awaitPoints: Flag.Int("await-points").pipe(
      Flag.withDescription(
        "instead: kill the agent at every so many-th point at which it waits in a pod's life; 1: at all"
      ),
      Flag.optional
    ),
    json: Flag.String("json").pipe(Flag.withDescription("write the run, or the first that fails, here"), Flag.optional),
    report: Flag.String("report").pipe(
      Flag.withDescription("write a picture of the run, or of the first that fails, here: one HTML file"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function*({ awaitPoints, json, replay, report, ...rest }) {
    // Loaded when asked for: the daemon, which is the same bundle, has no need of a simulated world.
    const { chaos: run } = yield* Effect.promise(() => import("./run.ts"))
    yield* run({
      ...rest,
      replay: Option.getOrUndefined(replay),
      awaitPoints: Option.getOrUndefined(awaitPoints),
      json: Option.getOrUndefined(json),
      report: Option.getOrUndefined(report),
      interactive: process.stderr.isTTY === true
    })
  })
).pipe(Command.withDescription("Nodes on virtual time under seeded faults: finds what breaks, and plays it again"))
