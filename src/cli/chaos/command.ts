/** `kubeffect chaos`: the command line of it. */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { availableParallelism } from "node:os"
import { families } from "../../domain/chaos/faultClasses.ts"
import { number, numberOrNone, text, textOrNone } from "../flags.ts"

export const chaos = Command.make(
  "chaos",
  {
    seeds: text("seeds", "seeds to play: 7, or 1..1000", "1..100"),
    nodes: number("nodes", "nodes of each world", 1),
    pods: number("pods", "pods of each world", 6),
    faults: text(
      "faults",
      `families or kinds of faults, with commas: ${families.join(",")}; all when absent`,
      families.join(",")
    ),
    faultsMax: number("faults-max", "most faults of a run", 6),
    minutes: number("minutes", "virtual minutes of faults", 2),
    workers: number("workers", "threads that play; results do not depend on it", availableParallelism()),
    replay: numberOrNone("replay", "play one seed, and keep its trace"),
    only: text("only", "with --replay: numbers of the faults to keep", ""),
    awaitPoints: numberOrNone(
      "await-points",
      "instead: kill the agent at every so many-th point at which it waits in a pod's life; 1: at all"
    ),
    json: textOrNone("json", "write the run, or the first that fails, here"),
    report: textOrNone("report", "write a picture of the run, or of the first that fails, here: one HTML file")
  },
  Effect.fnUntraced(function*(wish) {
    // Loaded when asked for: the daemon, which is the same bundle, has no need of a simulated world.
    const { chaos: run } = yield* Effect.promise(() => import("./run.ts"))
    yield* run({ ...wish, interactive: process.stderr.isTTY === true })
  })
).pipe(Command.withDescription("Nodes on virtual time under seeded faults: finds what breaks, and plays it again"))
