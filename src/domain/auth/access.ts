/**
 * Who asks and what for: how a request to the node's server maps to a verb on a subresource of its Node (O2), and the
 * reviews that put the question to the API server.
 */

export interface UserInfo {
  readonly name: string
  readonly uid?: string
  readonly groups: ReadonlyArray<string>
  readonly extra?: Readonly<Record<string, ReadonlyArray<string>>>
}

export const anonymous: UserInfo = { name: "system:anonymous", groups: ["system:unauthenticated"] }

const authenticatedGroup = "system:authenticated"

/** Whoever proved an identity is in this group as well. */
export const authenticated = (user: UserInfo): UserInfo =>
  user.groups.includes(authenticatedGroup) || user.groups.includes("system:unauthenticated")
    ? user
    : { ...user, groups: [...user.groups, authenticatedGroup] }

/** A question to the authorizer; all questions of one request differ only by subresource. */
export interface AccessAttributes {
  readonly verb: string
  /** The Node's name. */
  readonly name: string
  readonly subresource: string
}

const verbs: Readonly<Record<string, string>> = {
  POST: "create",
  GET: "get",
  HEAD: "get",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete"
}

// KubeletFineGrainedAuthz: these are asked for first, and only then the right to everything.
const fineGrained: ReadonlyArray<readonly [root: string, subresource: string]> = [
  ["/pods", "pods"],
  ["/runningpods", "pods"],
  ["/healthz", "healthz"],
  ["/configz", "configz"],
  ["/statusz", "statusz"]
]
const ownRight: ReadonlyArray<readonly [root: string, subresource: string]> = [
  ["/stats", "stats"],
  ["/metrics", "metrics"],
  ["/logs", "log"],
  ["/checkpoint", "checkpoint"]
]

const isAt = (path: string, root: string): boolean => path === root || path.startsWith(`${root}/`)

/** What must be allowed for the request: any one of the answers is enough. `path` is canonical. */
export const attributesOf = (
  method: string,
  path: string,
  nodeName: string
): readonly [AccessAttributes, ...Array<AccessAttributes>] => {
  const verb = Object.hasOwn(verbs, method) ? verbs[method] ?? "" : ""
  const ask = (subresource: string): AccessAttributes => ({ verb, name: nodeName, subresource })
  const own = ownRight.find(([root]) => isAt(path, root))
  if (own !== undefined) {
    return [ask(own[1])]
  }
  const fine = fineGrained.find(([root]) => isAt(path, root))
  return fine === undefined ? [ask("proxy")] : [ask(fine[1]), ask("proxy")]
}

/** The text of a 403, as `kubectl` shows it. */
export const forbiddenText = (user: UserInfo, attributes: ReadonlyArray<AccessAttributes>): string =>
  `Forbidden (user=${user.name}, verb=${attributes[0]?.verb ?? ""}, resource=nodes, `
  + `subresource(s)=[${attributes.map(({ subresource }) => subresource).join(" ")}])\n`

export const authorizationErrorText = (user: UserInfo, attributes: AccessAttributes): string =>
  `Authorization error (user=${user.name}, verb=${attributes.verb}, resource=nodes, `
  + `subresource=${attributes.subresource})`

/** The review that asks the API server whether `user` may. */
export const accessReview = (user: UserInfo, attributes: AccessAttributes) => ({
  apiVersion: "authorization.k8s.io/v1",
  kind: "SubjectAccessReview",
  metadata: {},
  spec: {
    resourceAttributes: {
      verb: attributes.verb,
      version: "v1",
      resource: "nodes",
      subresource: attributes.subresource,
      name: attributes.name
    },
    user: user.name,
    groups: user.groups,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    ...(user.extra === undefined ? {} : { extra: user.extra })
  }
})

/** The review that asks the API server whose token this is. */
export const tokenReview = (token: string) => ({
  apiVersion: "authentication.k8s.io/v1",
  kind: "TokenReview",
  metadata: {},
  spec: { token }
})
