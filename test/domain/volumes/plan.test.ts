import { assert, describe, it } from "@effect/vitest"
import { retryDelayMs } from "../../../src/domain/volumes/backoff.ts"
import { desiredVolumes } from "../../../src/domain/volumes/desired.ts"
import { Supply } from "../../../src/domain/volumes/payload.ts"
import {
  abandon,
  type FoundVolumes,
  planVolumes,
  settle,
  type VolumesInput,
  type VolumesMemory
} from "../../../src/domain/volumes/plan.ts"
import { mountsToRemove } from "../../../src/domain/volumes/volumePaths.ts"
import { podWith } from "./pods.ts"

const nothing: FoundVolumes = { volumes: [], mounts: [], leftovers: false }
const fresh: VolumesMemory = { lanes: {}, sinceMs: 0 }
const pod = podWith([{ name: "e", emptyDir: {} }, { name: "s", secret: { secretName: "x" } }])
const ready = (version: string) => new Map([["s", Supply.Ready({ payload: new Map(), version })]])

const input = (changes: Partial<VolumesInput>): VolumesInput => ({
  rootDir: "/r",
  uid: "u1",
  desired: desiredVolumes(pod, new Map()),
  supplies: new Map(),
  found: nothing,
  memory: fresh,
  claimsAgeMs: 60_000,
  nowMs: 0,
  ...changes
})
const tags = (plan: ReturnType<typeof planVolumes>) =>
  plan.actions.map((action) => action._tag === "SetUp" ? `SetUp ${action.volume.name}` : action._tag)

/** Runs every action of the plan to its end. */
const after = (plan: ReturnType<typeof planVolumes>, failure?: string, nowMs = 0): VolumesMemory =>
  plan.actions.reduce(
    (memory, action) => settle(memory, action, failure === undefined ? { nowMs } : { nowMs, failure }),
    plan.memory
  )

describe("I1: volumes that are wanted", () => {
  it("are set up beside each other as soon as what they show is known", () => {
    assert.deepStrictEqual(tags(planVolumes(input({}))), ["SetUp e"])
    assert.deepStrictEqual(tags(planVolumes(input({ supplies: ready("1") }))), ["SetUp e", "SetUp s"])
  })

  it("are each set up by one operation at a time", () => {
    const first = planVolumes(input({ supplies: ready("1") }))
    assert.isEmpty(planVolumes(input({ supplies: ready("2"), memory: first.memory })).actions)
  })

  it("are ready when all are up, and brought up to date when what they show changes", () => {
    const memory = after(planVolumes(input({ supplies: ready("1") })))
    const settled = planVolumes(input({ supplies: ready("1"), memory }))
    assert.deepStrictEqual(settled.view, { ready: true, message: "" })
    assert.isEmpty(settled.actions)
    const changed = planVolumes(input({ supplies: ready("2"), memory }))
    assert.deepStrictEqual(tags(changed), ["SetUp s"])
    assert.isTrue(changed.view.ready, "the old content stays usable meanwhile")
  })

  it("keep what they show when its source goes away, and say so", () => {
    const memory = after(planVolumes(input({ supplies: ready("1") })))
    const gone = planVolumes(
      input({ supplies: new Map([["s", Supply.Failed({ message: "secret \"x\" not found" })]]), memory })
    )
    assert.isTrue(gone.view.ready)
    assert.lengthOf(gone.failures, 1)
  })

  it.each([[1, 500], [2, 1000], [8, 64_000], [9, 122_000], [100, 122_000]])(
    "failure %i waits %i ms",
    (failures, want) => assert.strictEqual(retryDelayMs(failures), want)
  )

  it("that failed are tried again when their time has come, not before", () => {
    const memory = after(planVolumes(input({ supplies: ready("1") })), "no", 1000)
    const early = planVolumes(input({ supplies: ready("1"), memory, nowMs: 1400 }))
    assert.isEmpty(early.actions)
    assert.strictEqual(early.wakeAtMs, 1500)
    assert.lengthOf(planVolumes(input({ supplies: ready("1"), memory, nowMs: 1500 })).actions, 2)
  })

  it("need not wait when what they show has changed since they failed", () => {
    const memory = after(planVolumes(input({ supplies: ready("1") })), "no", 1000)
    assert.deepStrictEqual(tags(planVolumes(input({ supplies: ready("2"), memory, nowMs: 1001 }))), ["SetUp s"])
  })

  it("golden: missing-configmap-volume: users hear again at each try, and the object's coming ends the wait", () => {
    const missing = new Map([["s", Supply.Failed({ message: "secret \"x\" not found" })]])
    let memory = fresh
    const heardAt: Array<number> = []
    for (let nowMs = 0; nowMs <= 7000; nowMs += 100) {
      const plan = planVolumes(input({ supplies: missing, memory, nowMs }))
      memory = plan.memory
      if (plan.failures.length > 0) heardAt.push(nowMs)
    }
    assert.deepStrictEqual(heardAt, [0, 500, 1500, 3500])
    assert.include(tags(planVolumes(input({ supplies: ready("1"), memory, nowMs: 7001 }))), "SetUp s")
  })

  it("that failed are tried again at once when the clock was set back since", () => {
    const memory = after(planVolumes(input({ supplies: ready("1") })), "no", 3_600_000)
    assert.lengthOf(planVolumes(input({ supplies: ready("1"), memory, nowMs: 0 })).actions, 2)
  })

  it("users are told what is missing when it takes too long", () => {
    const plan = planVolumes(input({ nowMs: 123_000 }))
    assert.strictEqual(
      plan.view.message,
      "Unable to attach or mount volumes: unmounted volumes=[e s], unattached volumes=[], " +
        "failed to process volumes=[]: context deadline exceeded"
    )
    assert.strictEqual(planVolumes(input({})).wakeAtMs, 123_000)
    const setBack = planVolumes(input({ nowMs: -3_600_000 }))
    assert.strictEqual(setBack.wakeAtMs, -3_600_000 + 123_000, "patience begins anew when the clock was set back")
    assert.strictEqual(setBack.view.message, "")
    const { memory } = setBack
    assert.notStrictEqual(planVolumes(input({ memory, nowMs: -3_600_000 + 123_000 })).view.message, "")
  })

  it("golden: missing-pvc: a claim that cannot be used is told at once and read again", () => {
    const claiming = podWith([{ name: "v", persistentVolumeClaim: { claimName: "absent" } }])
    const first = planVolumes(input({ desired: desiredVolumes(claiming, new Map()) }))
    assert.deepStrictEqual(tags(first), ["ReadClaims"])
    const message =
      "error processing PVC default/absent: failed to fetch PVC from API server: persistentvolumeclaims \"absent\" not found"
    const desired = desiredVolumes(claiming, new Map([["absent", { _tag: "Unusable", message }]]))
    const second = planVolumes(input({ desired, memory: after(first, message) }))
    assert.strictEqual(
      second.view.message,
      `Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[v]: ${message}`
    )
    assert.isEmpty(second.actions)
    assert.strictEqual(second.wakeAtMs, 500)
  })

  it("two volumes on one claim are one set-up", () => {
    const twice = podWith([
      { name: "a", persistentVolumeClaim: { claimName: "x" } },
      { name: "b", persistentVolumeClaim: { claimName: "x" } }
    ])
    const claim = {
      _tag: "Usable",
      volume: {
        specName: "pv",
        plugin: "kubernetes.io/local-volume",
        source: { _tag: "Local", path: "/d", fsType: "", mountOptions: [] },
        readOnly: false,
        block: false,
        groups: []
      }
    } as const
    const desired = desiredVolumes(twice, new Map([["x", claim]]))
    const plan = planVolumes(input({ desired }))
    assert.deepStrictEqual(tags(plan), ["SetUp a"])
    assert.isTrue(planVolumes(input({ desired, memory: after(plan) })).view.ready)
  })
})

