/**
 * Access as the kubelet's configuration has it: client certificates, tokens and rights reviewed by the API server
 * (cached), the anonymous where allowed. `layerLocal` is the same for a node without an API server.
 */
import { Cache, type Duration, Effect, Equal, Hash, Layer, Option, Result, Schedule } from "effect"
import { createHmac, randomBytes } from "node:crypto"
import {
  type AccessAttributes,
  accessReview,
  anonymous,
  authenticated,
  tokenReview,
  type UserInfo
} from "../../domain/auth/access.ts"
import { decodeSubjectAccessReview, decodeTokenReview } from "../../domain/k8s/decode.ts"
import { subjectAccessReviews, tokenReviews } from "../../domain/k8s/resources.ts"
import { KubeApi } from "../api/KubeApi.ts"
import { Access, AccessUnknown, type ClientCertificate, type Credentials, Unauthenticated } from "./Access.ts"

export interface AccessOptions {
  readonly anonymous: boolean
  /** Ask the API server whose tokens these are; for how long an answer holds (2 m). */
  readonly tokenReview: Option.Option<{ readonly cacheTtl: Duration.Input }>
  /** `Webhook` asks the API server; for how long its yes (5 m) and its no (30 s) hold. */
  readonly authorization:
    | { readonly mode: "AlwaysAllow" }
    | { readonly mode: "Webhook"; readonly allowedTtl: Duration.Input; readonly deniedTtl: Duration.Input }
}

/** What a kubelet that was given a configuration file does unless it says otherwise (A4). */
export const secureDefaults: AccessOptions = {
  anonymous: false,
  tokenReview: Option.some({ cacheTtl: "2 minutes" }),
  authorization: { mode: "Webhook", allowedTtl: "5 minutes", deniedTtl: "30 seconds" }
}

/** What a kubelet without a configuration file does unless flags say otherwise (A4). */
export const historicDefaults: AccessOptions = {
  anonymous: true,
  tokenReview: Option.none(),
  authorization: { mode: "AlwaysAllow" }
}

type ReviewToken = (token: string) => Effect.Effect<Option.Option<UserInfo>, Unauthenticated>
type ReviewAccess = (user: UserInfo, attributes: AccessAttributes) => Effect.Effect<boolean, AccessUnknown>

export const layer = (options: AccessOptions): Layer.Layer<Access, never, KubeApi> =>
  Layer.effect(Access)(Effect.gen(function*() {
    const token = yield* tokenReviewer(options)
    const access = yield* accessReviewer(options)
    return make(options.anonymous, token, access)
  }))

/** Certificates and the anonymous only, and all that they are is allowed everything. */
export const layerLocal = (options: { readonly anonymous: boolean }): Layer.Layer<Access> =>
  Layer.succeed(Access)(make(options.anonymous, Option.none(), () => Effect.succeed(true)))

const make = (allowAnonymous: boolean, reviewToken: Option.Option<ReviewToken>, reviewAccess: ReviewAccess) => {
  const authenticate = Effect.fn("Access.authenticate")(function*(credentials: Credentials) {
    // A certificate first, then a token; one that is bad is forgiven only if the other is good.
    const certificate = Option.map(credentials.certificate, userOf)
    if (Option.isSome(certificate) && Result.isSuccess(certificate.value)) {
      return authenticated(certificate.value.success)
    }
    if (Option.isSome(credentials.token) && Option.isSome(reviewToken)) {
      const user = yield* reviewToken.value(credentials.token.value)
      return yield* Option.match(user, {
        onSome: (known) => Effect.succeed(authenticated(known)),
        onNone: () => Effect.fail(new Unauthenticated({ why: "invalid bearer token" }))
      })
    }
    if (Option.isSome(certificate) && Result.isFailure(certificate.value)) {
      return yield* new Unauthenticated({ why: certificate.value.failure })
    }
    return allowAnonymous ? anonymous : yield* new Unauthenticated({ why: "no credentials" })
  })
  const authorize = Effect.fn("Access.authorize")(function*(
    user: UserInfo,
    attributes: ReadonlyArray<AccessAttributes>
  ) {
    for (const question of attributes) {
      if (yield* reviewAccess(user, question)) {
        return true
      }
    }
    return false
  })
  return Access.of({ authenticate, authorize })
}

const userOf = (certificate: ClientCertificate): Result.Result<UserInfo, string> =>
  certificate._tag === "Untrusted"
    ? Result.fail(certificate.why)
    : certificate.commonName === ""
    ? Result.fail("the client certificate has no common name")
    : Result.succeed({
      name: certificate.commonName,
      groups: certificate.organizations,
      extra: { "authentication.kubernetes.io/credential-id": [`X509SHA256=${certificate.fingerprint}`] }
    })

