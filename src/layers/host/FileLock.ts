/** A lock on a file that one process of the machine has at a time, as `flock(2)` gives it (parity A15). */
import { Context, type Effect, Schema, type Scope } from "effect"

export class FileLockError extends Schema.TaggedError<FileLockError>()("FileLockError", {
  path: Schema.String,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `lock ${this.path}: ${this.detail}`
  }
}

export interface HeldLock {
  /** Returns when somebody else waits for the lock; fails when it is lost. */
  readonly contended: Effect.Effect<void, FileLockError>
}

export class FileLock extends Context.Service<FileLock, {
  /** Waits for the lock and has it until the scope ends, or the process does, however it does. Makes the file. */
  readonly acquire: (path: string) => Effect.Effect<HeldLock, FileLockError, Scope.Scope>
}>()("kubeffect/layers/host/FileLock") {}
