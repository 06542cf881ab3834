import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { parseImageName } from "../../../src/domain/images/imageName.ts"
import {
  afterPull,
  authHash,
  credentialsUsed,
  intentText,
  isRecordFile,
  type PulledRecord,
  readIntent,
  readRecord,
  recordFile,
  recordText
} from "../../../src/domain/images/pullRecords.ts"
import { CredentialSource } from "../../../src/domain/images/pullSecrets.ts"
import {
  allowlistProblem,
  judge,
  needsVerification,
  type VerificationPolicy
} from "../../../src/domain/images/pullVerification.ts"

const named = (image: string) => Result.getOrThrow(parseImageName(image))
const auth = (password: string) => ({ username: "u", password })
const secret = (uid: string, password: string) => ({
  auth: auth(password),
  source: CredentialSource.Secret({ uid, namespace: "ns", name: `s-${uid}` })
})
const accountOf = (uid: string) => ({
  auth: auth("x"),
  source: CredentialSource.ServiceAccount({ uid, namespace: "ns", name: "sa" })
})
const now = "2026-11-22T00:00:00Z"
const after = (record: PulledRecord | undefined, added: ReturnType<typeof credentialsUsed> | undefined) =>
  afterPull(record, { imageRef: "sha256:1", repository: "r.io/app", added, now }) ?? record

describe("N7: records of pulls", () => {
  it("are files named by the hash of the image, as the kubelet names them", () => {
    // printf testimageref | sha256sum
    assert.strictEqual(
      recordFile("testimageref"),
      "sha256-b3c0cc4278800b03a308ceb2611161430df571ca733122f0a40ac8b9792a9064"
    )
    assert.isTrue(isRecordFile(recordFile("a")))
    assert.isFalse(isRecordFile(`${recordFile("a")}.tmp`))
  })

  it("are read back as written, and those of the kubelet too", () => {
    const record = after(undefined, credentialsUsed(secret("1", "p")))
    assert.deepStrictEqual(readRecord(recordText(record ?? assert.fail())), record)
    assert.strictEqual(readIntent(intentText("r.io/app:1")), "r.io/app:1")
    const kubelets = "{\"kind\":\"ImagePulledRecord\",\"apiVersion\":\"kubelet.config.k8s.io/v1alpha1\"," +
      "\"lastUpdatedTime\":\"2024-10-21T12:26:40Z\",\"imageRef\":\"r\",\"credentialMapping\":null}"
    assert.deepStrictEqual(readRecord(kubelets)?.credentialMapping, {})
    assert.isUndefined(readRecord("{\"kind\":\"ImagePullIntent\"}"))
    assert.isUndefined(readRecord("{"))
    assert.isUndefined(readIntent(""))
  })

  it("the hash of a credential is that of Go's JSON of it", () => {
    // printf '{"username":"u","password":"a\\u0026b"}' | sha256sum
    assert.strictEqual(authHash(auth("a&b")), "511c35813974d7f210c003539917ba900389c50f7a8a620f9a355576983c5fb2")
  })

  it("grow by what pulls were made with, and end with anonymous access", () => {
    const first = after(undefined, credentialsUsed(secret("2", "p")))
    const second = after(first, credentialsUsed(secret("1", "q")))
    assert.deepStrictEqual(
      second?.credentialMapping["r.io/app"]?.kubernetesSecrets?.map(({ name }) => name),
      ["s-1", "s-2"]
    )
    assert.strictEqual(after(second, credentialsUsed(secret("1", "q"))), second, "nothing new")
    const renewed = after(second, credentialsUsed(secret("1", "new")))
    assert.strictEqual(renewed?.credentialMapping["r.io/app"]?.kubernetesSecrets?.length, 2)
    const open = after(renewed, credentialsUsed(undefined))
    assert.deepStrictEqual(open?.credentialMapping, { "r.io/app": { nodePodsAccessible: true } })
    assert.strictEqual(after(open, credentialsUsed(secret("3", "p"))), open, "open to all is open to one")
  })

  it("a pull of unknown credentials is a record without any", () => {
    assert.deepStrictEqual(after(undefined, undefined)?.credentialMapping, {})
  })
})

