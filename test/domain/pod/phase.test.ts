import { assert, describe, it } from "@effect/vitest"
import type { ContainerStatus } from "../../../src/domain/k8s/podStatus.ts"
import { phaseOf } from "../../../src/domain/pod/phase.ts"
import { restartsAfter } from "../../../src/domain/pod/restart.ts"
import { initSlots, regularSlots } from "../../../src/domain/pod/spec.ts"
import { container, podOf } from "./fixtures.ts"

const waiting = {}
const running = { state: { running: {} }, started: true }
const starting = { state: { running: {} }, started: false }
const ended = (exitCode: number) => ({ state: { terminated: { exitCode } } })
const crashed = (exitCode: number) => ({ state: { waiting: {} }, lastState: { terminated: { exitCode } } })

interface Row {
  readonly policy?: string
  readonly init?: ReadonlyArray<Partial<ContainerStatus>>
  readonly sidecars?: ReadonlyArray<Partial<ContainerStatus>>
  readonly regular: ReadonlyArray<Partial<ContainerStatus>>
  readonly over?: boolean
  readonly initialized?: boolean
  readonly want: string
  readonly why: string
}

const rows: ReadonlyArray<Row> = [
  { regular: [waiting], want: "Pending", why: "nothing runs yet" },
  { regular: [running], want: "Running", why: "it runs" },
  { regular: [running, waiting], want: "Pending", why: "one has not been started" },
  { regular: [running, ended(1)], policy: "Never", want: "Running", why: "one still runs" },
  { regular: [ended(0), ended(0)], policy: "Never", want: "Succeeded", why: "all well" },
  { regular: [ended(0), ended(1)], policy: "Never", want: "Failed", why: "one failed" },
  { regular: [ended(0)], policy: "OnFailure", want: "Succeeded", why: "done" },
  { regular: [ended(1)], policy: "OnFailure", want: "Running", why: "it restarts" },
  { regular: [crashed(1)], policy: "OnFailure", want: "Running", why: "waiting after a run counts as stopped" },
  { regular: [ended(0)], policy: "Always", want: "Running", why: "it restarts" },
  { regular: [ended(0)], policy: "Always", over: true, want: "Succeeded", why: "the pod is over" },
  { regular: [crashed(1), ended(0)], policy: "Always", over: true, want: "Failed", why: "the pod is over" },
  { init: [waiting], regular: [waiting], want: "Pending", why: "init has to run" },
  { init: [running], regular: [waiting], want: "Pending", why: "init runs" },
  { init: [ended(1)], regular: [waiting], policy: "Never", want: "Failed", why: "init failed for good" },
  { init: [crashed(1)], regular: [waiting], policy: "Never", want: "Failed", why: "init failed for good" },
  { init: [ended(1)], regular: [waiting], policy: "Always", want: "Pending", why: "init is tried again" },
  { init: [waiting, ended(1)], regular: [waiting], policy: "Never", want: "Failed", why: "whichever failed" },
  { init: [ended(0)], regular: [running], want: "Running", why: "init is done" },
  { sidecars: [starting], regular: [waiting], want: "Pending", why: "the sidecar has not started" },
  { sidecars: [starting], regular: [running], initialized: true, want: "Running", why: "it only restarts" },
  { sidecars: [running], regular: [ended(0)], policy: "Never", want: "Running", why: "the sidecar is still there" },
  {
    sidecars: [ended(137)],
    regular: [ended(0)],
    policy: "Never",
    want: "Succeeded",
    why: "ended sidecars do not count"
  },
  { sidecars: [crashed(1)], regular: [running], initialized: true, want: "Running", why: "ended sidecars do not count" }
]

describe("F1: phase", () => {
  it.each(rows)("$want: $why", ({ init = [], initialized = false, over = false, policy = "Always", ...row }) => {
    const sidecars = row.sidecars ?? []
    const pod = podOf({
      restartPolicy: policy,
      initContainers: [
        ...init.map((_, i) => container(`i${i}`)),
        ...sidecars.map((_, i) => container(`s${i}`, { restartPolicy: "Always" }))
      ],
      containers: row.regular.map((_, i) => container(`c${i}`))
    })
    const named = (prefix: string, list: ReadonlyArray<Partial<ContainerStatus>>) =>
      list.map((status, i) => [`${prefix}${i}`, { name: `${prefix}${i}`, ...status }] as const)
    const phase = phaseOf({
      init: initSlots(pod),
      regular: regularSlots(pod),
      statuses: new Map([...named("i", init), ...named("s", sidecars), ...named("c", row.regular)]),
      restarts: (slot, { exitCode }) => restartsAfter(pod, slot, exitCode),
      over,
      initialized
    })
    assert.strictEqual(phase, row.want)
  })
})
