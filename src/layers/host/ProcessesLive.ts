/** Real programs, each in a process group of its own that dies with its scope. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { NotFound, Permanent, Retryable, Uncertain } from "../../domain/failure.ts"
import { ProcessError, Processes, type ProcessRequest } from "./Processes.ts"

const defaultOutputBytes = 1024 * 1024

/** The spawner's own errors: a missing program can never run, one that was killed did who knows what. */
const spawnError =
  (request: ProcessRequest) =>
  (cause: { readonly message: string; readonly reason?: { readonly _tag: string; readonly method?: string } }) =>
    new ProcessError({
      op: "run",
      target: request.command,
      reason: cause.reason?._tag === "NotFound"
        ? new NotFound()
        : cause.reason?._tag === "PermissionDenied"
        ? new Permanent()
        // It ran, and has no exit code: a signal ended it.
        : cause.reason?.method === "exitCode"
        ? new Uncertain()
        : new Retryable({}),
      detail: cause.message,
      cause
    })

const collect = <E>(output: Stream.Stream<Uint8Array, E>, request: ProcessRequest) => {
  const limit = request.maxOutputBytes ?? defaultOutputBytes
  return output.pipe(
    Stream.runFoldEffect(
      () => ({ parts: [] as Array<Uint8Array>, size: 0 }),
      (all, part) => {
        all.parts.push(part)
        all.size += part.byteLength
        return all.size <= limit ? Effect.succeed(all) : Effect.fail(
          new ProcessError({
            op: "run",
            target: request.command,
            reason: new Permanent(),
            detail: `more than ${limit} bytes of output`
          })
        )
      }
    ),
    Effect.map((all) => Buffer.concat(all.parts).toString("utf8"))
  )
}

const signalError = (op: string, pid: number, cause: unknown) => {
  const code = (cause as NodeJS.ErrnoException).code ?? ""
  return new ProcessError({
    op,
    target: String(pid),
    reason: code === "ESRCH" ? new NotFound() : new Permanent(),
    detail: code === "ESRCH" ? "no such process" : String(cause),
    cause
  })
}

const signal = (op: string, pid: number, value: NodeJS.Signals | 0) =>
  Effect.try({ try: () => void process.kill(pid, value), catch: (cause) => signalError(op, pid, cause) })

const make = Effect.gen(function*() {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner

  const run = Effect.fn("Processes.run")(function*(request: ProcessRequest) {
    const handle = yield* spawner.spawn(
      ChildProcess.make(request.command, request.args, {
        ...(request.env === undefined ? {} : { env: request.env, extendEnv: false }),
        ...(request.cwd === undefined ? {} : { cwd: request.cwd }),
        stdin: {
          stream: request.stdin === undefined
            ? "ignore"
            : Stream.make(typeof request.stdin === "string" ? Buffer.from(request.stdin) : request.stdin)
        },
        killSignal: "SIGKILL"
      })
    )
    const [stdout, stderr, exitCode] = yield* Effect.all(
      [collect(handle.stdout, request), collect(handle.stderr, request), handle.exitCode],
      { concurrency: "unbounded" }
    )
    return { exitCode: Number(exitCode), stdout, stderr }
  })

  return Processes.of({
    run: (request) =>
      run(request).pipe(
        Effect.scoped,
        Effect.mapError((error) => (error instanceof ProcessError ? error : spawnError(request)(error))),
        Effect.timeoutOrElse({
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
      ),
    kill: (pid, name) => signal("kill", pid, name),
    exists: (pid) =>
      signal("exists", pid, 0).pipe(
        Effect.as(true),
        Effect.catchReason("ProcessError", "NotFound", () => Effect.succeed(false))
      )
  })
})

export const layer: Layer.Layer<Processes> = Layer.effect(Processes, make).pipe(Layer.provide(NodeServices.layer))
