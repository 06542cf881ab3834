/** The kinds that are questions: who does a token belong to, who am I, may someone do something. Nothing is stored. */
import { at, type JsonObject, objectOf, put, textOf, textsOf } from "../../../domain/k8s/json.ts"
import type { ApiKind } from "./kinds.ts"
import type { AccessQuestion, Identity, State } from "./state.ts"
import { identify, issuer } from "./tokens.ts"

const userOf = ({ username, uid, groups, extra }: Identity): JsonObject => ({
  username,
  ...(uid === undefined ? {} : { uid }),
  groups,
  ...(extra === undefined ? {} : { extra })
})

const tokenReview = (state: State, object: JsonObject): JsonObject => {
  const spec = objectOf(object["spec"])
  const wanted = textsOf(spec["audiences"])
  const found = identify(state, textOf(spec["token"]))
  if (found === undefined) return { authenticated: false, user: {}, error: "invalid bearer token" }
  const asked = wanted.length === 0 ? [issuer] : wanted
  const audiences = asked.filter((one) => found.audiences.includes(one))
  return audiences.length === 0
    ? { authenticated: false, user: {}, error: "[invalid bearer token, token audiences do not match]" }
    : { authenticated: true, user: userOf(found.identity), audiences }
}

const access = (state: State, question: AccessQuestion): JsonObject =>
  state.settings.authorize(question) ? { allowed: true } : { allowed: false, reason: "no rule allows it" }

const questionOf = (object: JsonObject, user: Identity | undefined): AccessQuestion => {
  const spec = objectOf(object["spec"])
  const resource = at(spec, "resourceAttributes")
  const nonResource = at(spec, "nonResourceAttributes")
  return {
    user: user?.username ?? textOf(spec["user"]),
    groups: user?.groups ?? textsOf(spec["groups"]),
    ...(resource === undefined ? {} : { resource: objectOf(resource) }),
    ...(nonResource === undefined ? {} : { nonResource: objectOf(nonResource) })
  }
}

const everything = {
  resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
  nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
  incomplete: false
}

/** The review with its answer. */
export const review = (state: State, kind: ApiKind, object: JsonObject, user: Identity): JsonObject => {
  switch (kind.kind) {
    case "TokenReview":
      return put(object, "status", tokenReview(state, object))
    case "SelfSubjectReview":
      return put(object, "status", { userInfo: userOf(user) })
    case "SelfSubjectAccessReview":
      return put(object, "status", access(state, questionOf(object, user)))
    case "SelfSubjectRulesReview":
      return put(object, "status", everything)
    default:
      return put(object, "status", access(state, questionOf(object, undefined)))
  }
}
