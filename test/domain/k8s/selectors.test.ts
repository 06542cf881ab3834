import { assert, describe, it } from "@effect/vitest"
import { isSelected } from "../../../src/domain/k8s/selectors.ts"

describe("a label selector", () => {
  it.each([
    [{ key: "k", operator: "In", values: ["1"] }, true],
    [{ key: "k", operator: "NotIn", values: ["1"] }, false],
    [{ key: "no", operator: "NotIn", values: ["1"] }, true],
    [{ key: "k", operator: "Exists" }, true],
    [{ key: "constructor", operator: "Exists" }, false],
    [{ key: "no", operator: "DoesNotExist" }, true],
    [{ key: "k", operator: "Like" }, false]
  ])(
    "%j: %s",
    (requirement, want) => assert.strictEqual(isSelected({ matchExpressions: [requirement] }, { k: "1" }), want)
  )

  it.each([
    { selector: undefined, want: false, why: "none selects nothing" },
    { selector: {}, want: true, why: "an empty one selects all" },
    { selector: { matchLabels: { k: "1" } }, want: true, why: "the label has the value" },
    { selector: { matchLabels: { k: "2" } }, want: false, why: "the label has another" },
    { selector: { matchLabels: { k: "1", no: "" } }, want: false, why: "an absent label is not an empty one" }
  ])("$why", ({ selector, want }) => assert.strictEqual(isSelected(selector, { k: "1" }), want))
})
