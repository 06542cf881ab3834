/** A client of a command in a container, whichever protocol it came by: what it types, and what it is shown. */
import type { Effect, Option } from "effect"

export interface StreamsWanted {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

export interface ShellSession {
  /** What the client sends next; none once it has ended its input, or has none. */
  readonly stdin: Effect.Effect<Option.Option<Uint8Array>>
  /** To a client that does not want it, or has left, nothing is sent. */
  readonly stdout: (bytes: Uint8Array) => Effect.Effect<void>
  readonly stderr: (bytes: Uint8Array) => Effect.Effect<void>
  /** How it ended, as a `Status` in JSON. Nothing follows. */
  readonly finish: (status: string) => Effect.Effect<void>
}
