/** What the server says of itself: version, health, which groups and resources there are, in both forms of discovery. */
import type { JsonObject } from "../../../domain/k8s/json.ts"
import { type ApiResource, apiVersionOf } from "../../../domain/k8s/resources.ts"
import type { ApiKind } from "./kinds.ts"
import { negotiate } from "./negotiate.ts"
import * as Refusals from "./refusal.ts"
import { jsonReply, refusalReply, type Reply, textReply } from "./reply.ts"
import type { State } from "./state.ts"

/** The version of the API that the field table was read from. */
const version = {
  major: "1",
  minor: "36",
  gitVersion: "v1.36.0",
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "",
  compiler: "",
  platform: "linux/amd64"
}

const verbsOf = ({ virtual }: ApiKind): ReadonlyArray<string> =>
  virtual ? ["create"] : ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]

interface Subresource {
  readonly name: string
  readonly verbs: ReadonlyArray<string>
  readonly kind: Pick<ApiResource, "group" | "version" | "kind">
}

const own = (kind: ApiKind, name: string, verbs: ReadonlyArray<string>): Subresource => ({ name, verbs, kind })

const subresourceOf = (kind: ApiKind) => (name: string): Subresource => {
  switch (name) {
    case "binding":
      return { name, verbs: ["create"], kind: { group: "", version: "v1", kind: "Binding" } }
    case "eviction":
      return { name, verbs: ["create"], kind: { group: "policy", version: "v1", kind: "Eviction" } }
    case "token":
      return { name, verbs: ["create"], kind: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" } }
    case "log":
      return own(kind, name, ["get"])
    case "exec":
      return { name, verbs: ["create", "get"], kind: { group: "", version: "v1", kind: "PodExecOptions" } }
    case "attach":
      return { name, verbs: ["create", "get"], kind: { group: "", version: "v1", kind: "PodAttachOptions" } }
    case "portforward":
      return { name, verbs: ["create", "get"], kind: { group: "", version: "v1", kind: "PodPortForwardOptions" } }
    case "proxy":
      return {
        name,
        verbs: ["create", "delete", "get", "patch", "update"],
        kind: { group: "", version: "v1", kind: "NodeProxyOptions" }
      }
    case "finalize":
      return own(kind, name, ["update"])
    default:
      return own(kind, name, ["get", "patch", "update"])
  }
}

const resourceEntries = (kind: ApiKind): ReadonlyArray<JsonObject> => [
  {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: verbsOf(kind),
    ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
    ...(kind.inAll ? { categories: ["all"] } : {})
  },
  ...kind.subresources.map(subresourceOf(kind)).map((
    { name, verbs, kind: { group, kind: kindName, version: number } }
  ) => ({
    name: `${kind.plural}/${name}`,
    singularName: "",
    namespaced: kind.namespaced,
    ...(group === kind.group ? {} : { group, version: number }),
    kind: kindName,
    verbs
  }))
]

const resourceList = (kinds: ReadonlyArray<ApiKind>, groupVersion: string): JsonObject => ({
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion,
  resources: kinds.flatMap(resourceEntries)
})

const groupsOf = (kinds: ReadonlyArray<ApiKind>): ReadonlyArray<string> => [
  ...new Set(kinds.map((kind) => kind.group).filter((group) => group !== ""))
]

const inGroup = (kinds: ReadonlyArray<ApiKind>, group: string) => kinds.filter((kind) => kind.group === group)

const groupEntry = (kinds: ReadonlyArray<ApiKind>) => (group: string): JsonObject => {
  const [first] = inGroup(kinds, group)
  const one = { groupVersion: first === undefined ? group : apiVersionOf(first), version: first?.version ?? "v1" }
  return { name: group, versions: [one], preferredVersion: one }
}

const aggregated = (kind: ApiKind): JsonObject => ({
  resource: kind.plural,
  responseKind: { group: kind.group, version: kind.version, kind: kind.kind },
  scope: kind.namespaced ? "Namespaced" : "Cluster",
  singularResource: kind.singular,
  verbs: verbsOf(kind),
  ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
  ...(kind.inAll ? { categories: ["all"] } : {}),
  ...(kind.subresources.length === 0 ? {} : {
    subresources: kind.subresources.map(subresourceOf(kind)).map(({ name, verbs, kind: of }) => ({
      subresource: name,
      responseKind: { group: of.group, version: of.version, kind: of.kind },
      verbs
    }))
  })
})

const aggregate = (kinds: ReadonlyArray<ApiKind>, groups: ReadonlyArray<string>): Reply => {
  const items = groups.map((group) => {
    const members = inGroup(kinds, group)
    return {
      metadata: group === "" ? {} : { name: group },
      versions: [{ version: members[0]?.version ?? "v1", resources: members.map(aggregated), freshness: "Current" }]
    }
  })
  const body = { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", metadata: {}, items }
  return {
    ...jsonReply(body),
    contentType: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
  }
}

const rootPaths = (kinds: ReadonlyArray<ApiKind>): ReadonlyArray<string> => [
  "/api",
  "/api/v1",
  "/apis",
  ...groupsOf(kinds).flatMap((group) => [
    `/apis/${group}`,
    `/apis/${group}/${inGroup(kinds, group)[0]?.version ?? "v1"}`
  ]),
  "/healthz",
  "/livez",
  "/openapi/v3",
  "/readyz",
  "/version"
]

const ofGroup = (kinds: ReadonlyArray<ApiKind>, [group = "", number, ...rest]: ReadonlyArray<string>) => {
  const members = inGroup(kinds, group)
  const [first] = members
  if (first === undefined || rest.length > 0) return undefined
  if (number === undefined) return jsonReply({ kind: "APIGroup", apiVersion: "v1", ...groupEntry(kinds)(group) })
  return number === first.version ? jsonReply(resourceList(members, apiVersionOf(first))) : undefined
}

/** Answers the paths of discovery; undefined for any other. */
export const discover = ({ kinds }: State, path: string, accept: string): Reply | undefined => {
  const whole = () => negotiate(accept) === "discovery"
  switch (path) {
    case "/":
      return jsonReply({ paths: rootPaths(kinds) })
    case "/version":
    case "/version/":
      return jsonReply(version)
    case "/healthz":
    case "/livez":
    case "/readyz":
      return textReply("ok")
    case "/api":
    case "/api/":
      if (whole()) return aggregate(kinds, [""])
      return jsonReply({ kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] })
    case "/apis":
    case "/apis/":
      if (whole()) return aggregate(kinds, groupsOf(kinds))
      return jsonReply({ kind: "APIGroupList", apiVersion: "v1", groups: groupsOf(kinds).map(groupEntry(kinds)) })
    case "/api/v1":
      return jsonReply(resourceList(inGroup(kinds, ""), "v1"))
  }
  const parts = path.split("/").slice(1)
  if (parts[0] !== "apis" || parts.length > 3) return undefined
  return ofGroup(kinds, parts.slice(1)) ?? refusalReply(Refusals.noSuchPath())
}
