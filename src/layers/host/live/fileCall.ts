/** Runs one call of `node:fs` as an Effect: with a deadline, and its errno turned into a `HostFileError`. */
import { Effect } from "effect"
import { Uncertain } from "../../../domain/failure.ts"
import { errnoText, fileError } from "../errno.ts"
import { HostFileError } from "../HostFiles.ts"

/** A hung network file system must not hold its caller for ever; a local disk under load stays far below. */
const deadlineMs = 30_000

/** Thrown inside a call to fail with an errno of our own choosing. */
export class Refusal extends Error {
  readonly code: string
  constructor(code: string, detail?: string) {
    super(detail ?? errnoText(code))
    this.code = code
  }
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : ""

const toError = (op: string, path: string, cause: unknown): HostFileError => {
  const code = codeOf(cause)
  const text = cause instanceof Error ? cause.message : String(cause)
  return fileError(op, path, code, {
    detail: cause instanceof Refusal || code === "" ? text : errnoText(code),
    cause
  })
}

const tooLate = (op: string, path: string, timeoutMs: number): HostFileError =>
  new HostFileError({ op, path, reason: new Uncertain(), code: "", detail: `no answer within ${timeoutMs} ms` })

/** A plain timer, not `Effect.timeout`: there are thousands of these calls, and two fibers each would cost more than they. */
export const fileCall = <A>(
  op: string,
  path: string,
  call: (signal: AbortSignal) => Promise<A>,
  timeoutMs = deadlineMs
): Effect.Effect<A, HostFileError> =>
  Effect.callback<A, HostFileError>((resume) => {
    const controller = new AbortController()
    const timer = setTimeout(() => {
      controller.abort()
      resume(Effect.fail(tooLate(op, path, timeoutMs)))
    }, timeoutMs)
    call(controller.signal).then(
      (value) => {
        clearTimeout(timer)
        resume(Effect.succeed(value))
      },
      (cause: unknown) => {
        clearTimeout(timer)
        resume(Effect.fail(toError(op, path, cause)))
      }
    )
    return Effect.sync(() => {
      clearTimeout(timer)
      controller.abort()
    })
  })
