/** Draws the faults of a run: the seed decides how many, which, where and when. */
import { between, makeDice, pick } from "./dice.ts"
import type { Fault } from "./fault.ts"
import { callClasses, chosenKinds } from "./faultClasses.ts"

export interface DrawOptions {
  readonly seed: string
  /** Families or names of kinds. */
  readonly kinds: ReadonlyArray<string>
  readonly nodes: ReadonlyArray<string>
  /** All faults are over by then. */
  readonly untilMs: number
  readonly faultsMax: number
}

export const drawFaults = (options: DrawOptions): ReadonlyArray<Fault> => {
  const { faultsMax, nodes, seed, untilMs } = options
  const dice = makeDice(`${seed}/faults`)
  const chosen = chosenKinds(options.kinds)
  const names = [...chosen.calls, ...chosen.blows]
  if (names.length === 0 || nodes.length === 0) return []
  return Array.from({ length: between(dice, 1, faultsMax) }, (_, index): Fault => {
    const which = between(dice, 0, names.length - 1)
    const node = nodes[between(dice, 0, nodes.length - 1)] ?? ""
    const fromMs = between(dice, 0, Math.floor(untilMs * 0.8))
    const lastsMs = between(dice, 500, Math.max(500, Math.floor((untilMs - fromMs) * 0.8)))
    const blow = chosen.blows[which - chosen.calls.length]
    if (blow !== undefined) return { _tag: "Blow", name: blow, node, atMs: fromMs, forMs: Math.min(lastsMs, 20_000) }
    const name = chosen.calls[which] ?? ""
    const { probability: [min, max] = [0, 0], targets = [""] as const } = callClasses[name] ?? {}
    const target = pick(dice, targets)
    return {
      _tag: "Calls",
      name,
      node,
      fromMs,
      untilMs: fromMs + lastsMs,
      probability: Math.round((min + dice() * (max - min)) * 100) / 100,
      ...(target === "" ? {} : { target }),
      seed: `${seed}/${index}`
    }
  })
}
