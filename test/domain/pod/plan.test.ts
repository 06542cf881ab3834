/** What `plan` does in each situation that has a reason of its own. Every reason of an action has a row. */
import { assert, describe, it } from "@effect/vitest"
import type { Action, PodMemory, PodView } from "../../../src/domain/pod/model.ts"
import { plan } from "../../../src/domain/pod/plan.ts"
import { container, exited, memory, observed, podOf, record, sandbox, t0, viewOf } from "./fixtures.ts"

const text = (action: Action): string => {
  switch (action._tag) {
    case "RunSandbox":
      return `run sandbox ${action.attempt} ${action.why}`
    case "StopSandbox":
      return `stop sandbox ${action.id} ${action.why}`
    case "StartContainer":
      return `start ${action.name} x${action.restartCount} ${action.why}`
    case "ResizePod":
      return `resize ${action.containers.map(({ id }) => id).join(" ")}`.trimEnd()
    case "CancelStart":
      return `cancel ${action.name}`
    case "KillContainer":
      return `${action.preStopOnly === true ? "hook" : "kill"} ${action.id} ${action.graceMs} ${action.why}` +
        (action.message === "" ? "" : ` "${action.message}"`) + (action.runPreStop ? " with hook" : "")
    case "RemoveContainer":
      return `remove ${action.id}`
  }
}

const later = (ms: number) => ({ nowMs: t0 + ms })
const busy = (fields: Partial<PodMemory["busy"]>): Partial<PodMemory> => ({
  busy: { sandbox: false, start: undefined, kills: {}, ...fields }
})
const sized = (cpu: string, policy = "NotRequired") =>
  container("c", {
    resources: { requests: { cpu } },
    resizePolicy: [{ resourceName: "cpu", restartPolicy: policy }]
  })
/** Allotted two CPUs, and has one until that is carried out. */
const resizing = (policy?: string, fields: Partial<PodView> = {}) =>
  viewOf(podOf({ containers: [sized("2", policy)] }), {
    observed: observed([record("c")]),
    resize: { inForce: { containers: { c: { requests: { cpu: "1" } } } }, generation: 1 },
    ...fields
  })
const notYet = { message: "no", atMs: t0 + 500, tries: 1, generation: 1 }
const side = container("side", { restartPolicy: "Always" })
const init = container("i")
const restartAll = { action: "RestartAllContainers", exitCodes: { operator: "In", values: [42] } }
const never = { restartPolicy: "Never" }
const deleted = { meta: { deletionTimestamp: "2026-11-01T00:00:00Z", deletionGracePeriodSeconds: 5 } }
const dead = sandbox({ ready: false })
const hook = { lifecycle: { preStop: { exec: { command: ["true"] } } } }

interface Row {
  readonly id: string
  readonly view: PodView
  readonly want: ReadonlyArray<string>
  readonly stage?: string
  readonly wakeInMs?: number
  readonly why: string
}

