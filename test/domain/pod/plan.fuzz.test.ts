/**
 * Properties of `plan` on random pods and random runtime states: it never throws, always says what to do next or when to
 * look again, and never starts a container before its predecessors.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { Container } from "../../../src/domain/k8s/container.ts"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import type {
  KillReason,
  ObservedContainer,
  ObservedSandbox,
  PodMemory,
  PodView,
  ProbeVerdict,
  StartFailure
} from "../../../src/domain/pod/model.ts"
import { plan } from "../../../src/domain/pod/plan.ts"
import { isSidecar, isTerminalPhase } from "../../../src/domain/pod/spec.ts"
import { memory, podOf, record, sandbox, t0, viewOf } from "./fixtures.ts"

const policy = fc.constantFrom("Always", "OnFailure", "Never")
const maybe = <A>(arbitrary: fc.Arbitrary<A>) => fc.option(arbitrary, { nil: undefined })

type Defined<A> = { [K in keyof A]: Exclude<A[K], undefined> }
/** Without the fields that are undefined, which the API knows as absent. */
const defined = <A extends object>(value: A): Partial<Defined<A>> =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Partial<Defined<A>>

const rules = fc.array(
  fc.record({
    action: fc.constantFrom("Restart", "RestartAllContainers"),
    exitCodes: fc.record({
      operator: fc.constantFrom("In", "NotIn"),
      values: fc.array(fc.constantFrom(0, 1, 42), { maxLength: 2 })
    })
  }),
  { maxLength: 2 }
)

const anyContainer = (name: string, init: boolean): fc.Arbitrary<Container> =>
  fc.record({
    startupProbe: maybe(fc.constant({ periodSeconds: 1 })),
    livenessProbe: maybe(fc.constant({ terminationGracePeriodSeconds: 5 })),
    readinessProbe: maybe(fc.constant({})),
    lifecycle: maybe(fc.constant({ preStop: { exec: { command: ["true"] } } })),
    restartPolicy: maybe(init ? fc.constant("Always") : policy),
    restartPolicyRules: maybe(rules)
  }).map((fields) => ({ name, image: "busybox:1", ...defined(fields) }))

const names = { init: ["i0", "i1", "i2"], regular: ["c0", "c1"], ephemeral: ["e0"] }
const some = (list: ReadonlyArray<string>, min: number, init: boolean) =>
  fc.integer({ min, max: list.length }).chain((count) =>
    fc.tuple(...list.slice(0, count).map((name) => anyContainer(name, init)))
  )

const anyPod: fc.Arbitrary<Pod> = fc.record({
  initContainers: some(names.init, 0, true),
  containers: some(names.regular, 1, false),
  ephemeralContainers: fc.boolean().map((has) => has ? [{ name: "e0", image: "busybox:1" }] : []),
  restartPolicy: policy,
  hostNetwork: fc.boolean(),
  activeDeadlineSeconds: maybe(fc.integer({ min: 1, max: 100 })),
  terminationGracePeriodSeconds: maybe(fc.integer({ min: 0, max: 60 })),
  deleted: fc.boolean(),
  deletionGrace: fc.integer({ min: 0, max: 60 }),
  phase: maybe(fc.constantFrom("Pending", "Running", "Succeeded", "Failed"))
}).map(({ deleted, deletionGrace, phase, ...spec }) =>
  podOf(defined(spec), {
    ...(deleted
      ? {
        meta: { deletionTimestamp: "2026-11-01T00:00:00Z", deletionGracePeriodSeconds: deletionGrace }
      }
      : {}),
    ...(phase === undefined ? {} : { status: { phase } })
  })
)

const allNames = [...names.init, ...names.regular, ...names.ephemeral]
const time = fc.integer({ min: 0, max: 700_000 }).map((ms) => t0 + ms)

const anyRecord: fc.Arbitrary<ObservedContainer> = fc.record({
  name: fc.constantFrom(...allNames, "stranger"),
  restartCount: fc.integer({ min: 0, max: 9 }),
  state: fc.constantFrom("Created", "Running", "Exited", "Unknown"),
  sandboxId: fc.constantFrom("s0", "s1", "s2"),
  exitCode: fc.constantFrom(0, 1, 42, 137),
  createdAtMs: time,
  startedAtMs: time,
  finishedAtMs: fc.oneof(time, fc.constant(0)),
  otherHash: fc.boolean()
}).map(({ name, otherHash, ...fields }) =>
  record(name, {
    ...fields,
    id: `${name}-${fields.sandboxId}-${fields.restartCount}-${fields.createdAtMs}`,
    ...(otherHash ? { hash: "0" } : {})
  })
)

