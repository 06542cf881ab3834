/**
 * The additional networks that a pod asks for by annotation, and what it is told of those it got, as the Kubernetes Network
 * Plumbing Working Group's "Network Custom Resource Definition De-facto Standard" 1.3 has both.
 */
import { Result, Schema } from "effect"
import { isObject, type JsonObject, parseJson, textOf } from "./json.ts"
import { type CniResult } from "./result.ts"

export const networksAnnotation = "k8s.v1.cni.cncf.io/networks"
/** Which network is the pod's first, and what it asks for in it. */
export const defaultNetworkAnnotation = "v1.multus-cni.io/default-network"
export const networkStatusAnnotation = "k8s.v1.cni.cncf.io/network-status"

/** The annotation cannot be understood: the pod gets no network at all until it is corrected. */
export class BadSelection extends Schema.TaggedError<BadSelection>()("BadSelection", {
  annotation: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `annotation ${this.annotation}: ${this.detail}`
  }
}

export interface NetworkSelection {
  readonly namespace: string
  readonly name: string
  readonly ifname: string
  /** By capability: addresses, MAC and such that the pod asks for in this network. */
  readonly capabilityArgs: JsonObject
}

const namePattern = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/
const interfacePattern = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,14}$/

interface Asked {
  readonly namespace: string
  readonly name: string
  readonly ifname: string
  readonly capabilityArgs: JsonObject
}

/** `namespace/name@interface`, of which only the name is needed. */
const shortForm = (text: string): Asked => {
  const [path = "", ifname = ""] = text.split("@")
  const slash = path.indexOf("/")
  return { namespace: path.slice(0, Math.max(slash, 0)), name: path.slice(slash + 1), ifname, capabilityArgs: {} }
}

/** Keys of the annotation and the capabilities they become. */
const capabilityKeys: ReadonlyArray<readonly [string, string]> = [
  ["ips", "ips"],
  ["mac", "mac"],
  ["infiniband-guid", "infinibandGUID"],
  ["bandwidth", "bandwidth"],
  ["portMappings", "portMappings"]
]

const jsonForm = (value: unknown): Result.Result<Asked, string> => {
  if (!isObject(value)) return Result.fail("an element is no object")
  if (textOf(value["name"]) === "") return Result.fail("an element has no name")
  return Result.succeed({
    namespace: textOf(value["namespace"]),
    name: textOf(value["name"]),
    ifname: textOf(value["interface"]),
    capabilityArgs: Object.fromEntries(
      capabilityKeys.flatMap(([key, capability]) => value[key] === undefined ? [] : [[capability, value[key]]])
    )
  })
}

const askedOf = (text: string): Result.Result<ReadonlyArray<Asked>, string> => {
  if (!text.startsWith("[") && !text.startsWith("{")) {
    return Result.succeed(text.split(",").map((part) => shortForm(part.trim())))
  }
  return Result.flatMap(parseJson(text), (value) => Result.all((Array.isArray(value) ? value : [value]).map(jsonForm)))
}

const problemOf = ({ ifname, name, namespace }: NetworkSelection): string | undefined => {
  if (!namePattern.test(name)) return `"${name}" is no name of a network`
  if (!namePattern.test(namespace)) return `"${namespace}" is no namespace`
  return interfacePattern.test(ifname) ? undefined : `"${ifname}" is no name for an interface`
}

/** What the pod of `namespace` asks for, in order; interfaces without a name become net1, net2 and so on. */
export const parseSelections = (
  text: string,
  namespace: string
): Result.Result<ReadonlyArray<NetworkSelection>, BadSelection> => {
  if (text.trim() === "") return Result.succeed([])
  const complete = (asked: ReadonlyArray<Asked>) => {
    const all = asked.map((each, index): NetworkSelection => ({
      namespace: each.namespace === "" ? namespace : each.namespace,
      name: each.name,
      ifname: each.ifname === "" ? `net${index + 1}` : each.ifname,
      capabilityArgs: each.capabilityArgs
    }))
    const problem = all.map(problemOf).find((each) => each !== undefined)
    if (problem !== undefined) return Result.fail(problem)
    if (all.some(({ ifname }) => ifname === "eth0")) return Result.fail("eth0 is the interface of the default network")
    const twice = all.find(({ ifname }, index) => all.findIndex((other) => other.ifname === ifname) !== index)
    return twice === undefined ? Result.succeed(all) : Result.fail(`interface ${twice.ifname} is asked for twice`)
  }
  return Result.mapError(
    Result.flatMap(askedOf(text.trim()), complete),
    (detail) => new BadSelection({ annotation: networksAnnotation, detail })
  )
}

/** The network that takes the place of the node's own, as the interface that the runtime asks for. */
export const parseDefaultSelection = (
  text: string,
  pod: { readonly namespace: string; readonly ifname: string }
): Result.Result<NetworkSelection, BadSelection> =>
  Result.gen(function*() {
    const [asked, ...others] = yield* askedOf(text.trim())
    if (asked === undefined || others.length > 0) return yield* Result.fail("it must name one network")
    const selection = { ...asked, namespace: asked.namespace || pod.namespace, ifname: pod.ifname }
    const problem = problemOf(selection)
    return problem === undefined ? selection : yield* Result.fail(problem)
  }).pipe(Result.mapError((detail) => new BadSelection({ annotation: defaultNetworkAnnotation, detail })))

export interface AttachedNetwork {
  /** `namespace/name`; of the default network, its own name. */
  readonly name: string
  readonly ifname: string
  readonly result: CniResult
}

/** The status annotation; the first network is the pod's default. */
export const networkStatusText = (networks: ReadonlyArray<AttachedNetwork>): string =>
  JSON.stringify(
    networks.map(({ ifname, name, result }, index) => {
      const own = result.interfaces.find((each) => each.name === ifname && (each.sandbox ?? "") !== "")
      return {
        name,
        interface: ifname,
        ips: result.ips.map(({ address }) => address.split("/")[0] ?? address),
        ...(own?.mac === undefined ? {} : { mac: own.mac }),
        ...(index === 0 ? { default: true } : {}),
        dns: result.dns
      }
    }),
    null,
    4
  )
