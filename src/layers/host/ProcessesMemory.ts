/** Programs that a test plays: a function per command. One that is not named is not installed. */
import { Effect, Layer } from "effect"
import { NotFound, Uncertain } from "../../domain/failure.ts"
import { ProcessError, Processes, type ProcessRequest, type ProcessResult } from "./Processes.ts"

export interface MemoryProcesses {
  /** By command, as it is called. */
  readonly programs: Map<string, (request: ProcessRequest) => Effect.Effect<ProcessResult, ProcessError>>
  /** Process ids that are alive. */
  readonly alive: Set<number>
}

export const makeHandle = (): MemoryProcesses => ({ programs: new Map(), alive: new Set() })

const missing = (op: string, target: string, detail: string) =>
  new ProcessError({ op, target, reason: new NotFound(), detail })

export const layer = (handle: MemoryProcesses = makeHandle()): Layer.Layer<Processes> =>
  Layer.succeed(
    Processes,
    Processes.of({
      run: (request) => {
        const program = handle.programs.get(request.command)
        if (program === undefined) {
          return Effect.fail(missing("run", request.command, `no program ${request.command} on this host`))
        }
        return Effect.timeoutOrElse(program(request), {
          duration: request.timeoutMs,
          orElse: () =>
            Effect.fail(
              new ProcessError({
                op: "run",
                target: request.command,
                reason: new Uncertain(),
                detail: `killed after ${request.timeoutMs} ms`
              })
            )
        })
      },
      kill: (pid, signal) =>
        Effect.suspend(() => {
          if (!handle.alive.has(pid)) return Effect.fail(missing("kill", String(pid), "no such process"))
          if (signal === "SIGKILL" || signal === "SIGTERM") handle.alive.delete(pid)
          return Effect.void
        }),
      exists: (pid) => Effect.sync(() => handle.alive.has(pid))
    })
  )
