import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { ClusterTrustBundle } from "../../../src/domain/k8s/clusterTrustBundle.ts"
import { missingTrust, trustAnchors, type TrustWish } from "../../../src/domain/volumes/trustBundles.ts"

const pem = (...bodies: ReadonlyArray<string>) =>
  bodies.map((body) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`).join("")

const bundle = (name: string, trustBundle: string, signerName = "", labels = {}): ClusterTrustBundle => ({
  metadata: { name, labels },
  spec: { signerName, trustBundle }
})

const wish = (changes: Partial<TrustWish>): TrustWish => ({
  name: undefined,
  signerName: undefined,
  labelSelector: undefined,
  ...changes
})

const textOf = (bundles: ReadonlyArray<ClusterTrustBundle>, of: Partial<TrustWish>) => {
  const found = trustAnchors(bundles, wish(of))
  return found._tag === "Found" ? found.value : found._tag
}

const some = [
  bundle("a", `a comment\n${pem("BB", "AA")}and more`),
  bundle("x:one", pem("AA"), "x", { ring: "1" }),
  bundle("x:two", pem("AA", "CC"), "x", { ring: "2" })
]

describe("I8: authorities that a volume shows", () => {
  it("by name: each once, in an order of their own, nothing between them", () =>
    assert.strictEqual(textOf(some, { name: "a" }), pem("AA", "BB")))

  it.each([
    { labelSelector: {}, want: pem("AA", "CC"), why: "an empty selector selects all of the signer" },
    { labelSelector: { matchLabels: { ring: "1" } }, want: pem("AA"), why: "labels are matched" },
    { labelSelector: undefined, want: "Missing", why: "no selector selects nothing" },
    { labelSelector: { matchLabels: { ring: "9" } }, want: "Missing", why: "nothing fits" }
  ])(
    "by signer: $why",
    ({ labelSelector, want }) => assert.strictEqual(textOf(some, { signerName: "x", labelSelector }), want)
  )

  it("stay the same whatever order bundles come in", () =>
    fc.assert(
      fc.property(fc.shuffledSubarray([...some], { minLength: 3 }), (mixed) =>
        textOf(mixed, { signerName: "x", labelSelector: {} }) === pem("AA", "CC"))
    ))

  it("long ones are folded as PEM is", () =>
    assert.strictEqual(
      textOf([bundle("l", pem("A".repeat(70)))], { name: "l" }),
      pem(`${"A".repeat(64)}\n${"A".repeat(6)}`)
    ))

  it("missing ones are told by what was asked for", () => {
    assert.include(missingTrust(wish({ name: "a" })), "clustertrustbundle.certificates.k8s.io \"a\" not found")
    assert.include(missingTrust(wish({ signerName: "x" })), "matched zero ClusterTrustBundles")
  })
})
