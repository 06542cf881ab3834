import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { readFields } from "../../../../src/layers/api/memory/fields.ts"
import { readKinds } from "../../../../src/layers/api/memory/kinds.ts"
import { parseFieldSelector } from "../../../../src/layers/api/memory/selectFields.ts"
import { parseLabelSelector, selectorHolds } from "../../../../src/layers/api/memory/selectLabels.ts"

const kinds = readKinds(readFields())
const kind = (name: string) => kinds.find((one) => one.kind === name) ?? kinds[0]!

const labels = { app: "web", tier: "front", "a.b/c": "", n: "5" }

describe("label selectors", () => {
  it.each([
    { selector: "", want: true, why: "nothing asked, everything found" },
    { selector: "app=web", want: true, why: "equality" },
    { selector: "app==db", want: false, why: "equality, doubled sign" },
    { selector: "app!=db", want: true, why: "inequality" },
    { selector: "none!=db", want: true, why: "what is absent differs" },
    { selector: "app in (db, web),tier=front", want: true, why: "a set and another requirement" },
    { selector: "app notin (web)", want: false, why: "not in a set" },
    { selector: "none notin (web)", want: true, why: "what is absent is in no set" },
    { selector: "a.b/c", want: true, why: "presence, of an empty value too" },
    { selector: "!a.b/c", want: false, why: "absence" },
    { selector: "a.b/c=", want: true, why: "an empty value" },
    { selector: "n>4,n<6", want: true, why: "numbers" },
    { selector: "constructor", want: false, why: "names of JavaScript mean nothing" }
  ])("$selector: $why", ({ selector, want }) => {
    assert.strictEqual(Result.getOrThrow(parseLabelSelector(selector))(labels), want)
  })

  it.each(["a===b", "a in b", "a in (b", "=x", "a b"])("refuses %s", (selector) => {
    const outcome = parseLabelSelector(selector)
    assert.strictEqual(Result.isFailure(outcome) ? outcome.failure.code : 0, 400)
  })

  it("a structured selector holds when all its parts do", () => {
    const expression = (operator: string, values?: ReadonlyArray<string>) => ({ key: "app", operator, values })
    assert.isTrue(selectorHolds({ matchLabels: { app: "web" }, matchExpressions: [expression("Exists")] }, labels))
    assert.isFalse(selectorHolds({ matchExpressions: [expression("NotIn", ["web"])] }, labels))
    assert.isTrue(selectorHolds({}, labels))
    assert.isFalse(selectorHolds(undefined, labels))
  })
})

const pod = {
  metadata: { name: "p", namespace: "ns" },
  spec: { nodeName: "n1", restartPolicy: "Always" },
  status: { phase: "Running" }
}
const event = {
  metadata: { name: "e" },
  involvedObject: { kind: "Pod", name: "p,=", uid: "u" },
  reason: "Started",
  type: "Normal",
  source: { component: "kubelet" }
}

describe("field selectors", () => {
  it.each([
    { of: "Pod", object: pod, selector: "spec.nodeName=n1", want: true },
    { of: "Pod", object: pod, selector: "spec.nodeName=n1,status.phase!=Running", want: false },
    { of: "Pod", object: pod, selector: "spec.nodeName==", want: false },
    { of: "Pod", object: pod, selector: "metadata.name=p,metadata.namespace=ns", want: true },
    { of: "Pod", object: pod, selector: "spec.hostNetwork=false", want: true },
    { of: "Event", object: event, selector: String.raw`involvedObject.name=p\,\=,involvedObject.kind=Pod`, want: true },
    { of: "Event", object: event, selector: "source=kubelet,reason=Started,type=Normal", want: true },
    { of: "Node", object: { spec: { unschedulable: true } }, selector: "spec.unschedulable=true", want: true },
    { of: "Secret", object: { type: "Opaque" }, selector: "type=Opaque", want: true }
  ])("$of $selector", ({ object, of, selector, want }) => {
    assert.strictEqual(Result.getOrThrow(parseFieldSelector(kind(of), selector)).matches(object), want)
  })

  it("knows which values must be equal, for the index", () => {
    const { exact } = Result.getOrThrow(parseFieldSelector(kind("Pod"), "spec.nodeName=n1,status.phase!=Failed"))
    assert.deepStrictEqual([...exact], [["spec.nodeName", "n1"]])
  })

  it("refuses a field that the kind cannot be selected by", () => {
    const outcome = parseFieldSelector(kind("ConfigMap"), "spec.nodeName=n1")
    assert.match(Result.isFailure(outcome) ? outcome.failure.message : "", /field label not supported: spec\.nodeName/)
  })
})