const volume = {
  plugin: "kubernetes.io/empty-dir",
  specName: "e",
  path: "/r/pods/u1/volumes/kubernetes.io~empty-dir/e",
  block: false
}
const release = (changes: Partial<VolumesInput>) => planVolumes(input({ desired: undefined, ...changes }))

describe("I2: volumes that are to go", () => {
  it("wait for what is under way to be given up, even when it had failed before", () => {
    const busy = planVolumes(input({})).memory
    const first = release({ memory: busy, found: { ...nothing, volumes: [volume], leftovers: true } })
    assert.deepStrictEqual(first.actions, [{ _tag: "Cancel", lane: "up/e" }])
    const then = release({
      memory: abandon(first.memory, "up/e"),
      found: { ...nothing, volumes: [volume], leftovers: true }
    })
    assert.deepStrictEqual(tags(then), ["TearDown"])
  })

  it("go after the subpaths that are made of them, the folders last", () => {
    const sub = "/r/pods/u1/volume-subpaths/e/c/0"
    const found = { volumes: [volume], mounts: [{ mountPoint: sub }], leftovers: true }
    assert.deepStrictEqual(release({ found }).actions, [{ _tag: "TearDownSubPaths", mounts: [sub] }])
    assert.deepStrictEqual(tags(release({ found: { ...found, mounts: [] } })), ["TearDown"])
    assert.deepStrictEqual(tags(release({ found: { volumes: [], mounts: [], leftovers: true } })), ["RemoveFolders"])
    assert.isTrue(release({}).released)
  })

  it("are not gone while one is being taken down whose place has gone: its driver unstages it", () => {
    const taking = release({ found: { ...nothing, volumes: [volume], leftovers: true } })
    assert.isFalse(release({ memory: taking.memory }).released)
    assert.isTrue(release({ memory: after(taking) }).released)
  })

  it("that an earlier agent left go without anybody remembering them", () =>
    assert.deepStrictEqual(
      tags(release({ found: { ...nothing, volumes: [volume, { ...volume, path: "/x" }], leftovers: true } })),
      ["TearDown", "TearDown"]
    ))

  it("mounts come off innermost first, of a stack the newest first", () =>
    assert.deepStrictEqual(
      mountsToRemove(
        [{ mountPoint: "/a" }, { mountPoint: "/a/b/c" }, { mountPoint: "/a/b" }, { mountPoint: "/ab" }],
        "/a"
      ),
      ["/a/b/c", "/a/b", "/a"]
    ))
})
