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

export const fileCall = <A>(
  op: string,
  path: string,
  call: (signal: AbortSignal) => Promise<A>,
  timeoutMs = deadlineMs
): Effect.Effect<A, HostFileError> =>
  Effect.tryPromise({
    try: call,
    catch: (cause) => {
      const code = codeOf(cause)
      const detail = cause instanceof Refusal || code === ""
        ? String((cause as Error).message ?? cause)
        : errnoText(code)
      return fileError(op, path, code, { detail, cause })
    }
  }).pipe(
    Effect.timeoutOrElse({
      duration: timeoutMs,
      orElse: () =>
        Effect.fail(
          new HostFileError({ op, path, reason: new Uncertain(), code: "", detail: `no answer within ${timeoutMs} ms` })
        )
    })
  )
