/** The text of a file that others replace while the agent runs: credentials, certificates, authorities. */
import { Clock, Effect, type FileSystem, type PlatformError } from "effect"

/** Reading a file for every request would cost more than the request's own bookkeeping. */
const recheckMs = 1_000

interface Seen {
  readonly text: string
  readonly checkedAt: number
}

export interface FreshFile {
  /** The file's text, at most a second old. A file that vanished after it was read keeps its last text. */
  readonly text: Effect.Effect<string, PlatformError.PlatformError>
  /** Makes the next use look at the file at once. */
  readonly recheck: Effect.Effect<void>
}

/** The content of `path`, read when asked for and then at most once a second. */
export const make = (fs: FileSystem.FileSystem, path: string): FreshFile => {
  let seen: Seen | undefined
  const read = Effect.fnUntraced(function*(now: number) {
    const text = yield* fs.readFileString(path)
    seen = { text, checkedAt: now }
    return text
  })
  return {
    text: Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const last = seen
      if (last === undefined) return read(now)
      if (now - last.checkedAt < recheckMs) return Effect.succeed(last.text)
      return read(now).pipe(
        Effect.catch((error) =>
          Effect.as(Effect.logWarning(`${path} cannot be read again, its last content stays in use`, error), last.text)
        )
      )
    }),
    recheck: Effect.sync(() => {
      if (seen !== undefined) seen = { ...seen, checkedAt: Number.NEGATIVE_INFINITY }
    })
  }
}