const rows: ReadonlyArray<Row> = [
  {
    id: "C12",
    view: viewOf(podOf(), { observed: observed([], []) }),
    want: ["run sandbox 0 FirstStart"],
    why: "a new pod gets its sandbox"
  },
  {
    id: "C12",
    view: viewOf(podOf(), { observed: observed([], []), volumes: { ready: false, message: "v" } }),
    want: [],
    why: "volumes come before the sandbox"
  },
  {
    id: "C12",
    view: viewOf(podOf(), {
      observed: observed([], []),
      node: { ...viewOf(podOf()).node, networkReady: false, networkMessage: "no CNI" }
    }),
    want: [],
    wakeInMs: 1000,
    why: "the network comes before the sandbox, and is asked for every second"
  },
  {
    id: "C12",
    view: viewOf(podOf({ hostNetwork: true }), {
      observed: observed([], []),
      node: { ...viewOf(podOf()).node, networkReady: false, networkMessage: "no CNI" }
    }),
    want: ["run sandbox 0 FirstStart"],
    why: "host network needs no network"
  },
  {
    id: "D2",
    view: viewOf(podOf(), {
      observed: observed([], []),
      memory: memory({ sandboxFailure: { reason: "x", message: "", atMs: t0, tries: 3 } })
    }),
    want: [],
    wakeInMs: 3000,
    why: "a sandbox that failed is tried again after a pause"
  },
  { id: "D5", view: viewOf(podOf()), want: ["start c x0 FirstStart"], why: "the sandbox is there" },
  {
    id: "D5",
    view: viewOf(podOf(), { volumes: { ready: false, message: "v" } }),
    want: [],
    why: "no container starts without its volumes"
  },
  {
    id: "D5",
    view: viewOf(podOf({ containers: [container("a"), container("b")] }), { memory: memory(busy({ start: "a" })) }),
    want: [],
    why: "one start at a time"
  },
  {
    id: "N1",
    view: viewOf(podOf({ containers: [container("a"), container("b")] }), {
      memory: memory({
        startFailures: { a: { reason: "ErrImagePull", message: "m", atMs: t0 + 500, tries: 1 } },
        triedImages: { a: "busybox:1" }
      })
    }),
    want: ["start b x0 FirstStart"],
    wakeInMs: 500,
    why: "a failing pull does not hold up its siblings; its back-off is told a second after the failure"
  },
  {
    id: "N2",
    view: viewOf(podOf(), {
      memory: memory({
        startFailures: { c: { reason: "ImagePullBackOff", message: "m", atMs: t0, tries: 2 } },
        triedImages: { c: "busybox:1" }
      })
    }),
    want: [],
    wakeInMs: 19_000,
    why: "the second failure of a pull waits 20 s"
  },
  {
    id: "N2",
    view: viewOf(podOf(), {
      memory: memory({
        startFailures: { c: { reason: "ImagePullBackOff", message: "m", atMs: t0, tries: 9 } },
        triedImages: { c: "other:1" }
      })
    }),
    want: ["start c x0 FirstStart"],
    why: "another image is tried at once"
  },
  {
    id: "D9",
    view: viewOf(podOf(), { observed: observed([exited("c", 1)]), ...later(2000) }),
    want: ["start c x1 Restart"],
    why: "the first restart is immediate"
  },
  {
    id: "D11",
    view: viewOf(podOf(), {
      observed: observed([exited("c", 1, { restartCount: 2 })]),
      memory: memory({ restartBackoff: { c: { delayMs: 20_000, lastMs: t0 } } }),
      ...later(1500)
    }),
    want: [],
    wakeInMs: 500,
    why: "in back-off; users are told a second after the end"
  },
  {
    id: "D11",
    view: viewOf(podOf(), {
      observed: observed([exited("c", 1, { restartCount: 2 })]),
      memory: memory({ restartBackoff: { c: { delayMs: 20_000, lastMs: t0 } } }),
      ...later(21_000)
    }),
    want: ["start c x3 Restart"],
    why: "back-off is over"
  },
  {
    id: "D11",
    view: viewOf(podOf(), { observed: observed([exited("c", 1, { restartCount: 5 })]), ...later(9000) }),
    want: [],
    wakeInMs: 152_000,
    why: "back-off is kept over a restart of the agent"
  },
  {
    id: "D9",
    view: viewOf(podOf(never), { observed: observed([exited("c", 1)]) }),
    want: ["stop sandbox s0 PodFinished"],
    stage: "terminating",
    why: "Never: the pod is over"
  },
  {
    id: "D9",
    view: viewOf(podOf(never), {
      observed: observed([exited("c", 0)], [dead]),
      memory: memory({ attempts: { "stop:s0": { atMs: t0, tries: 1, graceMs: 0 } } })
    }),
    want: [],
    stage: "terminated",
    why: "a finished pod whose sandbox is stopped"
  },
  {
    id: "C15",
    view: viewOf(podOf(), { observed: observed([record("c")]) }),
    want: [],
    why: "take-over: what runs is left alone"
  },
  {
    id: "C15",
    view: viewOf(podOf(), { observed: observed([record("c", { hash: "" })]) }),
    want: [],
    why: "a record without a hash is nobody's change"
  },
  {
    id: "D3",
    view: viewOf(podOf(never), { observed: observed([record("c", { hash: "1" })]) }),
    want: ["kill c-0 30000 DefinitionChanged \"Container c definition changed, will be restarted\""],
    why: "another definition, whatever the policy"
  },
  {
    id: "D3",
    view: viewOf(podOf(never), {
      observed: observed([exited("c", 0, { hash: "1" })]),
      memory: memory({ owed: { c: { id: "c-0", why: "DefinitionChanged" } } })
    }),
    want: ["start c x1 DefinitionChanged"],
    why: "it comes back although the policy is Never"
  },
  {
    id: "H3",
    view: viewOf(podOf(), { observed: observed([record("c")]), probes: { "c-0": { liveness: "failure" } } }),
    want: ["kill c-0 30000 LivenessFailed \"Container c failed liveness probe, will be restarted\""],
    why: "liveness failed"
  },
  {
    id: "H3",
    view: viewOf(podOf(never), { observed: observed([record("c")]), probes: { "c-0": { startup: "failure" } } }),
    want: ["kill c-0 30000 StartupFailed \"Container c failed startup probe\""],
    why: "startup failed, and Never does not restart"
  },
  {
    id: "H3",
    view: viewOf(podOf({ restartPolicy: "OnFailure" }), {
      observed: observed([exited("c", 0)]),
      memory: memory({ owed: { c: { id: "c-0", why: "Restart" } } })
    }),
    want: ["start c x1 Restart"],
    why: "killed by its probe, it restarts even if it exits with 0"
  },
  {
    id: "H3",
    view: viewOf(podOf({ initContainers: [side] }), {
      observed: observed([record("c"), record("side")]),
      probes: { "side-0": { liveness: "failure" } }
    }),
    want: ["kill side-0 30000 LivenessFailed \"Init container side failed liveness probe\""],
    why: "a sidecar's liveness failed"
  },
  {
    id: "D3",
    view: viewOf(podOf({ initContainers: [init] }), { observed: observed([record("i", { hash: "1" })]) }),
    want: [],
    why: "an init container is left to finish, whatever its definition has become"
  },
  {
    id: "D13",
    view: viewOf(podOf(), {
      observed: observed([record("c")]),
      probes: { "c-0": { liveness: "failure" } },
      memory: memory(busy({ start: "c" }))
    }),
    want: [],
    why: "while postStart runs, nothing is judged"
  },
  {
    id: "D9",
    view: viewOf(podOf(), { observed: observed([record("c", { state: "Unknown" })]) }),
    want: [
      "kill c-0 30000 ContainerUnknown \"Container is in \"unknown\" state, try killing it before restart\""
    ],
    why: "what the runtime does not know is killed before it starts again"
  },
  {
    id: "D5",
    view: viewOf(podOf(), { observed: observed([record("c", { state: "Created" })]) }),
    want: ["remove c-0"],
    why: "made but never run: not counted as a run"
  },
  {
    id: "D5",
    view: viewOf(podOf(), { observed: observed([record("c", { restartCount: 1 }), record("c")]) }),
    want: ["kill c-0 30000 ContainerUnknown \"Stopping container c\""],
    why: "two live instances: the older one goes"
  },
  {
    id: "D1",
    view: viewOf(podOf(), { observed: observed([record("c")], [dead]) }),
    want: ["kill c-0 30000 SandboxChanged \"Stopping container c\""],
    why: "the sandbox died: what is left in it is killed first"
  },
  {
    id: "D1",
    view: viewOf(podOf(), { observed: observed([exited("c", 137)], [dead]) }),
    want: ["stop sandbox s0 SandboxChanged"],
    why: "then its network is given back, once"
  },
  {
    id: "D1",
    view: viewOf(podOf(), {
      observed: observed([exited("c", 137)], [dead]),
      memory: memory({ attempts: { "stop:s0": { atMs: t0, tries: 1, graceMs: 0 } } })
    }),
    want: ["run sandbox 1 SandboxChanged"],
    why: "then the next attempt is made"
  },
  {
    id: "D6",
    view: viewOf(podOf({ initContainers: [init] }), {
      observed: observed([exited("c", 137), exited("i", 0)], [sandbox({ id: "s1", attempt: 1 }), dead])
    }),
    want: ["start i x1 SandboxChanged"],
    why: "in a new sandbox init containers run again"
  },
  {
    id: "D1",
    view: viewOf(podOf(never), { observed: observed([exited("c", 137)], [dead]) }),
    want: ["stop sandbox s0 PodFinished"],
    stage: "terminating",
    why: "a Never pod that ran gets no other sandbox"
  },
  {
    id: "D1",
    view: viewOf(podOf({ restartPolicy: "OnFailure" }), { observed: observed([exited("c", 0)], [dead]) }),
    want: ["stop sandbox s0 PodFinished"],
    stage: "terminating",
    why: "all succeeded: none is made"
  },
  {
    id: "D6",
    view: viewOf(podOf({ initContainers: [init] }), { observed: observed([record("i")]) }),
    want: [],
    why: "init runs"
  },
  {
    id: "D6",
    view: viewOf(podOf({ initContainers: [init] }), { observed: observed([exited("i", 0)]) }),
    want: ["start c x0 FirstStart"],
    why: "init is done"
  },
  {
    id: "D6",
    view: viewOf(podOf({ initContainers: [init, container("j")] }), { observed: observed([exited("j", 0)]) }),
    want: ["start c x0 FirstStart"],
    why: "an init container whose record was removed does not run again"
  },
  {
    id: "D6",
    view: viewOf(podOf({ initContainers: [init] }), { observed: observed([exited("c", 1)]), ...later(2000) }),
    want: ["start c x1 Restart"],
    why: "nor when only a regular container's record is left"
  },
  {
    id: "D7",
    view: viewOf(podOf({ initContainers: [container("side", { ...side, startupProbe: {} })] }), {
      observed: observed([record("side")])
    }),
    want: [],
    why: "a sidecar has to have started"
  },
  {
    id: "D7",
    view: viewOf(podOf({ initContainers: [side] }), { observed: observed([record("side")]) }),
    want: ["start c x0 FirstStart"],
    why: "it has"
  },
  {
    id: "D7",
    view: viewOf(podOf({ initContainers: [side] }), {
      observed: observed([record("c"), exited("side", 0)]),
      ...later(2000)
    }),
    want: ["start side x1 Restart"],
    why: "a sidecar restarts at any time"
  },
  {
    id: "D7",
    view: viewOf(podOf({ ...never, initContainers: [side] }), {
      observed: observed([exited("c", 0), record("side")])
    }),
    want: ["kill side-0 30000 SidecarNotNeeded \"Stopping container side\""],
    stage: "terminating",
    why: "all work is done"
  },
  {
    id: "D8",
    view: viewOf(podOf({ initContainers: [init], ephemeralContainers: [container("e")] }), {
      observed: observed([record("i")])
    }),
    want: ["start e x0 FirstStart"],
    why: "ephemeral containers start at any time"
  },
  {
    id: "D8",
    view: viewOf(podOf({ ephemeralContainers: [container("e")] }), {
      observed: observed([exited("e", 1), record("c")])
    }),
    want: [],
    why: "and never again"
  },
  {
    id: "D10",
    view: viewOf(podOf({ containers: [container("c", { restartPolicyRules: [restartAll] }), container("d")] }), {
      observed: observed([exited("c", 42), record("d")]),
      ...later(2000)
    }),
    want: ["kill d-0 30000 RestartAllContainers \"Container d will be restarted with all containers of the pod\""],
    why: "restart of all: the others are killed"
  },
  {
    id: "D10",
    view: viewOf(podOf({ containers: [container("c", { restartPolicyRules: [restartAll] }), container("d")] }), {
      observed: observed([exited("c", 42), exited("d", 0)]),
      memory: memory({ restartingAll: true }),
      ...later(2000)
    }),
    want: ["remove d-0"],
    why: "then removed, the cause last"
  },
  {
    id: "C13",
    view: viewOf(podOf({ containers: [container("c", hook)] }, deleted), { observed: observed([record("c")]) }),
    want: ["kill c-0 5000 PodTerminating \"Stopping container c\" with hook"],
    stage: "terminating",
    why: "deleted, with its grace"
  },
  {
    id: "C13",
    view: viewOf(podOf({}, deleted), { memory: memory(busy({ start: "c" })) }),
    want: ["cancel c"],
    stage: "terminating",
    why: "a start under way is given up"
  },
  {
    id: "C13",
    view: viewOf(podOf({}, deleted), { observed: observed([exited("c", 0)]) }),
    want: ["stop sandbox s0 PodTerminating"],
    stage: "terminating",
    why: "the sandbox goes last"
  },
  {
    id: "D7",
    view: viewOf(podOf({ initContainers: [container("side", { ...side, ...hook })] }, deleted), {
      observed: observed([record("c"), record("side")])
    }),
    want: [
      "kill c-0 5000 PodTerminating \"Stopping container c\"",
      "hook side-0 5000 PodTerminating \"Stopping container side\" with hook"
    ],
    stage: "terminating",
    why: "sidecars stop after the others, but their hooks begin at once"
  },
  {
    id: "D7",
    view: viewOf(podOf({ initContainers: [container("side", { ...side, ...hook })] }, deleted), {
      observed: observed([exited("c", 0), record("side")]),
      memory: memory({
        attempts: {
          end: { atMs: t0, tries: 1, graceMs: 0 },
          "hook:side-0": { atMs: t0, tries: 1, graceMs: 5000 }
        }
      })
    }),
    want: ["kill side-0 4000 PodTerminating"],
    stage: "terminating",
    why: "with what is left of the grace, and no second hook"
  },
  {
    id: "D7",
    view: viewOf(podOf({ initContainers: [side, container("side2", { restartPolicy: "Always" }), init] }, deleted), {
      observed: observed([record("side2"), record("side")])
    }),
    want: ["kill side2-0 5000 PodTerminating \"Stopping container side2\""],
    stage: "terminating",
    why: "in reverse order"
  },
  {
    id: "C10",
    view: viewOf(podOf({}, deleted), {
      observed: observed([record("c")]),
      memory: memory({
        termination: { why: "Evicted", gracePeriodSeconds: 0 },
        attempts: { "kill:c-0": { atMs: t0 + 900, tries: 1, graceMs: 5000 } }
      })
    }),
    want: ["kill c-0 2000 PodTerminating \"Stopping container c\""],
    stage: "terminating",
    why: "a shorter grace does not wait for the retry; the floor is 2 s"
  },
  {
    id: "D16",
    view: viewOf(podOf({}, deleted), {
      observed: observed([record("c")]),
      memory: memory({ attempts: { "kill:c-0": { atMs: t0 + 500, tries: 2, graceMs: 5000 } } })
    }),
    want: [],
    stage: "terminating",
    wakeInMs: 1500,
    why: "a kill that failed is tried again after a pause"
  },
  { id: "D17", view: resizing(), want: ["resize c-0"], why: "allotted more: in place" },
  {
    id: "D17",
    view: resizing("RestartContainer"),
    want: ["kill c-0 30000 Resize \"Container c resize requires restart\""],
    why: "or by a restart, where the policy wants one"
  },
  {
    id: "D17",
    view: resizing("RestartContainer", { observed: observed([exited("c", 0)]) }),
    want: ["resize"],
    why: "it has ended: its group is made fit before it starts again"
  },
  {
    id: "D17",
    view: resizing("NotRequired", { memory: memory(busy({ resize: true })) }),
    want: [],
    why: "one resize at a time"
  },
  {
    id: "D17",
    view: resizing("NotRequired", { observed: observed([]), memory: memory(busy({ start: "c" })) }),
    want: [],
    why: "what is being started comes first"
  },
  {
    id: "D17",
    view: resizing("NotRequired", { memory: memory({ resizeFailure: notYet }), ...later(700) }),
    want: [],
    wakeInMs: 800,
    why: "one that failed is tried again after a pause"
  },
  {
    id: "D17",
    view: resizing("NotRequired", {
      observed: observed([exited("c", 1)]),
      memory: memory({ resizeFailure: notYet }),
      ...later(1200)
    }),
    want: ["start c x1 Restart"],
    wakeInMs: 300,
    why: "and keeps no container from running"
  },
  {
    id: "D17",
    view: resizing("NotRequired", { memory: memory({ resizeFailure: { ...notYet, generation: 0 } }), ...later(700) }),
    want: ["resize c-0"],
    why: "what stood against an earlier wish does not count"
  },
  {
    id: "C12",
    view: viewOf(podOf({ activeDeadlineSeconds: 60 }), { observed: observed([record("c")]) }),
    want: [],
    wakeInMs: 59_000,
    why: "the deadline is to come"
  },
  {
    id: "C12",
    view: viewOf(podOf({ activeDeadlineSeconds: 2_147_483_647 }), { observed: observed([record("c")]) }),
    want: [],
    wakeInMs: 86_400_000,
    why: "a deadline in the far future is looked at once a day"
  },
  {
    id: "C12",
    view: viewOf(podOf({ activeDeadlineSeconds: 60 }), { observed: observed([record("c")]), ...later(60_000) }),
    want: ["kill c-0 30000 PodTerminating \"Stopping container c\""],
    stage: "terminating",
    why: "the deadline is over"
  },
  {
    id: "F8",
    view: viewOf(podOf({}, { status: { phase: "Failed" } }), { observed: observed([record("c")]) }),
    want: ["kill c-0 30000 PodFinished \"Stopping container c\""],
    stage: "terminating",
    why: "the API says that it failed: it does not go on"
  },
  {
    id: "F3",
    view: viewOf(podOf(never), {
      memory: memory({
        lastStatus: { phase: "Running", containerStatuses: [{ name: "c", state: { running: {} }, restartCount: 0 }] }
      })
    }),
    want: ["stop sandbox s0 PodFinished"],
    stage: "terminating",
    why: "Never does not rerun what ran, though its record is lost"
  },
  {
    id: "F3",
    view: viewOf(podOf(), {
      memory: memory({
        lastStatus: { phase: "Running", containerStatuses: [{ name: "c", state: { running: {} }, restartCount: 3 }] }
      })
    }),
    want: ["start c x4 FirstStart"],
    why: "Always does, and goes on counting"
  }
]

