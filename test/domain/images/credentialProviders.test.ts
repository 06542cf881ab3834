import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import {
  annotationsShown,
  cacheKeys,
  cachePlace,
  echoesToken,
  entriesOf,
  readAnswer,
  requestText
} from "../../../src/domain/images/credentialAnswers.ts"
import { concerns, type CredentialProvider, readProviders } from "../../../src/domain/images/credentialProviders.ts"
import { parseImageName } from "../../../src/domain/images/imageName.ts"
import { authsOfKeyrings } from "../../../src/domain/images/keyring.ts"
import { CredentialSource } from "../../../src/domain/images/pullSecrets.ts"

const named = (image: string) => Result.getOrThrow(parseImageName(image))
const v1 = "credentialprovider.kubelet.k8s.io/v1"
const fields = { name: "ecr", matchImages: ["*.r.io"], defaultCacheDuration: "1m", apiVersion: v1 }
const tokenFields = { serviceAccountTokenAudience: "a", requireServiceAccount: true, cacheType: "ServiceAccount" }
const document = (...providers: ReadonlyArray<unknown>) => ({
  apiVersion: "kubelet.config.k8s.io/v1",
  kind: "CredentialProviderConfig",
  providers
})
const read = (documents: ReadonlyArray<unknown>, tokensAllowed = true) =>
  readProviders(
    documents.map((one, index) => ({ source: `/etc/${index}.yaml`, document: one })),
    { place: "/etc", tokensAllowed }
  )

const provider: CredentialProvider = {
  name: "ecr",
  matchImages: ["*.r.io"],
  defaultCacheMs: 60_000,
  apiVersion: v1,
  args: [],
  env: {}
}
const token = {
  audience: "a",
  requireServiceAccount: true,
  requiredAnnotations: [],
  optionalAnnotations: []
}
const account = (uid: string, secret = "jwt", annotations: Record<string, string> = {}) => ({
  coordinates: { uid, namespace: "ns", name: "builder" },
  token: secret,
  annotations
})

describe("N6: CredentialProviderConfig", () => {
  it("is read with every field", () => {
    const full = {
      ...fields,
      args: ["get"],
      env: [{ name: "AWS_PROFILE", value: "p" }],
      tokenAttributes: {
        ...tokenFields,
        requiredServiceAccountAnnotationKeys: ["x.io/role"],
        optionalServiceAccountAnnotationKeys: ["region"]
      }
    }
    assert.deepStrictEqual(Result.getOrThrow(read([document(full)])), [{
      ...provider,
      args: ["get"],
      env: { AWS_PROFILE: "p" },
      token: {
        audience: "a",
        cacheType: "ServiceAccount",
        requireServiceAccount: true,
        requiredAnnotations: ["x.io/role"],
        optionalAnnotations: ["region"]
      }
    }])
  })

  it("several files are one list, in their order", () => {
    const both = Result.getOrThrow(read([document({ ...fields, name: "a" }), document({ ...fields, name: "b" })]))
    assert.deepStrictEqual(both.map(({ name }) => name), ["a", "b"])
  })

  it.each([
    { change: { name: "a/b" }, want: "name: Invalid value: \"a/b\": provider name cannot contain '/'" },
    { change: { name: "a b" }, want: "name: Invalid value: \"a b\": provider name cannot contain spaces" },
    { change: { name: ".." }, want: "name: Invalid value: \"..\": provider name cannot be '..'" },
    { change: { name: undefined }, want: "name: Required value" },
    { change: { apiVersion: undefined }, want: "apiVersion: Required value" },
    {
      change: { apiVersion: "v2" },
      want: `apiVersion: Unsupported value: "v2": supported values: "${v1}", "${v1}alpha1", "${v1}beta1"`
    },
    {
      change: { matchImages: [] },
      want: "matchImages: Required value: at least 1 item in matchImages is required"
    },
    { change: { matchImages: ["a b"] }, want: "matchImages: Invalid value: \"a b\": match image is invalid" },
    { change: { matchImages: ["r.io:x"] }, want: "matchImages: Invalid value: \"r.io:x\": match image is invalid" },
    { change: { defaultCacheDuration: undefined }, want: "defaultCacheDuration: Required value" },
    {
      change: { defaultCacheDuration: "-1s" },
      want: "defaultCacheDuration: Invalid value: defaultCacheDuration must be greater than or equal to 0"
    },
    {
      change: { tokenAttributes: { ...tokenFields, serviceAccountTokenAudience: "" } },
      want: "tokenAttributes.serviceAccountTokenAudience: Required value"
    },
    {
      change: { tokenAttributes: { ...tokenFields, requireServiceAccount: null } },
      want: "tokenAttributes.requireServiceAccount: Required value"
    },
    {
      change: { tokenAttributes: { ...tokenFields, cacheType: "Pod" } },
      want: "tokenAttributes.cacheType: Unsupported value: \"Pod\": supported values: \"ServiceAccount\", \"Token\""
    },
    {
      change: {
        tokenAttributes: {
          ...tokenFields,
          requireServiceAccount: false,
          requiredServiceAccountAnnotationKeys: ["a"]
        }
      },
      want:
        "tokenAttributes.requiredServiceAccountAnnotationKeys: Forbidden: requireServiceAccount cannot be false when requiredServiceAccountAnnotationKeys is set"
    },
    {
      change: {
        tokenAttributes: {
          ...tokenFields,
          requiredServiceAccountAnnotationKeys: ["a"],
          optionalServiceAccountAnnotationKeys: ["a"]
        }
      },
      want: "tokenAttributes: Invalid value: [\"a\"]: annotation keys cannot be both required and optional"
    },
    {
      change: { tokenAttributes: { ...tokenFields, optionalServiceAccountAnnotationKeys: ["b", "b"] } },
      want: "tokenAttributes.optionalServiceAccountAnnotationKeys: Duplicate value: \"b\""
    },
    {
      change: { tokenAttributes: tokenFields, apiVersion: `${v1}beta1` },
      want: `tokenAttributes: Forbidden: tokenAttributes is only supported for ${v1} API version`
    }
  ])("names file and field: $want", ({ change, want }) => {
    const set = Object.fromEntries(Object.entries({ ...fields, ...change }).filter(([, value]) => value !== undefined))
    const result = read([document(set)])
    assert.strictEqual(
      Result.isFailure(result) ? result.failure.message : "accepted",
      `credential provider config /etc/0.yaml: providers[0].${want}`
    )
  })

  it.each([
    { documents: [document()], want: "/etc: providers: Required value: at least 1 item in plugins is required" },
    {
      documents: [document(fields), document(fields)],
      want: "/etc/1.yaml: providers.name: Duplicate value: \"ecr\""
    },
    { documents: [document({ ...fields, image: "x" })], want: "/etc/0.yaml: unknown field \"providers[0].image\"" },
    {
      documents: [{ ...document(fields), kind: "Pod" }],
      want: "/etc/0.yaml: kind: Unsupported value: \"Pod\": supported values: \"CredentialProviderConfig\""
    },
    { documents: ["text"], want: "/etc/0.yaml: the document is not an object" }
  ])("refuses the whole: $want", ({ documents, want }) => {
    const result = read(documents)
    assert.strictEqual(Result.isFailure(result) ? result.failure.message : "", `credential provider config ${want}`)
  })

  it("tokens are refused with their gate off", () => {
    const result = read([document({ ...fields, tokenAttributes: tokenFields })], false)
    assert.include(Result.isFailure(result) ? result.failure.message : "", "feature gate is disabled")
  })

  it("no document makes it throw", () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => Result.isResult(read([value, document(value)]))))
  })
})

