/** Whole lives of random pods in the simulator: invariants on every step, and an end once deletion is asked for. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { Container } from "../../../src/domain/k8s/container.ts"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import { isTerminalPhase } from "../../../src/domain/pod/spec.ts"
import { container, podOf } from "./fixtures.ts"
import { deletion, type Outcomes, type Run, simulate } from "./simulator.ts"

const anyRun: fc.Arbitrary<Run> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ forMs: fc.integer({ min: 1, max: 20_000 }), exitCode: fc.constantFrom(0, 1, 42) })
  },
  {
    weight: 4,
    arbitrary: fc.record({ termMs: fc.integer({ min: 1, max: 3000 }), termExitCode: fc.constantFrom(0, 143) })
  },
  { weight: 1, arbitrary: fc.constant<Run>({ ignoresTerm: true, hookMs: 500 }) },
  { weight: 1, arbitrary: fc.constant<Run>({ startError: "no such file" }) },
  { weight: 1, arbitrary: fc.constant<Run>({ hookError: "exited with 1" }) },
  { weight: 1, arbitrary: fc.constant<Run>({ fails: { reason: "ErrImagePull", message: "x" } }) },
  { weight: 1, arbitrary: fc.constant<Run>({ fails: { reason: "CreateContainerConfigError", message: "x" } }) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 1, max: 9000 }).map((atMs): Run => ({
      probes: [{ atMs: 10, verdict: { startup: "success", readiness: "success" } }, {
        atMs,
        verdict: { startup: "success", liveness: "failure" }
      }]
    }))
  }
)

const shape = (name: string, init: boolean): fc.Arbitrary<Container> =>
  fc.record({ always: fc.boolean(), probed: fc.boolean(), hook: fc.boolean(), rule: fc.boolean() }).map((has) =>
    container(name, {
      ...(init && has.always ? { restartPolicy: "Always" } : {}),
      ...(has.probed ? { livenessProbe: {}, ...(init && !has.always ? {} : { readinessProbe: {} }) } : {}),
      ...(has.hook ? { lifecycle: { preStop: { exec: { command: ["true"] } } } } : {}),
      ...(has.rule && !init
        ? {
          restartPolicy: "Never",
          restartPolicyRules: [{ action: "RestartAllContainers", exitCodes: { operator: "In", values: [42] } }]
        }
        : {})
    })
  )

const scenario = fc.record({
  init: fc.integer({ min: 0, max: 3 }).chain((n) =>
    fc.tuple(...Array.from({ length: n }, (_, i) => shape(`i${i}`, true)))
  ),
  regular: fc.integer({ min: 1, max: 3 }).chain((n) =>
    fc.tuple(...Array.from({ length: n }, (_, i) => shape(`c${i}`, false)))
  ),
  policy: fc.constantFrom("Always", "OnFailure", "Never"),
  runs: fc.array(anyRun, { minLength: 1, maxLength: 12 }),
  deletedAtMs: fc.integer({ min: 1, max: 60_000 }),
  grace: fc.integer({ min: 0, max: 40 }),
  crashesAtMs: fc.array(fc.integer({ min: 1, max: 60_000 }), { maxLength: 3 })
})

type Scenario = typeof scenario extends fc.Arbitrary<infer A> ? A : never

const live = (
  { crashesAtMs, deletedAtMs, grace, init, policy, regular, runs }: Scenario
): { pod: Pod; outcomes: Outcomes } => {
  const pod = podOf({
    restartPolicy: policy,
    terminationGracePeriodSeconds: grace,
    initContainers: init,
    containers: regular
  })
  const indexOf = new Map([...init, ...regular].map(({ name }, index) => [name, index]))
  const outcomes = simulate({
    pod,
    runs: (name, run) => runs[((indexOf.get(name) ?? 0) * 5 + run) % runs.length] ?? {},
    changes: [deletion(deletedAtMs)],
    crashesAtMs,
    endMs: deletedAtMs + 600_000
  })
  return { pod, outcomes }
}

describe("whole lives", () => {
  it("end: everything is stopped and the phase is terminal, within the grace and the floor", () => {
    fc.assert(
      fc.property(scenario, (given) => {
        const { outcomes } = live(given)
        assert.strictEqual(outcomes.last.stage, "terminated")
        assert.isFalse(outcomes.containers.some(({ state }) => state === "Running"))
        assert.isFalse(outcomes.sandboxes.some(({ ready }) => ready))
        assert.isTrue(isTerminalPhase(outcomes.last.status.phase))
        const lastMs = outcomes.statuses.at(-1)?.atMs ?? 0
        // A new agent begins the grace anew; sidecars have the floor each; a start under way is given up at once.
        const ends = 1 + given.crashesAtMs.length
        assert.isAtMost(lastMs, Math.max(given.deletedAtMs, ...given.crashesAtMs) + (given.grace + 12) * 1000 * ends)
      }),
      { numRuns: 150 }
    )
  })

  it("keep the rules on the way", () => {
    fc.assert(
      fc.property(scenario, (given) => {
        const { outcomes, pod } = live(given)
        let terminal: string | undefined
        for (const { status } of outcomes.statuses) {
          if (terminal !== undefined) assert.strictEqual(status.phase, terminal)
          if (isTerminalPhase(status.phase)) terminal = status.phase
        }
        const starts = outcomes.actions.flatMap(({ action }) => action._tag === "StartContainer" ? [action] : [])
        for (const { name } of [...pod.spec.initContainers ?? [], ...pod.spec.containers]) {
          const counts = starts.filter((start) => start.name === name).map(({ restartCount }) => restartCount)
          // What a crash cut short may be tried again under its number.
          assert.deepStrictEqual(counts, [...counts].sort((a, b) => a - b), "restart counts never fall")
        }
        if (given.policy === "Never") {
          const once = pod.spec.containers.filter((c) => c.restartPolicyRules === undefined)
          for (const { name } of once) {
            const ran = new Set(starts.filter((start) => start.name === name).map(({ restartCount }) => restartCount))
            const restartedAll = outcomes.statuses.some(({ status }) =>
              status.conditions?.some(({ status, type }) => type === "AllContainersRestarting" && status === "True")
            )
            assert.isTrue(restartedAll || ran.size <= 1, `${name} ran ${ran.size} times`)
          }
        }
      }),
      { numRuns: 150 }
    )
  })

  it("C15: another agent takes over: nothing restarts, nothing flaps", () => {
    const outcomes = simulate({
      pod: podOf({
        initContainers: [container("i"), container("s", { restartPolicy: "Always", startupProbe: {} })],
        containers: [container("c", { readinessProbe: {} })]
      }),
      runs: (name) =>
        name === "i"
          ? { forMs: 100 }
          : { probes: [{ atMs: 500, verdict: { startup: "success", readiness: "success" } }] },
      crashesAtMs: [5000, 9000],
      endMs: 20_000
    })
    const started = outcomes.actions.flatMap(({ action }) => action._tag === "StartContainer" ? [action.name] : [])
    assert.deepStrictEqual(started, ["i", "s", "c"])
    assert.isTrue(outcomes.statuses.every(({ atMs }) => atMs < 5000))
  })

  it("D11: a container that crashes at once is started less and less often", () => {
    const outcomes = simulate({ pod: podOf(), runs: () => ({ forMs: 10, exitCode: 1 }), endMs: 3_600_000 })
    const starts = outcomes.actions.flatMap(({ action, atMs }) => action._tag === "StartContainer" ? [atMs] : [])
    const gaps = starts.slice(1).map((at, i) => Math.round((at - (starts[i] ?? 0)) / 1000))
    assert.deepStrictEqual(gaps.slice(0, 8), [0, 10, 20, 40, 80, 160, 300, 300])
    assert.isBelow(outcomes.statuses.length, 20 + 3 * starts.length)
  })

  it("N2: so is one whose image cannot be pulled", () => {
    const fails = { reason: "ErrImagePull", message: "x" }
    const outcomes = simulate({ pod: podOf(), runs: () => ({ fails }), endMs: 1_800_000 })
    const starts = outcomes.actions.flatMap(({ action, atMs }) => action._tag === "StartContainer" ? [atMs] : [])
    const gaps = starts.slice(1).map((at, i) => Math.round((at - (starts[i] ?? 0)) / 1000))
    assert.deepStrictEqual(gaps.slice(0, 7), [10, 20, 40, 80, 160, 300, 300])
  })

  it("D10: restart of all begins again in the same sandbox, and counts", () => {
    const rule = { action: "RestartAllContainers", exitCodes: { operator: "In", values: [42] } }
    const outcomes = simulate({
      pod: podOf({
        restartPolicy: "Never",
        initContainers: [container("i")],
        containers: [container("c", { restartPolicy: "Never", restartPolicyRules: [rule] }), container("d")]
      }),
      runs: (name, run) =>
        name === "i" ? { forMs: 100 } : name === "c" && run === 0 ? { forMs: 3000, exitCode: 42 } : {},
      endMs: 60_000
    })
    assert.strictEqual(outcomes.sandboxes.length, 1)
    const starts = outcomes.actions.flatMap(({ action }) =>
      action._tag === "StartContainer" ? [`${action.name} x${action.restartCount}`] : []
    )
    assert.deepStrictEqual(starts, ["i x0", "c x0", "d x0", "i x1", "c x1", "d x1"])
    const waiting = outcomes.statuses.flatMap(({ status }) =>
      (status.containerStatuses ?? []).flatMap(({ state }) => state?.waiting?.reason ?? [])
    )
    assert.include(waiting, "RestartingAllContainers")
    const flags = outcomes.statuses.map(({ status }) =>
      status.conditions?.find(({ type }) => type === "AllContainersRestarting")?.status
    )
    assert.include(flags, "True")
    assert.strictEqual(flags.at(-1), "False")
    assert.strictEqual(outcomes.last.status.phase, "Running")
  })

  it("D7: sidecars stop one by one after the others, all within one grace", () => {
    const sidecar = (name: string) =>
      container(name, { restartPolicy: "Always", lifecycle: { preStop: { exec: { command: ["true"] } } } })
    const outcomes = simulate({
      pod: podOf({ initContainers: [sidecar("s1"), sidecar("s2")], terminationGracePeriodSeconds: 20 }),
      runs: () => ({ termMs: 3000, hookMs: 1000 }),
      changes: [deletion(10_000)],
      endMs: 90_000
    })
    const kills = outcomes.actions.flatMap(({ action, atMs }) =>
      action._tag === "KillContainer"
        ? [`${atMs} ${action.name} ${action.preStopOnly === true ? "hook" : action.graceMs}`]
        : []
    )
    assert.deepStrictEqual(kills, [
      "10000 c 20000",
      "10000 s2 hook",
      "10000 s1 hook",
      "13000 s2 17000",
      "16000 s1 14000"
    ])
  })
})