const cacheCapacity = 8192
const reviewDeadline = "10 seconds"
const reviewRetry = Schedule.exponential("500 millis", 1.5).pipe(Schedule.jittered, Schedule.upTo({ times: 4 }))

// Several callers may wait for one answer: that the first of them leaves must not fail the others.
const shared = <A, E>(call: Effect.Effect<A, E>, onTimeout: () => E): Effect.Effect<A, E> =>
  Effect.uninterruptible(
    Effect.timeoutOrElse(Effect.interruptible(call), {
      duration: reviewDeadline,
      orElse: () => Effect.fail(onTimeout())
    })
  )

const tokenReviewer = Effect.fnUntraced(function*(options: AccessOptions) {
  if (Option.isNone(options.tokenReview)) {
    return Option.none<ReviewToken>()
  }
  const { cacheTtl } = options.tokenReview.value
  const api = yield* KubeApi
  const review = Effect.fnUntraced(function*(token: string) {
    const answer = yield* api.create(tokenReviews, tokenReview(token)).pipe(
      Effect.retry({ schedule: reviewRetry, while: ({ reason }) => reason._tag === "Retryable" })
    )
    const { status } = yield* Effect.fromResult(decodeTokenReview(answer))
    return status?.authenticated === true
      ? Option.some<UserInfo>({
        name: status.user?.username ?? "",
        groups: status.user?.groups ?? [],
        ...(status.user?.uid === undefined ? {} : { uid: status.user.uid }),
        ...(status.user?.extra === undefined ? {} : { extra: status.user.extra })
      })
      : Option.none<UserInfo>()
  }, Effect.mapError((cause) => new Unauthenticated({ why: "token review failed", cause })))
  const secret = randomBytes(32)
  const cache = yield* Cache.makeWith(
    (key: TokenKey) =>
      shared(
        Effect.suspend(() => review(key.token)),
        () => new Unauthenticated({ why: "token review timed out" })
      ).pipe(Effect.ensuring(Effect.sync(() => key.forget()))),
    { capacity: cacheCapacity, timeToLive: (exit) => exit._tag === "Success" ? cacheTtl : 0 }
  )
  return Option.some<ReviewToken>((token) => Effect.suspend(() => Cache.get(cache, new TokenKey(secret, token))))
})

// A token is known to the cache by a keyed hash: finding it takes no longer for a better guess, and once it is
// reviewed only the hash is kept.
class TokenKey implements Equal.Equal {
  readonly digest: string
  token: string
  constructor(secret: Buffer, token: string) {
    this.digest = createHmac("sha256", secret).update(token).digest("base64")
    this.token = token
  }
  forget(): void {
    this.token = ""
  }
  [Equal.symbol](that: Equal.Equal): boolean {
    return that instanceof TokenKey && that.digest === this.digest
  }
  [Hash.symbol](): number {
    return Hash.string(this.digest)
  }
}

const accessReviewer = Effect.fnUntraced(function*(options: AccessOptions) {
  const { authorization } = options
  if (authorization.mode === "AlwaysAllow") {
    return (): Effect.Effect<boolean> => Effect.succeed(true)
  }
  const api = yield* KubeApi
  const review = (question: string): Effect.Effect<boolean, AccessUnknown> => {
    const object: ReturnType<typeof accessReview> = JSON.parse(question)
    const unknown = (cause: unknown) =>
      new AccessUnknown({
        user: object.spec.user,
        subresource: object.spec.resourceAttributes.subresource,
        cause
      })
    return shared(
      api.create(subjectAccessReviews, object).pipe(
        Effect.retry({ schedule: reviewRetry, while: ({ reason }) => reason._tag === "Retryable" }),
        Effect.flatMap((answer) => Effect.fromResult(decodeSubjectAccessReview(answer))),
        Effect.map(({ status }) => status?.allowed === true && status.denied !== true),
        Effect.mapError(unknown)
      ),
      () => unknown(new Error("timed out"))
    )
  }
  const cache = yield* Cache.makeWith(review, {
    capacity: cacheCapacity,
    timeToLive: (exit) => exit._tag === "Failure" ? 0 : exit.value ? authorization.allowedTtl : authorization.deniedTtl
  })
  return (user: UserInfo, attributes: AccessAttributes) =>
    Cache.get(cache, JSON.stringify(accessReview(user, attributes)))
})
