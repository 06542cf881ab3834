/**
 * Which credentials fit an image (parity N4): the registry's host part by part, with globs, its port exactly, and its
 * path as a prefix. The most specific location comes first; at one location the order of the secrets stands.
 */
import type { ImageName } from "./imageName.ts"
import type { KeyringEntry } from "./pullSecrets.ts"

interface Place {
  readonly hostParts: ReadonlyArray<string>
  readonly port: string
  readonly path: string
}

const placeOf = (text: string): Place => {
  const slash = text.indexOf("/")
  const authority = slash === -1 ? text : text.slice(0, slash)
  const colon = authority.lastIndexOf(":")
  const hasPort = colon > authority.lastIndexOf("]")
  return {
    hostParts: (hasPort ? authority.slice(0, colon) : authority).split("."),
    port: hasPort ? authority.slice(colon + 1) : "",
    path: slash === -1 ? "" : text.slice(slash)
  }
}

/** `*` stands for any characters and `?` for one, never for a dot, because parts are compared one by one. */
const matchesPart = (glob: string, text: string): boolean => {
  const source = glob.replace(
    /[.*+?^${}()|[\]\\]/g,
    (character) => character === "*" ? ".*" : character === "?" ? "." : `\\${character}`
  )
  return new RegExp(`^${source}$`).test(text)
}

/** A path is a prefix of text, not of path parts: that is how the kubelet has always compared it. */
export const locationMatches = (location: string, { registry, repository }: ImageName): boolean => {
  const wanted = placeOf(location)
  const actual = placeOf(`${registry}/${repository}`)
  return wanted.port === actual.port && wanted.hostParts.length === actual.hostParts.length &&
    actual.path.startsWith(wanted.path) &&
    wanted.hostParts.every((part, index) => matchesPart(part, actual.hostParts[index] ?? ""))
}

/** What Docker's own client calls its Hub. */
const hubLocation = "index.docker.io"

const descending = (a: string, b: string): number => a < b ? 1 : a > b ? -1 : 0

/** A credential to try, and whose it is. */
export type SourcedAuth = Pick<KeyringEntry, "auth" | "source">

/** Every credential to try for the image, best first; none means that it is pulled without. */
export const authsFor = (entries: ReadonlyArray<KeyringEntry>, name: ImageName): ReadonlyArray<SourcedAuth> => {
  const byLocation = Map.groupBy(entries, ({ location }) => location)
  const locations = [...byLocation.keys()].sort(descending)
  const matching = locations.filter((location) => locationMatches(location, name))
  const isHub = name.registry === "docker.io"
  const used = matching.length === 0 && isHub ? locations.filter((location) => location === hubLocation) : matching
  return used.flatMap((location) => byLocation.get(location) ?? []).map(({ auth, source }) => ({ auth, source }))
}

/** The keyrings of a pod, the node and the plugins, one after the other: each in its own order of places (parity N6). */
export const authsOfKeyrings = (
  keyrings: ReadonlyArray<ReadonlyArray<KeyringEntry>>,
  name: ImageName
): ReadonlyArray<SourcedAuth> => keyrings.flatMap((entries) => authsFor(entries, name))
