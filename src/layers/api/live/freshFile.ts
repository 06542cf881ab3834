/** The text of a file that others replace while the agent runs: credentials, certificates, authorities. */
import { Effect, type FileSystem, type PlatformError } from "effect"

export interface FreshFile {
  /**
   * The file's text as of the look `generation`: read once per look, so that a certificate and its key, or two users of
   * one file, see it at the same moment. A file that vanished after it was read keeps its last text.
   */
  readonly text: (generation: number) => Effect.Effect<string, PlatformError.PlatformError>
}

export const make = (fs: FileSystem.FileSystem, path: string): FreshFile => {
  let seen: { readonly text: string; readonly generation: number } | undefined
  const read = Effect.fnUntraced(function*(generation: number) {
    const text = yield* fs.readFileString(path)
    seen = { text, generation }
    return text
  })
  return {
    text: (generation) =>
      Effect.suspend(() => {
        const last = seen
        if (last === undefined) return read(generation)
        if (last.generation === generation) return Effect.succeed(last.text)
        return read(generation).pipe(Effect.catch((error) =>
          Effect.as(Effect.logWarning(`${path} cannot be read again, its last content stays in use`, error), last.text)
        ))
      })
  }
}
