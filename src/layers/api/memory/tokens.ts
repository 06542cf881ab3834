/** Bearer tokens: those the server was given, and those it issues for service accounts, as JSON Web Tokens. */
import { Result } from "effect"
import { createHmac, timingSafeEqual } from "node:crypto"
import { at, isObject, type JsonObject, numberOf, objectOf, put, textOf, textsOf } from "../../../domain/k8s/json.ts"
import { pods, secrets, serviceAccounts } from "../../../domain/k8s/resources.ts"
import { formatTime } from "../../../domain/k8s/time.ts"
import { invalidValue } from "./problem.ts"
import * as Refusals from "./refusal.ts"
import { type Identity, kindOf, kubeObject, newUid, nowMillis, type State, timestamp } from "./state.ts"
import type { Outcome } from "./verbCreate.ts"
import { stored, type Target } from "./verbUpdate.ts"

export const issuer = "https://kubernetes.default.svc.cluster.local"

const claimsKey = "kubernetes.io"

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url")

const signature = (state: State, text: string): Buffer => createHmac("sha256", state.tokenKey).update(text).digest()

const signed = (state: State, claims: JsonObject): string => {
  const text = `${encode({ alg: "HS256", kid: "memory", typ: "JWT" })}.${encode(claims)}`
  return `${text}.${signature(state, text).toString("base64url")}`
}

const parsed = (text: string): JsonObject => {
  const json = Result.try((): unknown => JSON.parse(Buffer.from(text, "base64url").toString()))
  return objectOf(Result.getOrUndefined(json))
}

/** The claims of a token that this server signed and that has not expired. */
const claimsOf = (state: State, token: string): JsonObject | undefined => {
  const [head, body, proof] = token.split(".")
  if (head === undefined || body === undefined || proof === undefined) return undefined
  const given = Buffer.from(proof, "base64url")
  const wanted = signature(state, `${head}.${body}`)
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined
  const claims = parsed(body)
  return numberOf(claims["exp"]) * 1000 > nowMillis(state) ? claims : undefined
}

const accountIdentity = (claims: JsonObject): Identity => {
  const about = objectOf(claims[claimsKey])
  const namespace = textOf(about["namespace"])
  const pod = objectOf(about["pod"])
  return {
    username: textOf(claims["sub"]),
    uid: textOf(at(about, "serviceaccount", "uid")),
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
    ...(pod["name"] === undefined ? {} : {
      extra: {
        "authentication.kubernetes.io/pod-name": [pod["name"]],
        "authentication.kubernetes.io/pod-uid": [pod["uid"]]
      }
    })
  }
}

/** Who a token belongs to, and for whom it is meant; a token of a deleted service account or pod belongs to nobody. */
export const identify = (
  state: State,
  token: string
): { readonly identity: Identity; readonly audiences: ReadonlyArray<string> } | undefined => {
  const known = state.settings.tokens.get(token)
  if (known !== undefined) {
    const groups = [...new Set([...known.groups, "system:authenticated"])]
    return { identity: { ...known, groups }, audiences: [issuer] }
  }
  const claims = claimsOf(state, token)
  if (claims === undefined) return undefined
  const about = objectOf(claims[claimsKey])
  const namespace = textOf(about["namespace"])
  const account = state.store.get(
    kindOf(state, serviceAccounts),
    namespace,
    textOf(at(about, "serviceaccount", "name"))
  )
  if (account?.metadata.uid !== at(about, "serviceaccount", "uid")) return undefined
  if (isObject(about["pod"])) {
    const pod = state.store.get(kindOf(state, pods), namespace, textOf(at(about, "pod", "name")))
    if (pod?.metadata.uid !== at(about, "pod", "uid")) return undefined
  }
  return { identity: accountIdentity(claims), audiences: textsOf(claims["aud"]) }
}

const shortest = 600
const longest = 2 ** 32

/** The object that a token shall die with, as a claim; it must be there, and a pod must run under the account. */
const boundClaim = (state: State, { name, namespace }: Target, reference: JsonObject): Outcome<JsonObject> => {
  const kindName = textOf(reference["kind"])
  const resource = kindName === "Pod" ? pods : kindName === "Secret" ? secrets : undefined
  if (resource === undefined) return Result.succeed({})
  const kind = kindOf(state, resource)
  const bound = textOf(reference["name"])
  const found = state.store.get(kind, namespace, bound)
  if (found === undefined) return Result.fail(Refusals.notFound(kind, bound))
  const uid = textOf(reference["uid"])
  if (uid !== "" && uid !== found.metadata.uid) {
    return Result.fail(Refusals.conflict(
      kind,
      bound,
      `the UID in the bound object reference (${uid}) does not match the UID in record (${found.metadata.uid}). ` +
        "The object might have been deleted and then recreated"
    ))
  }
  const account = textOf(at(found, "spec", "serviceAccountName"))
  if (kindName === "Pod" && account !== name) {
    return Result.fail(Refusals.badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(name)} to pod running with different serviceaccount name.`
    ))
  }
  return Result.succeed({ [kindName.toLowerCase()]: { name: bound, uid: found.metadata.uid } })
}

/** `serviceaccounts/token`: a token for the account, bound to an object when the request says so. */
export const requestToken = (state: State, target: Target, request: JsonObject): Outcome =>
  Result.gen(function*() {
    const account = yield* stored(state, target)
    const spec = objectOf(request["spec"])
    const seconds = numberOf(spec["expirationSeconds"], 3600)
    if (seconds < shortest || seconds > longest) {
      const why = seconds < shortest
        ? "may not specify a duration less than 10 minutes"
        : "may not specify a duration larger than 2^32 seconds"
      const subject = { group: "authentication.k8s.io", plural: "tokenrequests", kind: "TokenRequest" }
      return yield* Result.fail(Refusals.invalid(subject, "", [invalidValue("spec.expirationSeconds", seconds, why)]))
    }
    const audiences = textsOf(spec["audiences"])
    const meant = audiences.length === 0 ? [issuer] : audiences
    const about = yield* boundClaim(state, target, objectOf(spec["boundObjectRef"]))
    const now = Math.floor(nowMillis(state) / 1000)
    const { name, namespace } = target
    const token = signed(state, {
      aud: meant,
      exp: now + seconds,
      iat: now,
      iss: issuer,
      jti: newUid(state),
      [claimsKey]: { namespace, ...about, serviceaccount: { name, uid: account.metadata.uid } },
      nbf: now,
      sub: `system:serviceaccount:${namespace}:${name}`
    })
    return kubeObject({
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      metadata: { name, namespace, creationTimestamp: timestamp(state) },
      spec: put(
        { ...spec, audiences: meant, expirationSeconds: seconds },
        "boundObjectRef",
        spec["boundObjectRef"] ?? null
      ),
      status: { token, expirationTimestamp: formatTime((now + seconds) * 1000) }
    })
  })
