import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { isLost, nextStep, retryDelayMs, rotationAtMs } from "../../../src/domain/certificates/rotation.ts"
import { requestName, signingRequest, usagesFor, verdictOf } from "../../../src/domain/certificates/signingRequest.ts"
import {
  type CertificateFacts,
  clientTemplate,
  mismatch,
  servingTemplate
} from "../../../src/domain/certificates/template.ts"

const template = clientTemplate("n1")
const facts = (differences: Partial<CertificateFacts> = {}): CertificateFacts => ({
  commonName: "system:node:n1",
  organizations: ["system:nodes"],
  dnsNames: [],
  ips: [],
  notBeforeMs: 0,
  notAfterMs: 1000,
  ...differences
})

describe("when a certificate is asked for", () => {
  const situation = { current: facts(), template, adopted: false, nowMs: 500, dice: 0 }
  it.each([
    { given: { template: undefined, current: undefined }, want: "Idle", why: "nobody knows yet what it should say" },
    { given: { current: undefined }, want: "Ask none", why: "there is none" },
    { given: {}, want: "Wait 700", why: "it is young" },
    { given: { dice: 1 }, want: "Wait 900", why: "another node waits longer" },
    { given: { nowMs: 700 }, want: "Ask due", why: "its time has come" },
    { given: { nowMs: 1000 }, want: "Ask expired", why: "it is over" },
    { given: { adopted: true }, want: "Ask replaced", why: "it is somebody else's" },
    { given: { current: facts({ commonName: "system:node:old" }) }, want: "Ask names", why: "the node has a new name" },
    { given: { current: facts({ organizations: ["x"] }) }, want: "Ask names", why: "it is in the wrong group" },
    { given: { adopted: true, nowMs: 1000 }, want: "Ask expired", why: "being over comes first: others may ask then" }
  ])("A11, A12: $want: $why", ({ given, want }) => {
    const step = nextStep({ ...situation, ...given })
    const told = step._tag === "Idle"
      ? "Idle"
      : step._tag === "Ask"
      ? `Ask ${step.why}`
      : `Wait ${step.untilMs}`
    assert.strictEqual(told, want)
  })

  it("A12: is always between 70 % and 90 % of its life", () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 41 }),
        fc.integer({ min: 1000, max: 2 ** 37 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (notBeforeMs, lifeMs, dice) => {
          const part = (rotationAtMs({ notBeforeMs, notAfterMs: notBeforeMs + lifeMs }, dice) - notBeforeMs) / lifeMs
          return part >= 0.7 - 1e-3 && part <= 0.9 + 1e-3
        }
      )
    ))

  it("A11: pauses after failures are 2, 4, 8, 16 s, then 32 s for good, a tenth longer at most", () => {
    assert.deepStrictEqual([1, 2, 3, 4, 5, 6, 99].map((failures) => retryDelayMs(failures, 0)), [
      2000,
      4000,
      8000,
      16_000,
      32_000,
      32_000,
      32_000
    ])
    assert.strictEqual(retryDelayMs(1, 1), 2200)
  })

  it.each([
    { given: { nowMs: 300_001 }, want: true, why: "the server answers, but gives none" },
    { given: { nowMs: 300_000 }, want: false, why: "five minutes are not over" },
    { given: { nowMs: 900_000, serverAnswers: false }, want: false, why: "a new start would not help" }
  ])(
    "A12: given up $want: $why",
    ({ given, want }) => assert.strictEqual(isLost({ lastValidMs: 0, serverAnswers: true, ...given }), want)
  )
})

describe("what a serving certificate says", () => {
  const of = (...addresses: ReadonlyArray<string>) =>
    addresses.map((address) => ({ type: "InternalIP" as const, address }))
  it.each([
    { given: of(), dnsOnly: true, want: undefined, why: "nothing to say" },
    { given: of("n1"), dnsOnly: false, want: undefined, why: "a name alone has to wait for an address" },
    { given: of("n1"), dnsOnly: true, want: ["n1"], why: "unless the gate lets it be" },
    {
      given: of("n1", "10.0.0.2", "fd00::1", "10.0.0.2"),
      dnsOnly: false,
      want: ["n1", "10.0.0.2", "fd00::1"],
      why: "all"
    },
    {
      given: of("10.0.0.9", "", "10.0.0.1"),
      dnsOnly: false,
      want: ["10.0.0.1", "10.0.0.9"],
      why: "in an order of its own"
    }
  ])("A13: $want: $why", ({ dnsOnly, given, want }) => {
    const made = servingTemplate("n1", given, { allowDnsOnly: dnsOnly })
    assert.deepStrictEqual(made === undefined ? undefined : [...made.dnsNames, ...made.ips], want)
  })

  it("A13: is told what it lacks, and may say more", () => {
    const wanted = servingTemplate("n1", of("n1", "10.0.0.2"), { allowDnsOnly: false })
    assert.isDefined(wanted)
    assert.strictEqual(mismatch(facts({ dnsNames: ["n1"] }), wanted), "it lacks 10.0.0.2")
    assert.isUndefined(mismatch(facts({ dnsNames: ["n1", "old"], ips: ["10.0.0.2", "10.0.0.3"] }), wanted))
  })
})

describe("a certificate signing request", () => {
  it("A11: is the kubelet's", () => {
    assert.deepStrictEqual(signingRequest({ template, usages: template.usages, request: "cGVt", name: "node-csr-1" }), {
      apiVersion: "certificates.k8s.io/v1",
      kind: "CertificateSigningRequest",
      metadata: { name: "node-csr-1" },
      spec: {
        request: "cGVt",
        signerName: "kubernetes.io/kube-apiserver-client-kubelet",
        usages: ["digital signature", "client auth"]
      }
    })
    assert.deepStrictEqual(signingRequest({ template, usages: [], request: "" }).metadata, { generateName: "csr-" })
  })

  it.each([
    { version: { major: "1", minor: "36" }, more: [], why: "says what keys of this kind can do" },
    { version: { major: "1", minor: "20+" }, more: ["key encipherment"], why: "says what old signers want to hear" },
    { version: undefined, more: [], why: "takes a server that does not tell for a new one" }
  ])(
    "A11: $why",
    ({ more, version }) => assert.deepStrictEqual(usagesFor(template, version), [...template.usages, ...more])
  )

  it("A11: has the same name for the same key and wish, and no other", () => {
    const name = requestName("k", template)
    assert.match(name, /^node-csr-[0-9a-f]{64}$/)
    assert.strictEqual(requestName("k", clientTemplate("n1")), name)
    assert.notStrictEqual(requestName("other", template), name)
    assert.notStrictEqual(requestName("k", clientTemplate("n2")), name)
  })

  const condition = (type: string) => ({ type, reason: "R", message: "m" })
  it.each([
    { status: undefined, want: "Pending" },
    { status: { conditions: [condition("Approved")] }, want: "Pending" },
    { status: { certificate: "eA==" }, want: "Pending" },
    { status: { conditions: [condition("Approved")], certificate: "eA==" }, want: "Issued" },
    { status: { conditions: [condition("Denied")] }, want: "Denied" },
    { status: { conditions: [condition("Approved"), condition("Failed")] }, want: "Failed" }
  ])("A11: $status is $want", ({ status, want }) => assert.strictEqual(verdictOf({ status })._tag, want))
})