const anySandboxes: fc.Arbitrary<ReadonlyArray<ObservedSandbox>> = fc.uniqueArray(
  fc.record({
    attempt: fc.integer({ min: 0, max: 2 }),
    ready: fc.boolean(),
    ips: fc.constantFrom<ReadonlyArray<string>>([], ["10.0.0.7"], ["fd00::7", "10.0.0.7"]),
    hostNetwork: fc.boolean()
  }),
  { selector: ({ attempt }) => attempt, maxLength: 3 }
).map((list) =>
  list.sort((a, b) => b.attempt - a.attempt).map((fields) =>
    sandbox({ ...fields, id: `s${fields.attempt}`, createdAtMs: t0 + fields.attempt })
  )
)

const failure: fc.Arbitrary<StartFailure> = fc.record({
  reason: fc.constantFrom(
    "ErrImagePull",
    "ImagePullBackOff",
    "CreateContainerConfigError",
    "RunContainerError",
    "CrashLoopBackOff",
    "PostStartHookError"
  ),
  message: fc.constant("x"),
  atMs: time,
  tries: fc.integer({ min: 0, max: 40 })
})
const byName = <A>(value: fc.Arbitrary<A>) => fc.dictionary(fc.constantFrom(...allNames), value, { maxKeys: 3 })

const anyMemory: fc.Arbitrary<PodMemory> = fc.record({
  startFailures: byName(failure),
  sandboxFailure: maybe(failure),
  restartBackoff: byName(fc.record({ delayMs: fc.constantFrom(0, 10_000, 300_000), lastMs: time })),
  sandboxBusy: fc.boolean(),
  start: maybe(fc.constantFrom(...allNames)),
  termination: maybe(fc.constantFrom<PodMemory["termination"]>(
    { why: "Deleted" },
    { why: "Finished" },
    {
      why: "Evicted",
      gracePeriodSeconds: 0,
      status: { phase: "Failed", reason: "Evicted", message: "m" },
      condition: { type: "DisruptionTarget", reason: "TerminationByKubelet", message: "m" }
    }
  )),
  restartingAll: fc.boolean(),
  owed: byName(fc.record({ id: fc.string(), why: fc.constant("Restart" as const) })),
  triedImages: byName(fc.constantFrom("busybox:1", "busybox:2"))
}).map(({ restartingAll, sandboxBusy, start, ...fields }) =>
  memory({
    ...fields,
    ...(restartingAll ? { restartingAll } : {}),
    busy: { sandbox: sandboxBusy, start, kills: {} }
  })
)

const anyView: fc.Arbitrary<PodView> = fc.record({
  pod: anyPod,
  containers: fc.uniqueArray(anyRecord, { selector: ({ id }) => id, maxLength: 8 }),
  sandboxes: anySandboxes,
  memory: anyMemory,
  verdict: fc.record({
    startup: maybe(fc.constantFrom("success", "failure")),
    readiness: maybe(fc.constantFrom("success", "failure")),
    liveness: maybe(fc.constantFrom("success", "failure"))
  }),
  killing: fc.boolean(),
  volumes: fc.boolean(),
  network: fc.boolean(),
  source: fc.constantFrom("api", "file"),
  nowMs: time
}).map(({ containers, killing, memory, network, nowMs, pod, sandboxes, source, verdict, volumes }) => {
  const sorted = [...containers].sort((a, b) => b.createdAtMs - a.createdAtMs)
  const [first] = sorted
  const kills: Record<string, KillReason> = killing && first !== undefined ? { [first.id]: "PodTerminating" } : {}
  const base = viewOf(pod)
  return {
    ...base,
    source,
    nowMs,
    observed: { sandboxes, containers: sorted },
    memory: { ...memory, busy: { ...memory.busy, kills } },
    probes: Object.fromEntries(sorted.map(({ id }) => [id, defined(verdict) satisfies ProbeVerdict])),
    volumes: { ready: volumes, message: volumes ? "" : "not mounted" },
    node: { ...base.node, networkReady: network, networkMessage: "no CNI" }
  }
})

const runs = 300

