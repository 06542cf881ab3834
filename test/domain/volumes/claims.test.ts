import { assert, describe, it } from "@effect/vitest"
import { Lookup } from "../../../src/domain/config/lookups.ts"
import { claimState } from "../../../src/domain/volumes/claims.ts"
import { podWith } from "./pods.ts"

const stateOn = (labels: Readonly<Record<string, string>> | undefined) =>
  claimState(podWith([]), {
    claimName: "c",
    ephemeral: false,
    claim: Lookup.Found({
      value: {
        metadata: { name: "c", namespace: "default", uid: "cu" },
        spec: { volumeName: "pv" },
        status: { phase: "Bound" }
      }
    }),
    volume: Lookup.Found({
      value: {
        metadata: { name: "pv" },
        spec: {
          claimRef: { uid: "cu" },
          local: { path: "/disk" },
          nodeAffinity: {
            required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In", values: ["a"] }] }] }
          }
        }
      }
    }),
    node: labels === undefined ? undefined : { metadata: { name: "n1", labels } }
  })

describe("I13: a local volume is of certain nodes", () => {
  it.each([
    { labels: { zone: "a" }, want: "Usable", why: "one of them" },
    { labels: { zone: "b" }, want: "Unusable", why: "another: its directory of that name is not the volume" },
    { labels: undefined, want: "Usable", why: "not known yet: the scheduler has looked" }
  ])("$want: $why", ({ labels, want }) => assert.strictEqual(stateOn(labels)._tag, want))

  it("says so in the kubelet's words", () => {
    const state = stateOn({})
    assert.include(state._tag === "Unusable" ? state.message : "", "no matching NodeSelectorTerms")
  })
})
