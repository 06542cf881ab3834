import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  type ContainerRecord,
  type DeadContainerPolicy,
  deadContainers
} from "../../../src/domain/gc/deadContainers.ts"
import { oldSandboxes, type SandboxRecord } from "../../../src/domain/gc/oldSandboxes.ts"

const kubelet: DeadContainerPolicy = { maxPerContainer: 1, maxTotal: -1, minAgeMs: 0 }

/** `pod/name@createdAt#attempt state`, and its id is `name@createdAt#attempt`; an attempt of 0 may be left out. */
const record = (text: string): ContainerRecord => {
  const [place = "", state = "Exited"] = text.split(" ")
  const [podUid = "", rest = ""] = place.split("/")
  const [name = "", at = "0", attempt = "0"] = rest.split(/[@#]/)
  return {
    id: rest,
    podUid,
    name,
    attempt: Number(attempt),
    createdAtMs: Number(at),
    state: state === "Running" || state === "Created" || state === "Unknown" ? state : "Exited"
  }
}

describe("dead containers", () => {
  it.each<{
    records: ReadonlyArray<string>
    policy?: Partial<DeadContainerPolicy>
    gone?: ReadonlyArray<string>
    want: ReadonlyArray<string>
    why: string
  }>([
    { records: ["p/a@1", "p/a@2", "p/a@3"], want: ["a@1", "a@2"], why: "the newest one of a name is kept" },
    { records: ["p/a@1#1", "p/a@2#0"], want: ["a@2#0"], why: "the later attempt, though the clock was set back since" },
    { records: ["p/a@1", "p/a@2 Running"], want: [], why: "one dead beside the running one is kept" },
    { records: ["p/a@1", "p/a@2", "p/a@3 Running"], want: ["a@1"], why: "running ones do not count" },
    { records: ["p/a@1", "p/b@2"], want: [], why: "names are counted apart" },
    { records: ["p/a@1", "q/a@2"], want: [], why: "pods are counted apart" },
    { records: ["p/a@1", "p/a@2 Unknown"], want: ["a@1"], why: "unknown is dead" },
    { records: ["p/a@1", "p/a@2 Created"], want: [], why: "a record just made is about to start" },
    { records: ["p/a@1 Created", "p/a@2", "p/a@3"], want: ["a@1", "a@2"], why: "one that was never started is dead" },
    { records: ["p/a@1", "p/a@2"], gone: ["p"], want: ["a@1", "a@2"], why: "of a pod that is gone nothing is kept" },
    { records: ["p/a@1 Running"], gone: ["p"], want: [], why: "ending what runs is not a matter of garbage" },
    {
      records: ["p/a@1", "p/a@2"],
      policy: { maxPerContainer: -1 },
      want: [],
      why: "a negative number is no limit"
    },
    { records: ["p/a@1"], policy: { maxPerContainer: 0 }, want: ["a@1"], why: "none may be kept" },
    {
      records: ["p/a@1", "p/a@901", "p/a@950"],
      policy: { minAgeMs: 100 },
      want: [],
      why: "of those old enough there is only one"
    },
    {
      records: ["p/a@1", "p/a@2", "p/a@3", "p/b@4"],
      policy: { maxPerContainer: -1, maxTotal: 2 },
      want: ["a@1", "a@2"],
      why: "a limit over all is shared evenly"
    },
    {
      records: ["p/a@1", "p/b@2", "p/c@3"],
      policy: { maxTotal: 2 },
      want: ["a@1"],
      why: "where even one of each is too many, the oldest goes"
    },
    { records: ["p/a@1", "p/b@2"], policy: { maxTotal: 0 }, want: ["a@1", "b@2"], why: "none at all may be kept" }
  ])("G3: $want of $records, because $why", ({ gone = [], policy = {}, records, want }) => {
    const found = deadContainers(records.map(record), { ...kubelet, ...policy }, {
      isWanted: (uid) => !gone.includes(uid),
      nowMs: 1000
    })
    assert.deepStrictEqual(found, want)
  })

  it("G3: never takes what runs, never leaves too many of a name, never takes a newer before an older", () => {
    const records = fc.uniqueArray(
      fc.record({
        podUid: fc.constantFrom("p", "q"),
        attempt: fc.constant(0),
        name: fc.constantFrom("a", "b"),
        createdAtMs: fc.nat(50),
        state: fc.constantFrom("Created" as const, "Running" as const, "Exited" as const, "Unknown" as const),
        id: fc.uuid()
      }),
      { selector: ({ id }) => id }
    )
    fc.assert(fc.property(records, fc.integer({ min: 0, max: 3 }), (all, maxPerContainer) => {
      const removed = new Set(
        deadContainers(all, { ...kubelet, maxPerContainer }, { isWanted: () => true, nowMs: 100 })
      )
      for (const { id, state } of all) if (removed.has(id)) assert.notStrictEqual(state, "Running")
      for (const podUid of ["p", "q"]) {
        for (const name of ["a", "b"]) {
          const left = all.filter((each) =>
            each.podUid === podUid && each.name === name && each.state !== "Running" && !removed.has(each.id)
          )
          // One more may be about to start.
          assert.isAtMost(left.length, maxPerContainer + 1)
          const goneNewest = Math.max(
            -1,
            ...all.filter((each) => each.podUid === podUid && each.name === name && removed.has(each.id))
              .map(({ createdAtMs }) => createdAtMs)
          )
          assert.isTrue(left.every(({ createdAtMs }) => createdAtMs >= goneNewest))
        }
      }
    }))
  })
})

describe("sandboxes", () => {
  const sandbox = (id: string, createdAtMs: number, ready = false, podUid = "p"): SandboxRecord => ({
    id,
    podUid,
    attempt: 0,
    createdAtMs,
    ready
  })
  it.each<{
    records: ReadonlyArray<SandboxRecord>
    inUse?: ReadonlyArray<string>
    gone?: boolean
    want: ReadonlyArray<string>
    why: string
  }>([
    { records: [sandbox("s1", 1), sandbox("s2", 2, true)], want: ["s1"], why: "it was replaced" },
    { records: [sandbox("s1", 1)], want: [], why: "the newest of a living pod tells what became of it" },
    { records: [sandbox("s1", 1), sandbox("s2", 2)], want: ["s1"], why: "only the newest is kept" },
    {
      records: [{ ...sandbox("s1", 1), attempt: 1 }, sandbox("s2", 2)],
      want: ["s2"],
      why: "only the latest attempt is, though the clock was set back since"
    },
    {
      records: [sandbox("s1", 1), sandbox("s2", 2, true)],
      inUse: ["s1"],
      want: [],
      why: "it still holds containers"
    },
    { records: [sandbox("s1", 1)], gone: true, want: ["s1"], why: "its pod is gone" },
    { records: [sandbox("s1", 1, true)], gone: true, want: [], why: "what is ready is not garbage" },
    { records: [sandbox("s1", 1, true), sandbox("s2", 2, true)], want: [], why: "what is ready is not garbage" }
  ])("G3: $want, because $why", ({ gone = false, inUse = [], records, want }) => {
    assert.deepStrictEqual(oldSandboxes(records, new Set(inUse), () => !gone), want)
  })
})