describe("N6: what a plugin is asked and answers", () => {
  it("is asked about the images that match, and shown the token only when it wants one", () => {
    assert.isTrue(concerns(provider, named("eu.r.io/app:1")))
    assert.isFalse(concerns(provider, named("busybox")))
    assert.deepStrictEqual(JSON.parse(requestText(provider, { image: "eu.r.io/app" })), {
      kind: "CredentialProviderRequest",
      apiVersion: v1,
      image: "eu.r.io/app"
    })
    assert.deepInclude(
      JSON.parse(requestText(provider, { image: "i", account: account("u", "jwt", { role: "r" }) })),
      { serviceAccountToken: "jwt", serviceAccountAnnotations: { role: "r" } }
    )
  })

  const response = (more: object) =>
    JSON.stringify({ apiVersion: v1, kind: "CredentialProviderResponse", cacheKeyType: "Image", ...more })

  it("its answer is read, with what Go leaves out", () => {
    const answer = Result.getOrThrow(
      readAnswer(provider, response({ cacheDuration: "5m0s", auth: { "r.io": { username: "u" } } }))
    )
    assert.deepStrictEqual(answer, {
      cacheKeyType: "Image",
      cacheMs: 300_000,
      auth: { "r.io": { username: "u", password: "" } }
    })
    assert.deepStrictEqual(Result.getOrThrow(readAnswer(provider, response({ auth: null }))).auth, {})
  })

  it.each([
    { text: "oops", want: "error reading GVK from response: it is not JSON" },
    {
      text: response({ apiVersion: "v0" }),
      want: `apiVersion from credential plugin response did not match expected apiVersion:${v1}, actual apiVersion:v0`
    },
    {
      text: response({ cacheKeyType: "Pod" }),
      want: "credential provider plugin did not return a valid cacheKeyType: \"Pod\""
    },
    {
      text: response({ auth: { "r.io": { username: "u", password: 5 } } }),
      want: "error decoding credential provider plugin response from stdout"
    }
  ])("a useless answer says why and keeps its secrets: $want", ({ text, want }) => {
    const answer = readAnswer(provider, text)
    assert.strictEqual(Result.isFailure(answer) ? answer.failure : "", want)
  })

  it("a token given back as the password is good only where it is kept for that token", () => {
    const answer = { cacheKeyType: "Image", auth: { "r.io": { username: "u", password: "jwt" } } } as const
    const request = { image: "i", account: account("u") }
    assert.isTrue(echoesToken({ ...provider, token: { ...token, cacheType: "ServiceAccount" } }, request, answer))
    assert.isFalse(echoesToken({ ...provider, token: { ...token, cacheType: "Token" } }, request, answer))
  })

  it("annotations: those it wants, none if a required one is missing", () => {
    const wants = { ...token, cacheType: "Token", requiredAnnotations: ["a"], optionalAnnotations: ["b"] } as const
    assert.deepStrictEqual(Result.getOrThrow(annotationsShown(wants, { a: "1", c: "3" })), { a: "1" })
    assert.deepStrictEqual(annotationsShown(wants, { b: "2" }), Result.fail("a"))
  })
})

