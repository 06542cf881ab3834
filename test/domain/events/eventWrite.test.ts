import { assert, describe, it } from "@effect/vitest"
import type { Entry } from "../../../src/domain/events/correlate.ts"
import { eventObject, eventPatch, nextEvent } from "../../../src/domain/events/eventWrite.ts"
import { fullBucket, takeAhead, tryTake } from "../../../src/domain/events/tokenBucket.ts"

const entry: Entry = {
  key: "k",
  subject: {
    apiVersion: "v1",
    kind: "Pod",
    namespace: "shop",
    name: "web-0",
    uid: "u1",
    resourceVersion: "42",
    fieldPath: "spec.containers{web}"
  },
  text: { type: "Normal", reason: "Started", message: "Container started" },
  atMs: 1_700_000_000_123
}

describe("the Event object", () => {
  it("T1: has source, reporter, reference, times and count as kubectl expects them", () => {
    assert.deepStrictEqual(eventObject(nextEvent(undefined, entry, 5), entry, "n1"), {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "web-0.17979cfe3d7ed4c5", namespace: "shop" },
      involvedObject: {
        kind: "Pod",
        name: "web-0",
        uid: "u1",
        namespace: "shop",
        apiVersion: "v1",
        resourceVersion: "42",
        fieldPath: "spec.containers{web}"
      },
      reason: "Started",
      message: "Container started",
      source: { component: "kubelet", host: "n1" },
      firstTimestamp: "2023-11-14T22:13:20Z",
      lastTimestamp: "2023-11-14T22:13:20Z",
      count: 1,
      type: "Normal",
      reportingComponent: "kubelet",
      reportingInstance: "n1"
    })
  })

  it("T1: one on the node lies in default and refers to no namespace or version", () => {
    const node: Entry = { ...entry, subject: { apiVersion: "", kind: "Node", namespace: "", name: "n1", uid: "n1" } }
    const object = eventObject(nextEvent(undefined, node, 0), node, "n1")
    assert.strictEqual(object.metadata.namespace, "default")
    assert.deepStrictEqual(object.involvedObject, { kind: "Node", name: "n1", uid: "n1" })
  })

  it("T1: a repeat keeps name and first time and raises the count; an older repeat does not turn time back", () => {
    const first = nextEvent(undefined, entry, 0)
    const second = nextEvent(first, { ...entry, atMs: entry.atMs + 61_000 }, 1)
    const third = nextEvent(second, entry, 2)
    assert.deepStrictEqual([second.name, second.firstMs, second.count], [first.name, first.firstMs, 2])
    assert.deepStrictEqual(eventPatch(third, entry), {
      count: 3,
      lastTimestamp: "2023-11-14T22:14:21Z",
      message: "Container started"
    })
  })

  it("T1: names of one millisecond differ, and long ones fit an object's name", () => {
    const named = (name: string, sequence: number) =>
      nextEvent(undefined, { ...entry, subject: { ...entry.subject, name } }, sequence).name
    assert.notStrictEqual(named("web", 0), named("web", 1))
    const long = named(`${"a".repeat(235)}.${"b".repeat(17)}`, 0)
    assert.isAtMost(long.length, 253)
    assert.match(long, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/)
  })
})

describe("budgets", () => {
  const rate = { everyMs: 20, burst: 2 }
  it("T1: a burst passes, then one at a time as tokens come back", () => {
    let bucket = fullBucket(rate, 0)
    const waits = [0, 0, 0, 0].map(() => {
      const taken = takeAhead(bucket, rate, 0)
      bucket = taken.bucket
      return taken.waitMs
    })
    assert.deepStrictEqual(waits, [0, 0, 20, 40])
  })

  it("T1: a clock that goes back brings no tokens and takes none", () => {
    const used = tryTake(fullBucket(rate, 1000), rate, 1000)
    assert.isDefined(used)
    assert.strictEqual(tryTake(used, rate, 0)?.tokens, 0)
  })
})
