/** What a plugin has done, in the newest form; read from and written as any version that we speak. */
import { Result, Schema } from "effect"
import { withoutNulls } from "../k8s/decode.ts"
import { atLeast } from "./version.ts"

const text = Schema.String
const number = Schema.Number
const absent = Schema.optionalKey

const Interface = Schema.Struct({
  name: text,
  mac: absent(text),
  mtu: absent(number),
  /** Path of the network namespace; absent for interfaces of the host. */
  sandbox: absent(text),
  socketPath: absent(text),
  pciID: absent(text)
})
export type CniInterface = typeof Interface.Type

const Address = Schema.Struct({
  /** With its prefix length. */
  address: text,
  gateway: absent(text),
  /** Index into the interfaces. */
  interface: absent(number)
})
export type CniAddress = typeof Address.Type

const Route = Schema.Struct({
  dst: text,
  gw: absent(text),
  mtu: absent(number),
  advmss: absent(number),
  priority: absent(number),
  table: absent(number),
  scope: absent(number)
})

const Dns = Schema.Struct({
  nameservers: absent(Schema.Array(text)),
  domain: absent(text),
  search: absent(Schema.Array(text)),
  options: absent(Schema.Array(text))
})

const list = <S extends Schema.Top>(item: S) => absent(Schema.Array(item))

const Wire = Schema.Struct({
  cniVersion: absent(text),
  interfaces: list(Interface),
  ips: list(Address),
  routes: list(Route),
  dns: absent(Dns)
})

export interface CniResult {
  readonly interfaces: ReadonlyArray<CniInterface>
  readonly ips: ReadonlyArray<CniAddress>
  readonly routes: ReadonlyArray<typeof Route.Type>
  readonly dns: typeof Dns.Type
}

export const emptyResult: CniResult = { interfaces: [], ips: [], routes: [], dns: {} }

const decodeWire = Schema.decodeUnknownResult(Wire)

/** The failure says what does not fit. Versions differ in fields only, so what is there is what is read. */
export const decodeResult = (value: unknown): Result.Result<CniResult, string> =>
  Result.mapBoth(decodeWire(withoutNulls(value)), {
    onFailure: (error) => error.message.replace(/\s+/g, " "),
    onSuccess: ({ dns = {}, interfaces = [], ips = [], routes = [] }) => ({ interfaces, ips, routes, dns })
  })

export const isIpv6 = (address: string): boolean => address.includes(":")

/** As `version` has it: before 1.0 an address names its family, before 1.1 a link and a route know less. */
export const encodeResult = (result: CniResult, version: string): Readonly<Record<string, unknown>> => {
  const newest = atLeast(version, "1.1.0")
  return {
    cniVersion: version,
    interfaces: newest
      ? result.interfaces
      : result.interfaces.map(({ mac, name, sandbox }) => ({
        name,
        ...(mac === undefined ? {} : { mac }),
        ...(sandbox === undefined ? {} : { sandbox })
      })),
    ips: atLeast(version, "1.0.0")
      ? result.ips
      : result.ips.map((ip) => ({ version: isIpv6(ip.address) ? "6" : "4", ...ip })),
    routes: newest ? result.routes : result.routes.map(({ dst, gw }) => gw === undefined ? { dst } : { dst, gw }),
    dns: result.dns
  }
}

/** The addresses of the interfaces inside the pod, without prefix lengths, in order. */
export const podAddresses = (result: CniResult): ReadonlyArray<string> =>
  result.ips
    .filter((ip) => ip.interface === undefined || (result.interfaces[ip.interface]?.sandbox ?? "") !== "")
    .map(({ address }) => address.split("/")[0] ?? address)
