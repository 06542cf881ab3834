import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Option, Ref } from "effect"
import { TestClock } from "effect/testing"
import { attributesOf, type UserInfo } from "../../../src/domain/auth/access.ts"
import { Permanent, Retryable } from "../../../src/domain/failure.ts"
import { ApiError, KubeApi, type KubeObject } from "../../../src/layers/api/KubeApi.ts"
import { Access, type ClientCertificate } from "../../../src/layers/streaming/Access.ts"
import * as AccessLive from "../../../src/layers/streaming/AccessLive.ts"

type Answer = (object: KubeObject) => Effect.Effect<KubeObject["status"], ApiError>

const apiError = (reason: ApiError["reason"]) =>
  new ApiError({ op: "create", target: "review", reason, status: 500, statusReason: "", detail: "no" })

/** Runs `body` with access whose reviews are answered by `answer`; it also gets the number of reviews asked. */
const withAccess = <A, E>(
  options: Partial<AccessLive.AccessOptions>,
  answer: Answer,
  body: (access: Access["Service"], asked: Ref.Ref<number>) => Effect.Effect<A, E>
) =>
  Effect.gen(function*() {
    const asked = yield* Ref.make(0)
    const api = Layer.mock(KubeApi)({
      create: (_, object) =>
        Effect.andThen(
          Ref.update(asked, (n) => n + 1),
          Effect.map(Effect.suspend(() => answer(object)), (status) => ({ ...object, status }))
        )
    })
    return yield* Effect.gen(function*() {
      return yield* body(yield* Access, asked)
    }).pipe(Effect.provide(AccessLive.layer({ ...AccessLive.secureDefaults, ...options }).pipe(Layer.provide(api))))
  })

const known: Answer = ({ spec }) =>
  Effect.succeed(
    (spec as { token: string }).token === "good"
      ? { authenticated: true, user: { username: "ann", uid: "7", groups: ["dev"], extra: { a: ["b"] } } }
      : { authenticated: false }
  )

const token = (text: string) => ({ certificate: Option.none<ClientCertificate>(), token: Option.some(text) })
const nothing = { certificate: Option.none<ClientCertificate>(), token: Option.none<string>() }
const trusted: ClientCertificate = { _tag: "Trusted", commonName: "cn", organizations: ["o"], fingerprint: "ff" }
const untrusted: ClientCertificate = { _tag: "Untrusted", why: "CERT_HAS_EXPIRED" }

describe("authentication", () => {
  it.effect("O3: a token is whose the API server says, and that is asked once in two minutes", () =>
    withAccess({}, known, (access, asked) =>
      Effect.gen(function*() {
        const user = yield* access.authenticate(token("good"))
        assert.deepStrictEqual(user, {
          name: "ann",
          uid: "7",
          groups: ["dev", "system:authenticated"],
          extra: { a: ["b"] }
        })
        yield* TestClock.adjust("119 seconds")
        yield* access.authenticate(token("good"))
        assert.strictEqual(yield* Ref.get(asked), 1)
        yield* TestClock.adjust("2 seconds")
        yield* access.authenticate(token("good"))
        assert.strictEqual(yield* Ref.get(asked), 2)
      })))

  it.effect("O3: a bad token is refused, also where the anonymous are let in", () =>
    withAccess({ anonymous: true }, known, (access) =>
      Effect.gen(function*() {
        assert.isTrue(Exit.isFailure(yield* Effect.exit(access.authenticate(token("bad")))))
        assert.strictEqual((yield* access.authenticate(nothing)).name, "system:anonymous")
      })))

  it.effect("O3: without a credential nobody is let in by default", () =>
    withAccess({}, known, (access) =>
      Effect.gen(function*() {
        assert.isTrue(Exit.isFailure(yield* Effect.exit(access.authenticate(nothing))))
      })))

  it.effect("O3: a trusted certificate names user and groups; an untrusted one is a bad credential", () =>
    withAccess({ anonymous: true }, known, (access) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* access.authenticate({ ...nothing, certificate: Option.some(trusted) }), {
          name: "cn",
          groups: ["o", "system:authenticated"],
          extra: { "authentication.kubernetes.io/credential-id": ["X509SHA256=ff"] }
        })
        const refused = yield* Effect.flip(access.authenticate({ ...nothing, certificate: Option.some(untrusted) }))
        assert.strictEqual(refused.why, "CERT_HAS_EXPIRED")
        const both = { certificate: Option.some(untrusted), token: Option.some("good") }
        assert.strictEqual((yield* access.authenticate(both)).name, "ann")
      })))

  it.effect("a failed review is not remembered, and its refusal does not say who is there", () =>
    withAccess({}, () => Effect.fail(apiError(new Permanent())), (access, asked) =>
      Effect.gen(function*() {
        yield* Effect.flip(access.authenticate(token("good")))
        yield* Effect.flip(access.authenticate(token("good")))
        assert.strictEqual(yield* Ref.get(asked), 2)
      })))

  it.effect("a review that fails for a moment is tried again", () => {
    let failures = 2
    const flaky: Answer = (object) => failures-- > 0 ? Effect.fail(apiError(new Retryable())) : known(object)
    return withAccess({}, flaky, (access, asked) =>
      Effect.gen(function*() {
        const user = yield* Effect.forkChild(access.authenticate(token("good")))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* Fiber.join(user)).name, "ann")
        assert.strictEqual(yield* Ref.get(asked), 3)
      }))
  })

  it.effect("a review that never answers ends after ten seconds", () =>
    withAccess({}, () => Effect.never, (access) =>
      Effect.gen(function*() {
        const user = yield* Effect.forkChild(Effect.flip(access.authenticate(token("good"))))
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* Fiber.join(user)).why, "token review timed out")
      })))

  it.effect("a caller who leaves does not take the answer from the one who waits with him", () => {
    const slow: Answer = (object) => Effect.delay(known(object), "1 second")
    return withAccess({}, slow, (access, asked) =>
      Effect.gen(function*() {
        const first = yield* Effect.forkChild(access.authenticate(token("good")), { startImmediately: true })
        const second = yield* Effect.forkChild(access.authenticate(token("good")), { startImmediately: true })
        const leaving = yield* Effect.forkChild(Fiber.interrupt(first))
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(leaving)
        assert.strictEqual((yield* Fiber.join(second)).name, "ann")
        assert.strictEqual(yield* Ref.get(asked), 1)
      }))
  })
})

