/** What a path of the API means: a resource, one object of it, a subresource of that, or something of the server itself. */
import type { ApiKind } from "./kinds.ts"

export interface Place {
  readonly kind: ApiKind
  /** Absent: all namespaces, or a cluster-scoped kind. */
  readonly namespace?: string
  readonly name?: string
  readonly subresource?: string
  /** What follows the subresource, with its slash: the path behind a proxy. */
  readonly rest: string
}

const decoded = (part: string): string => {
  const text = part.replaceAll("+", "%2B")
  return /%(?![0-9A-Fa-f]{2})/.test(text) ? part : decodeURIComponent(text)
}

/** The parts of a path behind `/api/v1` or `/apis/group/version`, and the kinds that are served there. */
const served = (kinds: ReadonlyArray<ApiKind>, parts: ReadonlyArray<string>) => {
  const [root, first, second] = parts
  if (root === "api") {
    return { kinds: kinds.filter((kind) => kind.group === "" && kind.version === first), rest: parts.slice(2) }
  }
  if (root !== "apis") return { kinds: [], rest: [] }
  return { kinds: kinds.filter((kind) => kind.group === first && kind.version === second), rest: parts.slice(3) }
}

const placeOf = (
  kind: ApiKind | undefined,
  namespace: string | undefined,
  [name, subresource, ...rest]: ReadonlyArray<string>
): Place | undefined => {
  if (kind === undefined) return undefined
  if (subresource !== undefined && !kind.subresources.includes(subresource)) return undefined
  if (rest.length > 0 && subresource !== "proxy") return undefined
  return {
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
    rest: rest.map((part) => `/${part}`).join("")
  }
}

/** Reads the path of a resource; undefined for any other. */
export const parsePath = (kinds: ReadonlyArray<ApiKind>, path: string): Place | undefined => {
  const parts = path.split("/").filter((part, index) => part !== "" || index === path.length).map(decoded)
  const { kinds: here, rest } = served(kinds, parts)
  const find = (plural: string | undefined) => here.find((kind) => kind.plural === plural)
  const [first, second, third] = rest
  if (first === undefined) return undefined
  const subject = third === undefined ? undefined : find(third)
  if (first === "namespaces" && second !== undefined && subject?.namespaced === true) {
    return placeOf(subject, second, rest.slice(3))
  }
  const kind = find(first)
  // One object of a namespaced kind is only found under its namespace.
  return kind?.namespaced === true && second !== undefined ? undefined : placeOf(kind, undefined, rest.slice(1))
}