describe("N6: how long an answer is kept", () => {
  const request = { image: "eu.r.io/app" }
  it.each(
    [
      { cacheKeyType: "Image", hit: ["eu.r.io/app"], miss: ["eu.r.io/other", "us.r.io/app"] },
      { cacheKeyType: "Registry", hit: ["eu.r.io/app", "eu.r.io/other"], miss: ["us.r.io/app"] },
      { cacheKeyType: "Global", hit: ["eu.r.io/app", "us.r.io/x"], miss: [] }
    ] as const
  )("$cacheKeyType", ({ cacheKeyType, hit, miss }) => {
    const key = cachePlace(provider, request, { cacheKeyType, auth: {} }, 0)?.key ?? ""
    for (const image of hit) assert.include(cacheKeys(provider, { image }), key)
    for (const image of miss) assert.notInclude(cacheKeys(provider, { image }), key)
  })

  it.each([
    { answer: undefined, byDefault: 60_000, want: 61_000, why: "the configuration's time" },
    { answer: 5000, byDefault: 60_000, want: 6000, why: "its own" },
    { answer: 0, byDefault: 60_000, want: undefined, why: "not at all" },
    { answer: undefined, byDefault: 0, want: undefined, why: "nobody says a time" }
  ])("until: $why", ({ answer, byDefault, want }) => {
    const kept = cachePlace(
      { ...provider, defaultCacheMs: byDefault },
      request,
      { cacheKeyType: "Image", auth: {}, ...(answer === undefined ? {} : { cacheMs: answer }) },
      1000
    )
    assert.strictEqual(kept?.untilMs, want)
  })

  it.each(
    [
      { cacheType: "ServiceAccount", sharesToken: true },
      { cacheType: "Token", sharesToken: false }
    ] as const
  )("by $cacheType", ({ cacheType, sharesToken }) => {
    const wants = { ...provider, token: { ...token, cacheType } }
    const keys = (uid: string, secret: string, annotations = {}) =>
      cacheKeys(wants, { image: "r.io/a", account: account(uid, secret, annotations) })
    assert.strictEqual(keys("1", "x")[0] === keys("1", "y")[0], sharesToken)
    assert.notStrictEqual(keys("1", "x")[0], keys("2", "x")[0])
    assert.notStrictEqual(keys("1", "x")[0], keys("1", "x", { role: "r" })[0])
  })

  it("no two requests that differ share a narrow key", () => {
    const some = fc.record({ image: fc.string(), name: fc.string(), namespace: fc.string() })
    const keyOf = ({ image, name, namespace }: { image: string; name: string; namespace: string }) =>
      cacheKeys(provider, {
        image,
        account: { coordinates: { uid: "u", name, namespace }, token: "", annotations: {} }
      })[0]
    fc.assert(fc.property(some, some, (one, other) =>
      (keyOf(one) === keyOf(other)) ===
        (one.image === other.image && one.name === other.name && one.namespace === other.namespace)))
  })
})

describe("N6: merging", () => {
  it("the pod's secrets first, then the node's, then the plugins'; each with whose it is", () => {
    const auth = (username: string) => ({ username, password: "" })
    const secret = CredentialSource.Secret({ uid: "u", namespace: "ns", name: "s" })
    const plugin = entriesOf({ cacheKeyType: "Image", auth: { "https://r.io/v2/": auth("plugin") } }, account("sa"))
    const all = authsOfKeyrings([
      [{ location: "r.io", auth: auth("secret"), source: secret }],
      [{ location: "r.io/team", auth: auth("node"), source: CredentialSource.Node() }],
      plugin
    ], named("r.io/team/app"))
    assert.deepStrictEqual(all.map(({ auth, source }) => [auth.username, source._tag]), [
      ["secret", "Secret"],
      ["node", "Node"],
      ["plugin", "ServiceAccount"]
    ])
  })
})