describe("authorization", () => {
  const user: UserInfo = { name: "ann", groups: [] }
  const may = (...subresources: ReadonlyArray<string>): Answer => ({ spec }) =>
    Effect.succeed({
      allowed: subresources.includes(
        (spec as { resourceAttributes: { subresource: string } }).resourceAttributes.subresource
      )
    })

  it.effect("O2: a right to the fine subresource or to proxy is enough", () =>
    withAccess({}, may("pods"), (access, asked) =>
      Effect.gen(function*() {
        assert.isTrue(yield* access.authorize(user, attributesOf("GET", "/pods", "n")))
        assert.strictEqual(yield* Ref.get(asked), 1)
        assert.isFalse(yield* access.authorize(user, attributesOf("GET", "/configz", "n")))
        assert.strictEqual(yield* Ref.get(asked), 3)
        assert.isFalse(yield* access.authorize(user, attributesOf("GET", "/stats/summary", "n")))
      })))

  it.effect("O2: a yes holds for five minutes, a no for thirty seconds", () =>
    withAccess({}, may("stats"), (access, asked) =>
      Effect.gen(function*() {
        const ask = (path: string) => access.authorize(user, attributesOf("GET", path, "n"))
        yield* ask("/stats/summary")
        yield* ask("/metrics")
        yield* TestClock.adjust("29 seconds")
        yield* ask("/stats/summary")
        yield* ask("/metrics")
        assert.strictEqual(yield* Ref.get(asked), 2)
        yield* TestClock.adjust("2 seconds")
        yield* ask("/stats/summary")
        yield* ask("/metrics")
        assert.strictEqual(yield* Ref.get(asked), 3)
        yield* TestClock.adjust("270 seconds")
        yield* ask("/stats/summary")
        assert.strictEqual(yield* Ref.get(asked), 4)
      })))

  it.effect("no answer is no permission", () =>
    withAccess({}, () => Effect.fail(apiError(new Permanent())), (access) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(access.authorize(user, attributesOf("GET", "/metrics", "n")))
        assert.strictEqual(error._tag, "AccessUnknown")
      })))

  it.effect("A4: a kubelet without a configuration file lets everybody do everything", () =>
    withAccess(AccessLive.historicDefaults, () => Effect.succeed({}), (access, asked) =>
      Effect.gen(function*() {
        const somebody = yield* access.authenticate(token("whatever"))
        assert.strictEqual(somebody.name, "system:anonymous")
        assert.isTrue(yield* access.authorize(somebody, attributesOf("POST", "/run/a/b/c", "n")))
        assert.strictEqual(yield* Ref.get(asked), 0)
      })))
})
