/**
 * Which feature gates are on, from the settings of files and flags: an unknown name and a locked gate set against its
 * value are errors; setting a gate that is on its way out is worth a warning (parity A17).
 */
import { Result } from "effect"
import { type Gate, gates, type GateStage } from "./gateTable.ts"

export interface FeatureGates {
  /** A name that the release does not have is a bug of the caller, and off. */
  readonly enabled: (name: string) => boolean
  readonly all: ReadonlyMap<string, boolean>
  /** What to tell the operator about the settings. */
  readonly warnings: ReadonlyArray<string>
}

const byName = new Map<string, Gate>(gates.map((gate) => [gate.name, gate]))
const groups: ReadonlyMap<string, GateStage> = new Map([["AllAlpha", "alpha"], ["AllBeta", "beta"]])

/** The gates under these settings, or what is wrong with the settings. */
export const featureGates = (
  settings: Readonly<Record<string, boolean>>
): Result.Result<FeatureGates, ReadonlyArray<string>> => {
  const entries = Object.entries(settings).sort(([a], [b]) => a < b ? -1 : 1)
  const problems = entries.flatMap(([name, value]) => problemOf(name, value))
  if (problems.length > 0) return Result.fail(problems)

  const all = new Map(gates.map((gate) => [gate.name, gate.byDefault]))
  // The groups first: a gate of one's own wins over them.
  for (const [name, value] of entries) {
    const stage = groups.get(name)
    if (stage === undefined) continue
    for (const gate of gates) if (gate.stage === stage) all.set(gate.name, value)
  }
  for (const [name, value] of entries) if (byName.has(name)) all.set(name, value)

  return Result.succeed({
    enabled: (name) => all.get(name) ?? false,
    all,
    warnings: entries.flatMap(([name, value]) => warningOf(name, value))
  })
}

const problemOf = (name: string, value: boolean): ReadonlyArray<string> => {
  const gate = byName.get(name)
  if (gate === undefined) return groups.has(name) ? [] : [`unrecognized feature gate: ${name}`]
  return gate.locked && value !== gate.byDefault
    ? [`cannot set feature gate ${name} to ${value}, feature is locked to ${gate.byDefault}`]
    : []
}

const warningOf = (name: string, value: boolean): ReadonlyArray<string> => {
  const stage = byName.get(name)?.stage
  if (stage === "ga") return [`Setting GA feature gate ${name}=${value}. It will be removed in a future release.`]
  return stage === "deprecated"
    ? [`Setting deprecated feature gate ${name}=${value}. It will be removed in a future release.`]
    : []
}
