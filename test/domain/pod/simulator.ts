/**
 * A pod's node in miniature: interprets the actions of `plan` on a fake runtime in virtual time, with the worker's own
 * rules for lanes. Scripts say what containers do; what users would see comes out.
 */
import { Exit } from "effect"
import { containerHash } from "../../../src/domain/config/containerHash.ts"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import type { PodStatus } from "../../../src/domain/k8s/podStatus.ts"
import type {
  Action,
  ObservedContainer,
  ObservedSandbox,
  Plan,
  PodEvent,
  PodMemory,
  PodView,
  ProbeVerdict
} from "../../../src/domain/pod/model.ts"
import { plan } from "../../../src/domain/pod/plan.ts"
import { allSlots, sceneOf } from "../../../src/domain/pod/scene.ts"
import { occupy, settle } from "../../../src/programs/pods/lanes.ts"
import { Outcome } from "../../../src/programs/pods/PodActions.ts"
import { memory, t0, viewOf } from "./fixtures.ts"

/** What one run of a container does. */
export interface Run {
  /** It exits by itself after this; otherwise it runs until it is stopped. */
  readonly forMs?: number
  readonly exitCode?: number
  readonly reason?: string
  readonly message?: string
  /** How it takes TERM: exits after `termMs` with `termExitCode`, or not at all. */
  readonly termMs?: number
  readonly termExitCode?: number
  readonly ignoresTerm?: boolean
  /** The start fails and leaves no record. */
  readonly fails?: { readonly reason: string; readonly message: string }
  /** The runtime refuses to start what was created: a dead record stays. */
  readonly startError?: string
  /** The postStart hook fails; the container is stopped. */
  readonly hookError?: string
  /** How long its preStop hook takes. */
  readonly hookMs?: number
  /** Verdicts of its probes, from its start on. */
  readonly probes?: ReadonlyArray<{ readonly atMs: number; readonly verdict: ProbeVerdict }>
}

export interface Script {
  readonly pod: Pod
  readonly runs?: (name: string, run: number) => Run
  /** Changes of the desired pod. */
  readonly changes?: ReadonlyArray<{ readonly atMs: number; readonly apply: (pod: Pod) => Pod }>
  /** When the agent dies and another one takes over: what was under way is lost, the runtime lives on. */
  readonly crashesAtMs?: ReadonlyArray<number>
  readonly volumesReadyAtMs?: number
  readonly volumesMessage?: string
  readonly endMs: number
}

export interface Seen {
  readonly atMs: number
  readonly status: PodStatus
}

export interface Outcomes {
  readonly statuses: ReadonlyArray<Seen>
  readonly events: ReadonlyArray<PodEvent & { readonly atMs: number }>
  readonly actions: ReadonlyArray<{ readonly atMs: number; readonly action: Action }>
  readonly last: Plan
  readonly containers: ReadonlyArray<ObservedContainer>
  readonly sandboxes: ReadonlyArray<ObservedSandbox>
}

const runSandboxMs = 120
const startMs = 80
const stopSandboxMs = 90

interface Pending {
  readonly atMs: number
  readonly lane: string
  readonly finish: () => void
}

