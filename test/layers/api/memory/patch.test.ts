import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { isObject, type JsonObject } from "../../../../src/domain/k8s/json.ts"
import { readFields } from "../../../../src/layers/api/memory/fields.ts"
import { applyPatchTo, type PatchRequest } from "../../../../src/layers/api/memory/patch.ts"

const fields = readFields()
const podShape = fields.shape("core/v1", "Pod")
const nodeShape = fields.shape("core/v1", "Node")
const deploymentShape = fields.shape("apps/v1", "Deployment")

const apply = (original: JsonObject, patch: PatchRequest, shape = podShape) =>
  Result.getOrThrowWith(applyPatchTo(original, patch, shape), (refusal) => new Error(refusal.message))

const strategic = (original: JsonObject, body: unknown, shape = podShape) =>
  apply(original, { type: "strategic", body }, shape)

const a = { name: "a", image: "1" }
const b = { name: "b", image: "2" }
const c = { name: "c", image: "3" }
const spec = (...containers: ReadonlyArray<unknown>) => ({ spec: { containers } })

describe("strategic merge patch", () => {
  it.each([
    {
      was: spec(a),
      patch: spec({ name: "a", tty: true }),
      want: spec({ ...a, tty: true }),
      why: "elements merge by key"
    },
    { was: spec(a), patch: spec(b), want: spec(a, b), why: "an element with a new key is added" },
    { was: spec(a, b), patch: spec({ $patch: "delete", name: "a" }), want: spec(b), why: "an element can be deleted" },
    { was: spec(a, b), patch: spec({ $patch: "replace" }, c), want: spec(c), why: "a list can be replaced" },
    {
      was: spec({ ...a, args: ["x", "y"] }),
      patch: spec({ name: "a", args: ["z"] }),
      want: spec({ ...a, args: ["z"] }),
      why: "a list without a key is replaced"
    },
    {
      was: spec({ ...a, tty: true }),
      patch: spec({ name: "a", tty: null }),
      want: spec(a),
      why: "null removes a field"
    },
    {
      was: spec(a, b, c),
      patch: { spec: { "$setElementOrder/containers": [{ name: "c" }, { name: "a" }, { name: "b" }] } },
      want: spec(c, a, b),
      why: "an order alone reorders"
    },
    {
      was: spec(a, b),
      patch: { spec: { "$setElementOrder/containers": [{ name: "c" }, { name: "b" }], containers: [c] } },
      want: spec(c, a, b),
      why: "what only the server has keeps its place before what followed it"
    },
    {
      was: { spec: { volumes: [{ name: "v", emptyDir: {} }] } },
      patch: { spec: { volumes: [{ name: "v", $retainKeys: ["name", "secret"], secret: { secretName: "s" } }] } },
      want: { spec: { volumes: [{ name: "v", secret: { secretName: "s" } }] } },
      why: "keys that are not retained go"
    },
    {
      was: { metadata: { finalizers: ["x", "y"] } },
      patch: { metadata: { finalizers: ["z"] } },
      want: { metadata: { finalizers: ["x", "y", "z"] } },
      why: "plain values merge as a set where the type says so"
    },
    {
      was: { metadata: { finalizers: ["x", "y"] } },
      patch: { metadata: { "$deleteFromPrimitiveList/finalizers": ["x"] } },
      want: { metadata: { finalizers: ["y"] } },
      why: "plain values can be deleted from a list"
    },
    {
      was: { metadata: { labels: { x: "1", y: "2" } } },
      patch: { metadata: { labels: { x: null, z: "3" } } },
      want: { metadata: { labels: { y: "2", z: "3" } } },
      why: "maps merge"
    },
    {
      was: { metadata: { labels: { x: "1" } } },
      patch: { metadata: { labels: { $patch: "replace", z: "3" } } },
      want: { metadata: { labels: { z: "3" } } },
      why: "a map can be replaced"
    },
    {
      was: { spec: { tolerations: [{ key: "x" }] } },
      patch: { spec: { tolerations: [{ key: "y" }] } },
      want: { spec: { tolerations: [{ key: "y" }] } },
      why: "tolerations are atomic"
    }
  ])("$why", ({ patch, want, was }) => {
    assert.deepStrictEqual(strategic(was, patch), want)
  })

  it("B3: addresses of a node are replaced by a directive, conditions merge by type", () => {
    const was = {
      status: {
        addresses: [{ type: "InternalIP", address: "1" }, { type: "InternalIP", address: "2" }],
        conditions: [{ type: "Ready", status: "False" }, { type: "Own", status: "True" }]
      }
    }
    const patch = {
      status: {
        addresses: [{ $patch: "replace" }, { type: "InternalIP", address: "3" }, { type: "InternalIP", address: "4" }],
        conditions: [{ type: "Ready", status: "True" }]
      }
    }
    assert.deepStrictEqual(strategic(was, patch, nodeShape), {
      status: {
        addresses: [{ type: "InternalIP", address: "3" }, { type: "InternalIP", address: "4" }],
        conditions: [{ type: "Ready", status: "True" }, { type: "Own", status: "True" }]
      }
    })
  })

  it("a deployment's strategy keeps only the keys that are sent", () => {
    const was = { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } }
    const patch = { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } }
    assert.deepStrictEqual(strategic(was, patch, deploymentShape), { spec: { strategy: { type: "Recreate" } } })
  })

  it("an element without its key is refused by name", () => {
    const outcome = applyPatchTo(spec(a), { type: "strategic", body: spec({ image: "x" }) }, podShape)
    assert.isTrue(
      Result.isFailure(outcome) && /does not contain declared merge key: name/.test(outcome.failure.message)
    )
  })

  it("shares what it leaves alone, and gives back the very same object when nothing changes", () => {
    const was = { ...spec(a, b), metadata: { labels: { x: "1" } } }
    const changed = strategic(was, { metadata: { labels: { y: "2" } } })
    assert.strictEqual(changed["spec"], was.spec)
    assert.strictEqual(strategic(was, spec({ name: "a", image: "1" })), was)
  })
})

