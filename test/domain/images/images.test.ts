import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { parseImageName } from "../../../src/domain/images/imageName.ts"
import { authsFor, locationMatches } from "../../../src/domain/images/keyring.ts"
import { effectivePolicy, pullDecision, pullFailureReason } from "../../../src/domain/images/pullPolicy.ts"
import { credentialsOf, CredentialSource } from "../../../src/domain/images/pullSecrets.ts"

const named = (image: string) => Result.getOrThrow(parseImageName(image))
const base64 = (text: string) => btoa(text)

describe("N1: image names", () => {
  const digest = `sha256:${"0123456789abcdef".repeat(4)}`
  it.each([
    { image: "busybox", want: ["docker.io", "library/busybox", "latest", "", "busybox:latest"] },
    { image: "busybox:1.29", want: ["docker.io", "library/busybox", "1.29", "", "busybox:1.29"] },
    {
      image: "index.docker.io/busybox:1",
      want: ["docker.io", "library/busybox", "1", "", "index.docker.io/busybox:1"]
    },
    { image: "team/app", want: ["docker.io", "team/app", "latest", "", "team/app:latest"] },
    { image: "localhost/app:1", want: ["localhost", "app", "1", "", "localhost/app:1"] },
    { image: "localhost:5000/a/b", want: ["localhost:5000", "a/b", "latest", "", "localhost:5000/a/b:latest"] },
    { image: "[::1]:5000/a:1", want: ["[::1]:5000", "a", "1", "", "[::1]:5000/a:1"] },
    { image: `r.io/a@${digest}`, want: ["r.io", "a", "", digest, `r.io/a@${digest}`] },
    { image: `r.io/a:1@${digest}`, want: ["r.io", "a", "1", digest, `r.io/a:1@${digest}`] }
  ])("$image", ({ image, want }) => {
    const { digest: found, reference, registry, repository, tag } = named(image)
    assert.deepStrictEqual([registry, repository, tag, found, reference], want)
  })

  it.each([
    {
      image: "UPPER/Case:bad tag",
      detail: "invalid reference format: repository name (Case) must be lowercase",
      why: "as recorded of the kubelet"
    },
    { image: "a:b c", detail: "invalid reference format", why: "a blank in the tag" },
    { image: "", detail: "invalid reference format", why: "nothing" },
    { image: "a//b", detail: "invalid reference format", why: "an empty part" },
    { image: "a___b", detail: "invalid reference format", why: "three underscores are no separator" },
    { image: "-a.io/b", detail: "invalid reference format", why: "a host may not begin with a dash" },
    { image: "a@sha256:12", detail: "invalid reference format", why: "a digest that is too short" },
    { image: `a/${"b".repeat(255)}`, detail: "repository name must not be more than 255 characters", why: "length" },
    { image: "ab".repeat(32), detail: "cannot specify 64-byte hexadecimal strings", why: "an id is no name" }
  ])("refuses $image: $why", ({ detail, image }) => {
    const parsed = parseImageName(image)
    assert.isTrue(Result.isFailure(parsed) && parsed.failure.detail === detail, JSON.stringify(parsed))
  })

  it("N1: InvalidImageName reads as the kubelet's", () => {
    const parsed = parseImageName("UPPER/Case:bad tag")
    assert.strictEqual(
      Result.isFailure(parsed) ? parsed.failure.message : "",
      "Failed to apply default image tag \"UPPER/Case:bad tag\": couldn't parse image name \"UPPER/Case:bad tag\": " +
        "invalid reference format: repository name (Case) must be lowercase"
    )
  })

  it("no text makes it throw, and a name once accepted stays accepted with its default tag", () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(..."aZ09.:/@-_[] ") }), (text) => {
      const parsed = parseImageName(text)
      return Result.isFailure(parsed) || Result.isSuccess(parseImageName(parsed.success.reference))
    }))
  })
})

describe("N1: pull policy", () => {
  it.each(
    [
      { policy: "Always", present: true, want: "pull" },
      { policy: "IfNotPresent", present: true, want: "use" },
      { policy: "IfNotPresent", present: false, want: "pull" },
      { policy: "Never", present: true, want: "use" },
      { policy: "Never", present: false, want: "refuse" }
    ] as const
  )("$policy, present $present → $want", ({ policy, present, want }) => {
    assert.strictEqual(pullDecision(policy, present), want)
  })
  it.each([
    { policy: undefined, image: "a", want: "Always" },
    { policy: undefined, image: "a:1", want: "IfNotPresent" },
    { policy: "Never", image: "a", want: "Never" }
  ])("without a policy the tag decides: $policy of $image → $want", ({ image, policy, want }) => {
    assert.strictEqual(effectivePolicy(policy, named(image)), want)
  })
  it.each([
    { detail: "RegistryUnavailable: down", want: "RegistryUnavailable" },
    { detail: "SignatureValidationFailed: bad", want: "SignatureValidationFailed" },
    { detail: "not found", want: "ErrImagePull" }
  ])("$detail → $want", ({ detail, want }) => assert.strictEqual(pullFailureReason(detail), want))
})

