/** systemd without one: units by name with their properties, and what a test wants to happen with their groups. */
import { Effect, Layer } from "effect"
import { NotFound } from "../../domain/failure.ts"
import type { UnitProperty } from "../../domain/resources/systemdProperties.ts"
import { Systemd, SystemdError } from "./Systemd.ts"

export interface SimSystemd {
  readonly version: number
  /** By name of unit, then of property. Slices that a slice lies in come and stay with it. */
  readonly units: Map<string, Map<string, UnitProperty["value"]>>
  /** What was called, in order: `StartTransientUnit a.slice`. */
  readonly calls: Array<string>
}

export const makeHandle = (version = 252): SimSystemd => ({ version, units: new Map(), calls: [] })

const set = (
  { units }: SimSystemd,
  unit: string,
  properties: ReadonlyArray<UnitProperty>
): void => {
  const values = units.get(unit) ?? new Map<string, UnitProperty["value"]>()
  for (const { name, value } of properties) values.set(name, value)
  units.set(unit, values)
}

export const layer = (handle: SimSystemd): Layer.Layer<Systemd> =>
  Layer.succeed(
    Systemd,
    Systemd.of({
      version: Effect.sync(() => handle.version),
      startTransient: (unit, properties) =>
        Effect.sync(() => {
          handle.calls.push(`StartTransientUnit ${unit}`)
          if (!handle.units.has(unit)) set(handle, unit, properties)
        }),
      setProperties: (unit, properties) =>
        Effect.suspend(() => {
          handle.calls.push(`SetUnitProperties ${unit}`)
          if (!handle.units.has(unit)) {
            const name = "org.freedesktop.systemd1.NoSuchUnit"
            return Effect.fail(
              new SystemdError({
                op: "SetUnitProperties",
                unit,
                reason: new NotFound(),
                name,
                detail: `${name}: Unit ${unit} not loaded.`
              })
            )
          }
          set(handle, unit, properties)
          return Effect.void
        }),
      stop: (unit) =>
        Effect.sync(() => {
          handle.calls.push(`StopUnit ${unit}`)
          handle.units.delete(unit)
        })
    })
  )
