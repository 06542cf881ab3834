/** What faults make of a call: the first that strikes decides. */
import { type Dice, makeDice } from "./dice.ts"
import { aimsAt, type Fault, type OutsideCall, pass, type Verdict } from "./fault.ts"
import { callClasses } from "./faultClasses.ts"

export interface Struck {
  readonly verdict: Verdict
  /** The kind of fault; absent when the call passes. */
  readonly fault?: string
}

const passes: Struck = { verdict: pass }

/** A judge of one node's calls. Its dice are its own; it remembers only how often they were thrown. */
export const makeJudge = (faults: ReadonlyArray<Fault>, node: string) => {
  const rules = faults.flatMap((fault) => {
    const kind = fault._tag === "Calls" && fault.node === node ? callClasses[fault.name] : undefined
    if (fault._tag !== "Calls" || kind === undefined) return []
    const dice: Dice = makeDice(fault.seed)
    return [{ fault, kind, dice }]
  })
  return (call: OutsideCall, nowMs: number): Struck => {
    for (const { dice, fault, kind } of rules) {
      if (kind.service !== call.service || nowMs < fault.fromMs || nowMs >= fault.untilMs) continue
      if (fault.target !== undefined && !aimsAt(fault.target, call.target)) continue
      if (!kind.methods.test(call.method) || dice() >= fault.probability) continue
      return { verdict: kind.verdict(dice), fault: fault.name }
    }
    return passes
  }
}