describe("N4: pull secrets", () => {
  it.each([
    { location: "docker.io", image: "busybox", want: true },
    { location: "r.io", image: "r.io/team/app", want: true },
    { location: "r.io/team", image: "r.io/team/app", want: true },
    { location: "r.io/team", image: "r.io/teamwork/app", want: true },
    { location: "r.io/team", image: "r.io/other/app", want: false },
    { location: "*.r.io", image: "eu.r.io/app", want: true },
    { location: "*.r.io", image: "r.io/app", want: false },
    { location: "*.r.io", image: "a.eu.r.io/app", want: false },
    { location: "e?.r.io", image: "eu.r.io/app", want: true },
    { location: "r.io:5000", image: "r.io/app", want: false },
    { location: "r.io:5000", image: "r.io:5000/app", want: true },
    { location: "r.io", image: "evilr.io/app", want: false },
    { location: "r.io", image: "r-io.com/app", want: false }
  ])("$location for $image: $want", ({ image, location, want }) => {
    assert.strictEqual(locationMatches(location, named(image)), want)
  })

  const source = CredentialSource.Secret({ uid: "u1", namespace: "ns", name: "s" })
  const secret = (data: Record<string, string>, type?: string) => ({
    metadata: { name: "s", namespace: "ns", uid: "u1" },
    data,
    ...(type === undefined ? {} : { type })
  })
  it("both types are read, and auth wins over the separate fields", () => {
    const json = JSON.stringify({ auths: { "https://r.io/v1/": { auth: base64("me:pw:x"), username: "other" } } })
    const legacy = JSON.stringify({ "r.io": { username: "u", password: "p" } })
    assert.deepStrictEqual(
      Result.getOrThrow(
        credentialsOf(secret({ ".dockerconfigjson": base64(json) }, "kubernetes.io/dockerconfigjson"))
      ),
      [{ location: "r.io", auth: { username: "me", password: "pw:x" }, source }]
    )
    assert.deepStrictEqual(Result.getOrThrow(credentialsOf(secret({ ".dockercfg": base64(legacy) }))), [
      { location: "r.io", auth: { username: "u", password: "p" }, source }
    ])
  })
  it("auth is read without its padding too", () => {
    const auth = base64("u:pw").replace(/=+$/, "")
    const json = JSON.stringify({ auths: { "r.io": { auth } } })
    assert.deepInclude(Result.getOrThrow(credentialsOf(secret({ ".dockerconfigjson": base64(json) })))[0], {
      auth: { username: "u", password: "pw" }
    })
  })

  it.each([
    { data: {}, why: "no known key" },
    { data: { ".dockerconfigjson": "%%%" }, why: "no base64" },
    { data: { ".dockerconfigjson": base64("{") }, why: "no JSON" },
    { data: { ".dockerconfigjson": base64("{\"auths\":3}") }, why: "another form" },
    { data: { ".dockerconfigjson": base64("{\"auths\":{\"r.io\":{\"auth\":\"bm9jb2xvbg==\"}}}") }, why: "no colon" }
  ])("a malformed secret is refused by name, its content not told: $why", ({ data }) => {
    const read = credentialsOf(secret(data))
    assert.isTrue(Result.isFailure(read) && read.failure.message.startsWith("pull secret ns/s: "))
    assert.notInclude(Result.isFailure(read) ? read.failure.message : "", "nocolon")
  })
  it("a secret of another type is no pull secret", () => {
    assert.isTrue(Result.isFailure(credentialsOf(secret({ ".dockerconfigjson": base64("{}") }, "Opaque"))))
  })

  const entry = (location: string, username = location) => ({ location, auth: { username, password: "" }, source })
  it("the longest location is tried first, all that match are tried", () => {
    const entries = [entry("r.io", "1"), entry("other.io"), entry("r.io/team"), entry("r.io", "2")]
    assert.deepStrictEqual(authsFor(entries, named("r.io/team/app")).map(({ auth }) => auth.username), [
      "r.io/team",
      "1",
      "2"
    ])
  })
  it.each([
    { location: "https://index.docker.io/v1/", image: "busybox", want: 1, why: "Docker's own name of its Hub" },
    { location: "https://index.docker.io/v1/", image: "r.io/busybox", want: 0, why: "another registry" }
  ])("$location for $image: $why", ({ image, location, want }) => {
    const json = JSON.stringify({ auths: { [location]: { username: "u", password: "p" } } })
    const entries = Result.getOrThrow(credentialsOf(secret({ ".dockerconfigjson": base64(json) })))
    assert.strictEqual(authsFor(entries, named(image)).length, want)
  })
})
