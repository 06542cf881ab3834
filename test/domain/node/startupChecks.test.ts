import { assert, describe, it } from "@effect/vitest"
import { type StartupFacts, startupProblems, type StartupRules } from "../../../src/domain/node/startupChecks.ts"

const good: StartupFacts = { uid: 0, swapDevices: [], cgroupMode: "v2" }
const strict: StartupRules = { failSwapOn: true, failCgroupV1: true, swapBehavior: "" }

describe("A19: what must hold before the agent begins", () => {
  it.each<{ facts?: Partial<StartupFacts>; rules?: Partial<StartupRules>; want: ReadonlyArray<RegExp>; why: string }>([
    { want: [], why: "an ordinary machine" },
    { facts: { uid: 1000 }, want: [/runs as uid 1000/], why: "mounting needs root" },
    { facts: { swapDevices: ["/dev/sda2"] }, want: [/swap is on \(\/dev\/sda2\)/], why: "swap breaks memory limits" },
    { facts: { swapDevices: ["/s"] }, rules: { failSwapOn: false }, want: [], why: "unless it is allowed" },
    { facts: { swapDevices: ["/s"] }, rules: { swapBehavior: "LimitedSwap" }, want: [], why: "or meant for pods" },
    { facts: { cgroupMode: "v1" }, want: [/cgroup v1/], why: "1.35 and later want v2" },
    { facts: { cgroupMode: "v1" }, rules: { failCgroupV1: false }, want: [], why: "unless v1 is allowed" },
    { facts: { uid: 1, cgroupMode: "v1" }, want: [/uid 1/, /cgroup v1/], why: "everything is said at once" }
  ])("$why", ({ facts, rules, want }) => {
    const problems = startupProblems({ ...good, ...facts }, { ...strict, ...rules })
    assert.strictEqual(problems.length, want.length)
    want.forEach((pattern, index) => assert.match(problems[index] ?? "", pattern))
  })
})
