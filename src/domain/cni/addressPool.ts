/** The addresses that a network gives out, as ranges of its configuration, and which of them comes next. */
import { isObject, type JsonObject, textOf } from "./json.ts"

export interface AddressRange {
  readonly family: 4 | 6
  readonly prefixLength: number
  readonly first: bigint
  readonly last: bigint
  readonly gateway: bigint
}

const ipv4Number = (text: string): bigint => text.split(".").reduce((all, part) => all * 256n + BigInt(part), 0n)

const ipv6Number = (text: string): bigint => {
  const [head = "", tail] = text.split("::")
  const groups = (part: string) => part === "" ? [] : part.split(":")
  const [left, right] = [groups(head), groups(tail ?? "")]
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array.from({ length: zeros }, () => "0"), ...right]
    .reduce((all, group) => all * 65_536n + BigInt(`0x${group}`), 0n)
}

export const addressNumber = (text: string): bigint => text.includes(":") ? ipv6Number(text) : ipv4Number(text)

const ipv6Text = (value: bigint): string => {
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  const zeros = groups.join(":").match(/(^|:)0(:0)+(:|$)/g)?.sort((a, b) => b.length - a.length)[0]
  return zeros === undefined ? groups.join(":") : groups.join(":").replace(zeros, "::")
}

export const addressText = (family: 4 | 6, value: bigint): string =>
  family === 6 ? ipv6Text(value) : [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".")

const rangeOf = (value: JsonObject): ReadonlyArray<AddressRange> => {
  const [, base, bits] = /^([0-9a-fA-F.:]+)\/(\d+)$/.exec(textOf(value["subnet"])) ?? []
  if (base === undefined || bits === undefined) return []
  const family = base.includes(":") ? 6 : 4
  const size = 1n << BigInt((family === 6 ? 128 : 32) - Number(bits))
  const start = (addressNumber(base) / size) * size
  const given = (key: string, otherwise: bigint) =>
    textOf(value[key]) === "" ? otherwise : addressNumber(textOf(value[key]))
  return [{
    family,
    prefixLength: Number(bits),
    first: given("rangeStart", start + 1n),
    // The last address of an IPv4 network is its broadcast.
    last: given("rangeEnd", start + size - (family === 4 ? 2n : 1n)),
    gateway: given("gateway", start + 1n)
  }]
}

/** The range sets of a `host-local` configuration: an attachment gets one address of each. */
export const rangeSets = (ipam: unknown): ReadonlyArray<ReadonlyArray<AddressRange>> => {
  if (!isObject(ipam)) return []
  const sets = Array.isArray(ipam["ranges"]) ? ipam["ranges"] : [[ipam]]
  return sets
    .map((set) => (Array.isArray(set) ? set : []).flatMap((range) => isObject(range) ? rangeOf(range) : []))
    .filter((set) => set.length > 0)
}

/** The first address of the set that is nobody's; undefined when all are taken. */
export const nextAddress = (set: ReadonlyArray<AddressRange>, taken: ReadonlySet<string>) => {
  for (const range of set) {
    for (let value = range.first; value <= range.last; value++) {
      const address = addressText(range.family, value)
      if (value !== range.gateway && !taken.has(address)) return { range, address }
    }
  }
  return undefined
}