describe("plan on random pods and runtime states", () => {
  it("never throws, and is the same for the same view", () => {
    fc.assert(fc.property(anyView, (view) => assert.deepStrictEqual(plan(view), plan(view))), { numRuns: runs })
  })

  it("says what to do next, or when to look again, or what it waits for", () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const next = plan(view)
        const { busy } = view.memory
        const waits = busy.sandbox || busy.start !== undefined || Object.keys(busy.kills).length > 0
        const outside = !view.volumes.ready
        // A pod that runs as it should has nothing to do but to be told of changes.
        const settled = next.stage === "syncing" && view.observed.containers.some(({ state }) => state === "Running")
        const idle = next.actions.length === 0 && next.wakeAtMs === undefined
        assert.isTrue(!idle || waits || outside || settled || next.stage === "terminated", JSON.stringify(next))
      }),
      { numRuns: runs }
    )
  })

  it("never asks to be woken in the past", () => {
    fc.assert(fc.property(anyView, (view) => (plan(view).wakeAtMs ?? Infinity) > view.nowMs), { numRuns: runs })
  })

  it("never gives a lane that is busy another action, and no lane two", () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const { actions } = plan(view)
        const { busy } = view.memory
        const sandboxes = actions.filter(({ _tag }) => _tag === "RunSandbox" || _tag === "StopSandbox")
        const starts = actions.filter(({ _tag }) => _tag === "StartContainer")
        assert.isAtMost(sandboxes.length, busy.sandbox ? 0 : 1)
        assert.isAtMost(starts.length, busy.start === undefined ? 1 : 0)
        const kills = actions.flatMap((action) => action._tag === "KillContainer" ? [action.id] : [])
        assert.strictEqual(new Set(kills).size, kills.length)
        assert.isFalse(kills.some((id) => busy.kills[id] !== undefined))
      }),
      { numRuns: runs }
    )
  })

  it("D12: kill grace is at least two seconds", () => {
    fc.assert(
      fc.property(
        anyView,
        (view) => plan(view).actions.every((action) => action._tag !== "KillContainer" || action.graceMs >= 2000)
      ),
      { numRuns: runs }
    )
  })

  it("D6, D7: nothing starts before its predecessors, nor without sandbox and volumes", () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const { spec } = view.pod
        for (const action of plan(view).actions) {
          if (action._tag !== "StartContainer") continue
          assert.isTrue(view.volumes.ready)
          const home = view.observed.sandboxes.find(({ id }) => id === action.sandboxId)
          assert.isTrue(home?.ready)
          if (action.kind === "ephemeral") continue
          const inSandbox = (name: string) =>
            view.observed.containers.find((c) => c.name === name && c.sandboxId === action.sandboxId)
          const init = spec.initContainers ?? []
          const index = init.findIndex(({ name }) => name === action.name)
          const before = index === -1 ? init : init.slice(0, index)
          const after = index === -1 ? spec.containers : [...init.slice(index + 1), ...spec.containers]
          // Whoever came after has run here: then the order was kept when it was its turn.
          if (after.some(({ name }) => inSandbox(name) !== undefined)) continue
          if (index === -1 && spec.containers.some(({ name }) => inSandbox(name) !== undefined)) continue
          const last = before.findLastIndex(({ name }) => inSandbox(name) !== undefined)
          assert.strictEqual(last, before.length - 1, `${action.name} before its predecessors`)
          const previous = before[last]
          if (previous === undefined) continue
          const seen = inSandbox(previous.name)
          if (isSidecar(previous)) assert.strictEqual(seen?.state, "Running")
          else assert.deepInclude(seen, { state: "Exited", exitCode: 0 })
        }
      }),
      { numRuns: runs }
    )
  })

  it("never starts what runs, or what an end is decided for", () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const next = plan(view)
        for (const action of next.actions) {
          if (action._tag !== "StartContainer") continue
          assert.strictEqual(next.stage, "syncing")
          const newest = view.observed.containers.find(({ name }) => name === action.name)
          assert.notStrictEqual(newest?.state, "Running")
        }
        if (next.stage === "syncing") return
        assert.isDefined(next.memory.termination)
        assert.isFalse(next.actions.some(({ _tag }) => _tag === "RunSandbox"))
      }),
      { numRuns: runs }
    )
  })

  it("F8: a terminal phase stays, and does not come before all has stopped", () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const next = plan(view)
        const before = view.pod.status?.phase
        if (isTerminalPhase(before)) assert.strictEqual(next.status.phase, before)
        else if (isTerminalPhase(next.status.phase)) {
          assert.strictEqual(next.stage, "terminated")
          assert.isFalse(view.observed.sandboxes.some(({ ready }) => ready))
          assert.isFalse(view.observed.containers.some(({ state }) => state === "Running"))
        }
      }),
      { numRuns: runs }
    )
  })

  it("C10: an end is never taken back", () => {
    fc.assert(
      fc.property(anyView, anyView, (first, second) => {
        const ended = plan(first)
        if (ended.stage === "syncing") return
        const later = plan({ ...second, pod: first.pod, memory: ended.memory })
        assert.notStrictEqual(later.stage, "syncing")
        assert.strictEqual(later.memory.termination?.why, ended.memory.termination?.why)
      }),
      { numRuns: runs }
    )
  })

  it("F8: over any history of container states the phase never leaves a terminal one", () => {
    fc.assert(
      fc.property(anyPod, fc.array(anyView, { minLength: 2, maxLength: 6 }), (pod, views) => {
        let mem = views[0]?.memory ?? memory()
        let terminal: string | undefined
        for (const view of views) {
          const next = plan({ ...view, pod, memory: mem })
          mem = next.memory
          if (terminal !== undefined) assert.strictEqual(next.status.phase, terminal)
          if (isTerminalPhase(next.status.phase)) terminal = next.status.phase
        }
      }),
      { numRuns: 200 }
    )
  })

  it("repeats the very status object when nothing changed", () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const first = plan(view)
        const again = plan({ ...view, memory: { ...view.memory, lastStatus: first.status } })
        const third = plan({ ...view, memory: { ...view.memory, lastStatus: again.status } })
        assert.strictEqual(third.status, again.status)
      }),
      { numRuns: runs }
    )
  })
})