describe("plan", () => {
  it.each(rows)("$id: $why", ({ stage = "syncing", view, wakeInMs, want }) => {
    const next = plan(view)
    assert.deepStrictEqual(next.actions.map(text), want)
    assert.strictEqual(next.stage, stage)
    if (wakeInMs !== undefined) assert.strictEqual((next.wakeAtMs ?? 0) - view.nowMs, wakeInMs)
  })

  it("has a row for every reason of an action", () => {
    const all = rows.flatMap(({ want }) => want).join("\n")
    const reasons =
      ("FirstStart Restart DefinitionChanged SandboxChanged PodTerminating PodFinished LivenessFailed StartupFailed " +
        "ContainerUnknown SidecarNotNeeded RestartAllContainers Resize").split(" ")
    assert.deepStrictEqual(reasons.filter((reason) => !all.includes(reason)), [])
  })
})

describe("events of a plan", () => {
  const say = (view: PodView) => plan(view).events.map(({ message, reason, type }) => `${type} ${reason}: ${message}`)

  it("D11: back-off is told once for each wait", () => {
    const view = viewOf(podOf(), {
      observed: observed([exited("c", 1, { restartCount: 2 })]),
      memory: memory({ restartBackoff: { c: { delayMs: 20_000, lastMs: t0 } } }),
      ...later(2000)
    })
    assert.deepStrictEqual(say(view), [
      "Warning BackOff: Back-off restarting failed container c in pod web_default(u1)"
    ])
    assert.deepStrictEqual(say({ ...view, memory: plan(view).memory, ...later(3000) }), [])
  })
  it("N2: so is the back-off of a pull, with the failure in its message", () => {
    const view = viewOf(podOf(), {
      memory: memory({
        startFailures: { c: { reason: "ErrImagePull", message: "nope", atMs: t0, tries: 1 } },
        triedImages: { c: "busybox:1" }
      }),
      ...later(1000)
    })
    const next = plan(view)
    assert.deepStrictEqual(say(view), [
      "Normal BackOff: Back-off pulling image \"busybox:1\"",
      "Warning Failed: Error: ImagePullBackOff"
    ])
    assert.deepStrictEqual(next.status.containerStatuses?.[0]?.state, {
      waiting: {
        reason: "ImagePullBackOff",
        message: "Back-off pulling image \"busybox:1\": ErrImagePull: nope"
      }
    })
    assert.deepStrictEqual(say({ ...view, memory: next.memory, ...later(2000) }), [])
  })
  it("C12: what holds the pod up is told once for each message", () => {
    const base = viewOf(podOf(), { observed: observed([], []) })
    const view = { ...base, node: { ...base.node, networkReady: false, networkMessage: "no CNI" } }
    assert.deepStrictEqual(say(view), ["Warning NetworkNotReady: network is not ready: no CNI"])
    const { memory: told } = plan(view)
    assert.deepStrictEqual(say({ ...view, memory: told }), [])
    const volumes = { ...base, memory: told, volumes: { ready: false, message: "not mounted" } }
    assert.deepStrictEqual(say(volumes), ["Warning FailedMount: not mounted"])
  })
  it("D17: a resize that fails is told once for each message, and its end once", () => {
    const failed = resizing("NotRequired", { memory: memory({ resizeFailure: notYet }), ...later(700) })
    const told = "{\"containers\":[{\"name\":\"c\",\"resources\":{\"requests\":{\"cpu\":\"2\"}}}],\"generation\":1"
    assert.deepStrictEqual(say(failed), [`Warning ResizeError: Pod resize error: ${told},"error":"no"}`])
    const after = plan(failed)
    assert.deepInclude(after.status.conditions?.[0], {
      type: "PodResizeInProgress",
      status: "True",
      reason: "Error",
      message: "no",
      observedGeneration: 1
    })
    assert.deepStrictEqual(say({ ...failed, memory: after.memory }), [])
    const done = { ...failed, memory: after.memory, resize: {} }
    assert.deepStrictEqual(say(done), [`Normal ResizeCompleted: Pod resize completed: ${told}}`])
    assert.isUndefined(plan(done).memory.resizeFailure)
    assert.deepStrictEqual(say({ ...done, memory: plan(done).memory }), [])
  })
  it("C12: the deadline is told once", () => {
    const view = viewOf(podOf({ activeDeadlineSeconds: 1 }), { observed: observed([record("c")]), ...later(5000) })
    assert.deepStrictEqual(say(view), [
      "Normal DeadlineExceeded: Pod was active on the node longer than the specified deadline"
    ])
    assert.deepStrictEqual(say({ ...view, memory: plan(view).memory }), [])
  })
})
