/** Plans after somebody has set the clock back by an hour: what was tried, failed or ended lies in the future then. */
import { assert, describe, it } from "@effect/vitest"
import type { PodView } from "../../../src/domain/pod/model.ts"
import { plan } from "../../../src/domain/pod/plan.ts"
import { container, exited, memory, observed, podOf, record, t0, viewOf } from "./fixtures.ts"

const ago = { nowMs: t0 - 3_600_000 }
const deleted = { meta: { deletionTimestamp: "2026-11-01T00:00:00Z", deletionGracePeriodSeconds: 5 } }
const side = container("side", { restartPolicy: "Always" })

interface Row {
  readonly view: PodView
  readonly want: string
  readonly why: string
}

const rows: ReadonlyArray<Row> = [
  {
    view: viewOf(podOf(), {
      observed: observed([exited("c", 1, { restartCount: 5 })]),
      memory: memory({ restartBackoff: { c: { delayMs: 20_000, lastMs: t0 } } })
    }),
    want: "StartContainer",
    why: "D11: a crash back-off is over"
  },
  {
    view: viewOf(podOf(), { observed: observed([exited("c", 1, { restartCount: 5 })]) }),
    want: "StartContainer",
    why: "D11: so is one that an earlier agent began"
  },
  {
    view: viewOf(podOf(), {
      memory: memory({
        startFailures: { c: { reason: "ErrImagePull", message: "m", atMs: t0, tries: 3 } },
        triedImages: { c: "busybox:1" }
      })
    }),
    want: "StartContainer",
    why: "N2: a pull is tried again"
  },
  {
    view: viewOf(podOf(), {
      observed: observed([], []),
      memory: memory({ sandboxFailure: { reason: "x", message: "", atMs: t0, tries: 3 } })
    }),
    want: "RunSandbox",
    why: "D2: so is a sandbox"
  },
  {
    view: viewOf(podOf({}, deleted), {
      observed: observed([record("c")]),
      memory: memory({ attempts: { "kill:c-0": { atMs: t0, tries: 9, graceMs: 5000 } } })
    }),
    want: "KillContainer 5000",
    why: "D16: and a kill"
  },
  {
    view: viewOf(podOf({ initContainers: [side] }, deleted), {
      observed: observed([exited("c", 0), record("side")]),
      memory: memory({ attempts: { end: { atMs: t0, tries: 1, graceMs: 0 } } })
    }),
    want: "KillContainer 5000",
    why: "D7: no container has more grace than its pod was granted"
  }
]

describe("the clock is set back by an hour", () => {
  it.each(rows)("$why", ({ view, want }) => {
    const next = plan({ ...view, ...ago })
    assert.deepStrictEqual(
      next.actions.map((action) => action._tag === "KillContainer" ? `${action._tag} ${action.graceMs}` : action._tag),
      [want]
    )
    // What was done by the new clock is waited for by the new clock.
    const crashed = { ...view, ...ago, memory: next.memory }
    assert.isUndefined(plan(crashed).actions.find(({ _tag }) => _tag === "KillContainer" || _tag === "StopSandbox"))
  })
})
