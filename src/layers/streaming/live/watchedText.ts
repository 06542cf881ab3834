/** Files whose content is in use while they may be replaced: certificates, keys, CA bundles. */
import { Effect, Schedule, type Scope, Stream, SubscriptionRef } from "effect"
import { dirname } from "node:path"
import type { HostFileError, HostFiles } from "../../host/HostFiles.ts"

export interface Watched<A> {
  readonly current: Effect.Effect<A>
  /** What comes after the current value. */
  readonly changes: Stream.Stream<A>
}

// Finds what file events do not tell of: links to elsewhere, directories that were replaced.
const safetyNet = "1 minute"
// A pair of files is written one after the other.
const settle = "100 millis"

/**
 * Reads the files now, and again whenever they change, as long as the scope. `use` makes a value of their texts or says
 * why it cannot: at first that fails, later the value before stays.
 */
export const watchTexts = Effect.fnUntraced(function*<A, E extends { readonly message: string }>(
  files: HostFiles["Service"],
  paths: ReadonlyArray<string>,
  use: (texts: ReadonlyArray<string>) => Effect.Effect<A, E>
): Effect.fn.Return<Watched<A>, E | HostFileError, Scope.Scope> {
  const readAll = Effect.forEach(paths, (path) => files.readText(path))
  let texts = yield* readAll
  const ref = yield* SubscriptionRef.make(yield* use(texts))
  const look = Effect.gen(function*() {
    const now = yield* readAll
    if (now.every((text, index) => text === texts[index])) {
      return
    }
    const value = yield* use(now)
    texts = now
    yield* SubscriptionRef.set(ref, value)
    yield* Effect.logInfo(`Now using ${paths.join(", ")} as changed`)
  }).pipe(
    Effect.catch((error) => Effect.logWarning(`Still using ${paths.join(", ")} as before: ${error.message}`))
  )
  const hints = Stream.mergeAll(
    [...new Set(paths.map((path) => dirname(path)))].map((directory) =>
      files.watch(directory).pipe(Stream.retry(Schedule.spaced(safetyNet)))
    ),
    { concurrency: "unbounded" }
  )
  yield* hints.pipe(
    Stream.merge(Stream.tick(safetyNet)),
    Stream.debounce(settle),
    Stream.runForEach(() => look),
    Effect.forkScoped
  )
  return { current: SubscriptionRef.get(ref), changes: Stream.drop(SubscriptionRef.changes(ref), 1) }
})
