/**
 * Chaos runs on threads: as many at once as there are players, each run the same wherever it is played. A run takes a
 * thread for itself for a second or so, which leaves the one that asks for it free to draw, to count and to hear signals.
 */
import { Data, Effect, Queue, type Scope, Stream } from "effect"
import { parentPort, Worker } from "node:worker_threads"
import { type ChaosOptions, type ChaosResult, runChaos } from "./chaosRun.ts"

/** A thread came to its end, which no run should bring about. */
export class PlayerError extends Data.TaggedError("PlayerError")<{ readonly message: string }> {}

/** What a player's thread does: plays what it is sent, and sends what came of it. */
export const serve = (): void => {
  parentPort?.on("message", (options: ChaosOptions) => parentPort?.postMessage(runChaos(options)))
}

const boot = (module: string) => `import(${JSON.stringify(module)}).then(({ serve }) => serve())`

const makePlayer = (module: string) =>
  Effect.acquireRelease(
    Effect.sync(() => new Worker(boot(module), { eval: true })),
    (worker) => Effect.promise(() => worker.terminate())
  )

const playOn = (worker: Worker, options: ChaosOptions) =>
  Effect.callback<ChaosResult, PlayerError>((resume) => {
    const forget = () => worker.off("message", done).off("error", fail).off("exit", fail)
    const done = (result: ChaosResult) => {
      forget()
      resume(Effect.succeed(result))
    }
    const fail = (cause: unknown) => {
      forget()
      resume(Effect.fail(new PlayerError({ message: `the player of seed ${options.seed} ended: ${String(cause)}` })))
    }
    worker.on("message", done).on("error", fail).on("exit", fail)
    worker.postMessage(options)
    return Effect.sync(forget)
  })

export interface Players {
  readonly play: (options: ChaosOptions) => Effect.Effect<ChaosResult, PlayerError>
  /** Plays all, as many at once as there are players; the results come in the order of what was asked. */
  readonly playAll: (all: Iterable<ChaosOptions>) => Stream.Stream<ChaosResult, PlayerError>
}

/** `module`: the URL of a module that exports `serve`. The threads end with the scope. */
export const makePlayers = Effect.fn("Players.make")(function*(
  { count, module }: { readonly count: number; readonly module: string }
): Effect.fn.Return<Players, never, Scope.Scope> {
  const idle = yield* Queue.unbounded<Worker>()
  for (let made = 0; made < count; made += 1) yield* Queue.offer(idle, yield* makePlayer(module))
  const play = (options: ChaosOptions) =>
    Effect.acquireUseRelease(
      Queue.take(idle),
      (worker) => playOn(worker, options),
      (worker) => Queue.offer(idle, worker)
    )
  return {
    play,
    // One by one: what is asked for may depend on how long the others took.
    playAll: (all) => Stream.fromIterable(all, { chunkSize: 1 }).pipe(Stream.mapEffect(play, { concurrency: count }))
  }
})
