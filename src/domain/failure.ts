/**
 * What a caller may do about a failed call to the outside. Every subsystem's error carries one of these as its
 * `reason`, so that programs decide by `Effect.catchReason` and never by the text of a message.
 */
import { Schema } from "effect"

/** The call had no effect and may succeed later: the peer is down, busy or not ready yet. */
export class Retryable extends Schema.TaggedClass<Retryable>()("Retryable", {
  /** How long the peer asked us to wait, in milliseconds. */
  retryAfterMs: Schema.optionalKey(Schema.Number)
}) {}

/** The call had no effect and never will: bad input, refused, unsupported. */
export class Permanent extends Schema.TaggedClass<Permanent>()("Permanent", {}) {}

/** The object of the call does not exist. */
export class NotFound extends Schema.TaggedClass<NotFound>()("NotFound", {}) {}

/** The call may or may not have happened: a deadline passed or the connection broke while it was under way. */
export class Uncertain extends Schema.TaggedClass<Uncertain>()("Uncertain", {}) {}

/** The reasons that every subsystem shares. */
export const Failure = Schema.Union([Retryable, Permanent, NotFound, Uncertain])
export type Failure = typeof Failure.Type
