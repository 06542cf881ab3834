import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { at, objectsOf } from "../../../src/domain/k8s/json.ts"
import * as resources from "../../../src/domain/k8s/resources.ts"
import * as SimNode from "../../fixture/node/simNode.ts"

const pass = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds }), () => TestClock.adjust("1 second"), { discard: true })

const started = Effect.gen(function*() {
  const node = yield* SimNode.make()
  yield* node.start
  const shown = () => node.api.objects(resources.nodes)[0]
  const readiness = () =>
    objectsOf(at(shown(), "status", "conditions")).find(({ type }) => type === "Ready")?.["status"]
  const version = () => shown()?.metadata.resourceVersion
  yield* pass(30)
  return { node, readiness, version }
})

it.effect("B3: a status is told again that was told before the last one", () =>
  Effect.gen(function*() {
    const { node, readiness } = yield* started
    const seen: Array<unknown> = [readiness()]
    for (const problem of ["down", undefined, "down", undefined]) {
      node.runtime.conditions.runtime = problem
      yield* pass(30)
      seen.push(readiness())
    }
    assert.deepStrictEqual(seen, ["True", "False", "True", "False", "True"])
  }))

it.effect("B3: what somebody else has written over is told again; as long as all is as it was, nothing is", () =>
  Effect.gen(function*() {
    const { node, readiness, version } = yield* started
    const before = version()
    yield* pass(120)
    assert.strictEqual(version(), before)
    const conditions = [{ type: "Ready", status: "Unknown", reason: "NodeStatusUnknown" }]
    yield* node.client.patch(resources.nodes, { name: "n1" }, { type: "strategic", body: { status: { conditions } } }, {
      subresource: "status"
    })
    assert.strictEqual(readiness(), "Unknown")
    yield* pass(15)
    assert.strictEqual(readiness(), "True")
  }))