describe("N7: who may use an image that is there", () => {
  const name = named("r.io/app:1")
  const record = after(undefined, credentialsUsed(secret("1", "p")))
  const policies: ReadonlyArray<VerificationPolicy> = [
    { kind: "NeverVerify" },
    { kind: "NeverVerifyPreloadedImages" },
    { kind: "AlwaysVerify" },
    { kind: "NeverVerifyAllowlistedImages", allowlist: ["r.io/app"] }
  ]

  it.each(
    [
      { kind: "NeverVerify", pulled: true, want: false },
      { kind: "NeverVerifyPreloadedImages", pulled: false, want: false },
      { kind: "NeverVerifyPreloadedImages", pulled: true, want: true },
      { kind: "AlwaysVerify", pulled: false, want: true }
    ] as const
  )("$kind, pulled by the agent $pulled → verify $want", ({ kind, pulled, want }) => {
    assert.strictEqual(needsVerification({ kind }, name, pulled), want)
  })

  it.each([
    { pattern: "r.io/app", want: false },
    { pattern: "r.io/*", want: false },
    { pattern: "r.io/ap", want: true },
    { pattern: "other.io/*", want: true }
  ])("the allow-list $pattern → verify $want", ({ pattern, want }) => {
    assert.strictEqual(
      needsVerification({ kind: "NeverVerifyAllowlistedImages", allowlist: [pattern] }, name, true),
      want
    )
  })

  it.each([
    { shown: [secret("1", "p")], want: "credentialRecordFound", learns: false, why: "the same secret" },
    { shown: [secret("9", "p")], want: "credentialRecordFound", learns: true, why: "another of the same content" },
    { shown: [secret("1", "new")], want: "credentialRecordFound", learns: true, why: "the same with new content" },
    { shown: [secret("9", "q")], want: "mustAuthenticate", learns: false, why: "a stranger" },
    { shown: [], want: "mustAuthenticate", learns: false, why: "nothing to show" },
    { shown: [accountOf("1")], want: "mustAuthenticate", learns: false, why: "an account is no secret" }
  ])("$why → $want", ({ learns, shown, want }) => {
    const { learned, verdict } = judge({ kind: "AlwaysVerify" }, { name, record, intended: false, shown })
    assert.strictEqual(verdict, want)
    assert.strictEqual(learned !== undefined, learns)
  })

  it("by the service account that a plugin was asked for", () => {
    const byAccount = after(undefined, credentialsUsed(accountOf("1")))
    const verdict = (uid: string) =>
      judge({ kind: "AlwaysVerify" }, { name, record: byAccount, intended: false, shown: [accountOf(uid)] }).verdict
    assert.strictEqual(verdict("1"), "credentialRecordFound")
    assert.strictEqual(verdict("2"), "mustAuthenticate")
  })

  it("of the same content under another name of the registry: not known, so to be shown", () => {
    const other = named("r.io/mirror:1")
    const { verdict } = judge({ kind: "NeverVerifyPreloadedImages" }, {
      name: other,
      record,
      intended: false,
      shown: [secret("1", "p")]
    })
    assert.strictEqual(verdict, "mustAuthenticate")
  })

  it("whoever pulled it may use it, whatever the policy; so may all after a pull without credentials", () => {
    const used = fc.constantFrom(undefined, secret("1", "p"), accountOf("3"))
    fc.assert(fc.property(fc.constantFrom(...policies), used, fc.boolean(), (policy, one, intended) => {
      const pulled = after(undefined, credentialsUsed(one))
      const { verdict } = judge(policy, { name, record: pulled, intended, shown: one === undefined ? [] : [one] })
      return verdict !== "mustAuthenticate"
    }))
  })

  it.each([
    { pattern: "r.io/app", ok: true },
    { pattern: "docker.io/library/busybox", ok: true },
    { pattern: "r.io/*", ok: true },
    { pattern: " r.io/app", ok: false },
    { pattern: "busybox", ok: false },
    { pattern: "r.io/app:1", ok: false },
    { pattern: "*.io/app", ok: false },
    { pattern: "/*", ok: false },
    { pattern: "", ok: false }
  ])("allow-list pattern \"$pattern\" is good: $ok", ({ ok, pattern }) => {
    assert.strictEqual(allowlistProblem(pattern) === undefined, ok)
  })
})