const json = fc.dictionary(
  fc.constantFrom("x", "y", "z"),
  fc.oneof(fc.integer(), fc.string(), fc.dictionary(fc.constantFrom("x", "y"), fc.integer()))
)

/** What a merge patch has to be to get from one object to another. */
const difference = (from: JsonObject, to: JsonObject): JsonObject =>
  Object.fromEntries([...new Set([...Object.keys(from), ...Object.keys(to)])].map((key) => {
    const [before, after] = [from[key], to[key]]
    return [key, after === undefined ? null : isObject(before) && isObject(after) ? difference(before, after) : after]
  }))

describe("the other patches", () => {
  it("a merge patch made of the difference of two objects leads from one to the other", () => {
    fc.assert(fc.property(json, json, (from, to) => {
      assert.deepStrictEqual(apply(from, { type: "merge", body: difference(from, to) }), to)
    }))
  })

  it("operations apply in order, and none when one fails", () => {
    const was = { data: { k: "1" }, list: [1, 3] }
    const operations = [{ op: "add", path: "/list/1", value: 2 }, { op: "move", from: "/data/k", path: "/data/l" }]
    assert.deepStrictEqual(apply(was, { type: "json", body: operations }), { data: { l: "1" }, list: [1, 2, 3] })
    assert.deepStrictEqual(was, { data: { k: "1" }, list: [1, 3] })
    const failing = [...operations, { op: "remove", path: "/none" }]
    const outcome = applyPatchTo(was, { type: "json", body: failing }, podShape)
    assert.strictEqual(Result.isFailure(outcome) ? outcome.failure.code : 0, 422)
  })

  it.each([
    { type: "json" as const, body: { op: "add" }, why: "operations come as a list" },
    { type: "json" as const, body: [{ op: "upend", path: "/x" }], why: "an operation must be known" },
    { type: "merge" as const, body: [], why: "a merge patch is an object" },
    { type: "strategic" as const, body: "x", why: "a strategic patch is an object" }
  ])("$why", ({ body, type }) => {
    const outcome = applyPatchTo({}, { type, body }, podShape)
    assert.strictEqual(Result.isFailure(outcome) ? outcome.failure.code : 0, 400)
  })

  it("a key named __proto__ is data like any other", () => {
    const body: unknown = JSON.parse(`{"data":{"__proto__":"x"}}`)
    const patched = apply({ data: { k: "1" } }, { type: "merge", body })
    assert.strictEqual(JSON.stringify(patched), `{"data":{"k":"1","__proto__":"x"}}`)
  })
})
