/**
 * Tells systemd that the agent is ready and, where it asks, that it lives (parity A15). The notes go through
 * `systemd-notify`, which every machine with systemd has: they are datagrams, which Node cannot send on unix sockets.
 */
import { Effect, Option } from "effect"
import type { Notifications } from "../../domain/process/watchdog.ts"
import { Processes } from "../../layers/host/Processes.ts"
import { NodeReadModel } from "../../layers/streaming/NodeReadModel.ts"
import { rounds } from "../rounds.ts"
import { supervise } from "../supervise.ts"

const noteMs = 5000

const notify = Effect.fnUntraced(function*(note: string) {
  const processes = yield* Processes
  const { exitCode, stderr } = yield* processes.run({ command: "systemd-notify", args: [note], timeoutMs: noteMs })
  if (exitCode !== 0) return yield* Effect.fail({ message: `systemd-notify ended with ${exitCode}: ${stderr.trim()}` })
})

/** A sign of life is given only by an agent that is well: systemd restarts one that is not. */
const signOfLife = Effect.gen(function*() {
  const model = yield* NodeReadModel
  const sick = (yield* model.health).filter(({ problem }) => Option.isSome(problem))
  if (sick.length === 0) return yield* notify("WATCHDOG=1")
  yield* Effect.logWarning(`no sign of life for systemd while checks fail: ${sick.map(({ name }) => name).join(", ")}`)
})

/** Runs for ever. */
export const tellSystemd = Effect.fnUntraced(function*({ wanted, watchdogMs }: Notifications) {
  if (!wanted) return yield* Effect.never
  yield* Effect.catch(
    notify("READY=1"),
    ({ message }) => Effect.logWarning(`cannot tell systemd that the agent is ready: ${message}`)
  )
  if (watchdogMs === undefined) return yield* Effect.never
  const told = Effect.catch(
    signOfLife,
    ({ message }) => Effect.logWarning(`cannot give systemd a sign of life: ${message}`)
  )
  return yield* supervise("systemd watchdog", rounds(watchdogMs, told))
})
