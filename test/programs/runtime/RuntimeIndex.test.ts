import { assert, describe, it } from "@effect/vitest"
import type { ObservedContainer } from "../../../src/domain/pod/model.ts"
import type { Listing } from "../../../src/domain/runtime/listing.ts"
import { RuntimeIndex } from "../../../src/programs/runtime/RuntimeIndex.ts"

const sandbox = (state: string) => ({ id: "s", uid: "u", name: "web", namespace: "default", state })
const container = (state: string) => ({ id: "c", uid: "u", sandboxId: "s", state })
const known: Listing = { sandboxes: [sandbox("s0")], containers: [container("c1")] }

/** Everything as in `known`, and looked at. */
const seen = () => {
  const index = new RuntimeIndex()
  index.take(known, index.ids())
  index.noteState("s", "s0")
  index.noteState("c", "c1")
  return index
}
const changedPods = (index: RuntimeIndex, next: Listing) => index.take(next, index.ids()).map(({ uid }) => uid)

describe("what a listing changes", () => {
  it.each<{ next: Listing; want: ReadonlyArray<string>; why: string }>([
    { next: known, want: [], why: "the same again is no change" },
    { next: { ...known, containers: [container("c2")] }, want: ["u"], why: "a container exited" },
    { next: { ...known, sandboxes: [sandbox("s1")] }, want: ["u"], why: "a sandbox is not ready any more" },
    { next: { ...known, containers: [] }, want: ["u"], why: "a container vanished" },
    { next: { sandboxes: [], containers: [] }, want: ["u", "u"], why: "all of a pod vanished" },
    {
      next: { ...known, containers: [container("c1"), { id: "d", uid: "v", sandboxId: "t", state: "c0" }] },
      want: ["v"],
      why: "only the pod that something appeared in"
    }
  ])("G1: $want: $why", ({ next, want }) => assert.deepStrictEqual(changedPods(seen(), next), want))

  it("G1: what nobody has looked at since is told by each listing", () => {
    const index = seen()
    const next = { ...known, containers: [container("c2")] }
    assert.deepStrictEqual(changedPods(index, next), ["u"])
    assert.deepStrictEqual(changedPods(index, next), ["u"])
    index.noteState("c", "c2")
    assert.deepStrictEqual(changedPods(index, next), [])
  })

  it("G1: what is noted while the lists are under way has not vanished", () => {
    const index = new RuntimeIndex()
    const before = index.ids()
    index.noteContainer("u", "s", "c")
    assert.deepStrictEqual(index.take({ sandboxes: [], containers: [] }, before), [])
    assert.strictEqual(index.ownerOf("c"), "u")
  })

  it("a pod of which nothing is left is not known any more", () => {
    const index = new RuntimeIndex()
    index.take(known, index.ids())
    index.take({ sandboxes: [], containers: [] }, index.ids())
    assert.deepStrictEqual(index.pods(), [])
    assert.isUndefined(index.ownerOf("s"))
  })
})

describe("O4: the end of a container is told", () => {
  const exited = {} as ObservedContainer
  const after = (happens: (index: RuntimeIndex) => void): number => {
    const index = new RuntimeIndex()
    index.take(known, index.ids())
    let told = 0
    index.onEnd("c", () => told++)
    happens(index)
    return told
  }

  it.each<{ happens: (index: RuntimeIndex) => void; want: number; why: string }>([
    { happens: () => {}, want: 0, why: "not while it runs" },
    { happens: (index) => index.take(known, index.ids()), want: 0, why: "not by a listing that shows it as before" },
    { happens: (index) => index.noteExited("c", exited), want: 1, why: "when a look shows that it has exited" },
    { happens: (index) => index.drop("u", "c"), want: 1, why: "when it is found to be gone" },
    { happens: (index) => index.forget("u"), want: 1, why: "when its pod is forgotten" },
    {
      happens: (index) => {
        index.noteExited("c", exited)
        index.drop("u", "c")
      },
      want: 1,
      why: "once"
    }
  ])("O4: $want: $why", ({ happens, want }) => assert.strictEqual(after(happens), want))

  it("O4: at once for a container that has ended or is not known, and never to who has gone", () => {
    const index = new RuntimeIndex()
    let told = 0
    index.onEnd("unknown", () => told++)
    assert.strictEqual(told, 1)
    index.take(known, index.ids())
    index.onEnd("c", () => told++)()
    index.noteExited("c", exited)
    assert.strictEqual(told, 1)
  })
})