export const simulate = (script: Script): Outcomes => {
  let nowMs = 0
  let crashedAtMs = 0
  let pod = script.pod
  let mem: PodMemory = memory({ lastStatus: pod.status })
  let containers: Array<ObservedContainer> = []
  let sandboxes: Array<ObservedSandbox> = []
  let pending: Array<Pending> = []
  const runsSoFar = new Map<string, number>()
  const runOf = new Map<string, Run>()
  const statuses: Array<Seen> = []
  const events: Array<PodEvent & { atMs: number }> = []
  const actions: Array<{ atMs: number; action: Action }> = []
  const abs = (ms: number) => t0 + ms

  const update = (id: string, fields: Partial<ObservedContainer>) => {
    containers = containers.map((c) => c.id === id ? { ...c, ...fields } : c)
  }
  const find = (id: string) => containers.find((c) => c.id === id)
  const exit = (id: string, exitCode: number, run: Run) => {
    if (find(id)?.state !== "Running") return
    update(id, {
      state: "Exited",
      exitCode,
      reason: run.reason ?? (exitCode === 0 ? "Completed" : "Error"),
      message: run.message ?? "",
      finishedAtMs: abs(nowMs)
    })
  }
  const settleNow = (action: Action, outcome: Outcome) => {
    mem = settle(mem, action, Exit.succeed(outcome))
  }
  const later = (ms: number, lane: string, finish: () => void) => {
    pending = [...pending.filter((p) => p.lane !== lane || lane === ""), { atMs: nowMs + ms, lane, finish }]
  }

  const startContainer = (action: Extract<Action, { _tag: "StartContainer" }>) => {
    const count = runsSoFar.get(action.name) ?? 0
    runsSoFar.set(action.name, count + 1)
    const run = script.runs?.(action.name, count) ?? {}
    if (run.fails !== undefined) {
      const failure = { ...run.fails }
      return later(
        50,
        "start",
        () => settleNow(action, Outcome.StartFailed({ name: action.name, failure: { ...failure, atMs: abs(nowMs) } }))
      )
    }
    const id = `${action.name}-${action.restartCount}-${count}`
    const slot = allSlots(sceneOf(viewOf(pod))).find((s) => s.name === action.name)
    if (slot === undefined) throw new Error(`start of unknown container ${action.name}`)
    const image = slot.container.image ?? ""
    runOf.set(id, run)
    containers = [{
      id,
      name: action.name,
      sandboxId: action.sandboxId,
      restartCount: action.restartCount,
      state: "Created",
      createdAtMs: abs(nowMs),
      startedAtMs: 0,
      finishedAtMs: 0,
      exitCode: 0,
      reason: "",
      message: "",
      image,
      imageRef: "sha256:1",
      imageId: "sha256:1",
      hash: containerHash({ name: action.name, image }),
      labels: {},
      annotations: {},
      logPath: "",
      user: { uid: 0, gid: 0, supplementalGroups: [0] }
    }, ...containers]
    later(startMs, "start", () => {
      if (run.startError !== undefined) {
        update(id, {
          state: "Exited",
          exitCode: 128,
          reason: "StartError",
          message: run.startError,
          startedAtMs: abs(nowMs),
          finishedAtMs: abs(nowMs)
        })
        const failure = { reason: "RunContainerError", message: run.startError, atMs: abs(nowMs) }
        return settleNow(action, Outcome.StartFailed({ name: action.name, failure }))
      }
      update(id, { state: "Running", startedAtMs: abs(nowMs) })
      if (run.hookError !== undefined) {
        const message = run.hookError
        return later(100, "start", () => {
          exit(id, 0, run)
          const failure = { reason: "PostStartHookError", message, atMs: abs(nowMs) }
          settleNow(action, Outcome.StartFailed({ name: action.name, failure }))
        })
      }
      if (run.forMs !== undefined) later(run.forMs, `exit:${id}`, () => exit(id, run.exitCode ?? 0, run))
      for (const [i, probe] of (run.probes ?? []).entries()) later(probe.atMs, `probe:${id}:${i}`, () => {})
      settleNow(action, Outcome.Done())
    })
  }

  const run = (action: Action) => {
    switch (action._tag) {
      case "RunSandbox":
        return later(runSandboxMs, "sandbox", () => {
          sandboxes = [{
            id: `s${action.attempt}`,
            attempt: action.attempt,
            ready: true,
            createdAtMs: abs(nowMs),
            ips: pod.spec.hostNetwork === true ? [] : ["10.0.0.7"],
            hostNetwork: pod.spec.hostNetwork === true,
            runtimeHandler: ""
          }, ...sandboxes]
          settleNow(action, Outcome.Done())
        })
      case "StopSandbox":
        return later(stopSandboxMs, "sandbox", () => {
          sandboxes = sandboxes.map((s) => s.id === action.id ? { ...s, ready: false } : s)
          settleNow(action, Outcome.Done())
        })
      case "StartContainer":
        return startContainer(action)
      case "ResizePod":
        // Its pods are never given another allotment.
        return settleNow(action, Outcome.Done())
      case "CancelStart": {
        const going = actions.findLast(({ action: a }) => a._tag === "StartContainer")?.action
        pending = pending.filter((p) => p.lane !== "start")
        if (going !== undefined) mem = settle(mem, going, Exit.interrupt(0))
        return
      }
      case "KillContainer": {
        const behaviour = runOf.get(action.id) ?? {}
        if (action.preStopOnly === true) {
          return later(behaviour.hookMs ?? 50, `container:${action.id}`, () => settleNow(action, Outcome.Done()))
        }
        const stopMs = behaviour.ignoresTerm === true
          ? action.graceMs
          : Math.min(behaviour.termMs ?? 100, action.graceMs)
        return later(stopMs, `container:${action.id}`, () => {
          exit(action.id, behaviour.ignoresTerm === true ? 137 : behaviour.termExitCode ?? 0, behaviour)
          settleNow(action, Outcome.Done())
        })
      }
      case "RemoveContainer":
        return later(5, `container:${action.id}`, () => {
          containers = containers.filter((c) => c.id !== action.id)
          settleNow(action, Outcome.Done())
        })
    }
  }

  const verdicts = (): Record<string, ProbeVerdict> =>
    Object.fromEntries(
      containers.filter((c) => c.state === "Running").map((c) => {
        const due = (runOf.get(c.id)?.probes ?? []).filter((p) =>
          Math.max(c.startedAtMs, abs(crashedAtMs)) + p.atMs <= abs(nowMs)
        )
        return [c.id, Object.assign({}, ...due.map((p) => p.verdict)) as ProbeVerdict]
      })
    )

  const readyAtMs = script.volumesReadyAtMs ?? 0
  let last: Plan | undefined
  for (let turns = 0;; turns++) {
    if (turns > 20_000) throw new Error(`no end in sight at ${nowMs} ms`)
    const view: PodView = {
      ...viewOf(pod),
      observed: { sandboxes, containers },
      memory: mem,
      probes: verdicts(),
      volumes: { ready: nowMs >= readyAtMs, message: script.volumesMessage ?? "" },
      nowMs: abs(nowMs)
    }
    const previous = statuses.at(-1)?.status
    last = plan(view)
    if (last.wakeAtMs !== undefined && last.wakeAtMs <= abs(nowMs)) throw new Error("asked to be woken in the past")
    if (last.status !== previous) statuses.push({ atMs: nowMs, status: last.status })
    events.push(...last.events.map((event) => ({ ...event, atMs: nowMs })))
    mem = last.actions.reduce(occupy, last.memory)
    pod = { ...pod, status: last.status }
    for (const action of last.actions) {
      actions.push({ atMs: nowMs, action })
      run(action)
    }
    if (last.actions.some((action) => action._tag === "CancelStart")) continue
    const times = [
      ...pending.map((p) => p.atMs),
      ...(last.wakeAtMs === undefined ? [] : [last.wakeAtMs - t0]),
      ...(script.changes ?? []).map((c) => c.atMs).filter((ms) => ms > nowMs),
      ...(readyAtMs > nowMs ? [readyAtMs] : []),
      ...(script.crashesAtMs ?? []).filter((ms) => ms > nowMs)
    ]
    const next = Math.min(...times)
    if (!Number.isFinite(next) || next > script.endMs) break
    nowMs = next
    const due = pending.filter((p) => p.atMs <= nowMs)
    pending = pending.filter((p) => p.atMs > nowMs)
    for (const p of due) p.finish()
    if (script.crashesAtMs?.includes(nowMs) === true) {
      pending = pending.filter(({ lane }) => lane.startsWith("exit:") || lane.startsWith("probe:"))
      mem = memory({ lastStatus: pod.status })
      crashedAtMs = nowMs
      // The new agent's probes have to find out for themselves.
      for (const c of containers) {
        for (const [i, probe] of (runOf.get(c.id)?.probes ?? []).entries()) {
          later(probe.atMs, `probe:${c.id}:${i}`, () => {})
        }
      }
    }
    for (const change of script.changes ?? []) if (change.atMs === nowMs) pod = change.apply(pod)
  }
  return { statuses, events, actions, last, containers, sandboxes }
}

/** A user's deletion: the API server sets both fields and counts the generation up. */
export const deletion = (atMs: number, graceSeconds?: number) => ({
  atMs,
  apply: (pod: Pod): Pod => ({
    ...pod,
    metadata: {
      ...pod.metadata,
      generation: (pod.metadata.generation ?? 1) + 1,
      deletionTimestamp: new Date(t0 + atMs).toISOString(),
      deletionGracePeriodSeconds: graceSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
    }
  })
})
