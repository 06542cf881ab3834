/** The part of systemd that owns control groups: units made, changed and stopped over D-Bus. */
import { Context, type Effect, Schema } from "effect"
import { Failure } from "../../domain/failure.ts"
import type { UnitProperty } from "../../domain/resources/systemdProperties.ts"

export class SystemdError extends Schema.TaggedError<SystemdError>()("SystemdError", {
  op: Schema.String,
  unit: Schema.String,
  reason: Failure,
  /** The D-Bus error, such as `org.freedesktop.systemd1.NoSuchUnit`; empty when none was answered. */
  name: Schema.String,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `${this.op} ${this.unit}: ${this.detail}`
  }
}

export class Systemd extends Context.Service<Systemd, {
  /** Of systemd: 252. */
  readonly version: Effect.Effect<number, SystemdError>
  /** Makes a unit with these properties and waits until it is there. One that exists is a success, left as it is. */
  readonly startTransient: (
    unit: string,
    properties: ReadonlyArray<UnitProperty>
  ) => Effect.Effect<void, SystemdError>
  /** Until the next boot. Absent unit: `NotFound`. */
  readonly setProperties: (unit: string, properties: ReadonlyArray<UnitProperty>) => Effect.Effect<void, SystemdError>
  /** Waits until the unit and its group are gone; absence is a success. */
  readonly stop: (unit: string) => Effect.Effect<void, SystemdError>
}>()("kubeffect/layers/systemd/Systemd") {}
