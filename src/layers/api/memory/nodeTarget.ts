/** Which node answers a request for logs, a shell or a forwarded port of a pod, and under which path it does so. */
import { Result } from "effect"
import { at, numberOf, objectsOf, textOf } from "../../../domain/k8s/json.ts"
import { nodes } from "../../../domain/k8s/resources.ts"
import type { KubeObject } from "../KubeApi.ts"
import { nodeOf } from "./collection.ts"
import type { Place } from "./paths.ts"
import * as Refusals from "./refusal.ts"
import type { NodeAddress, Pass } from "./reply.ts"
import { kindOf, type State } from "./state.ts"
import type { Outcome } from "./verbCreate.ts"
import { stored } from "./verbUpdate.ts"

const addressTypes = ["InternalIP", "ExternalIP", "InternalDNS", "ExternalDNS", "Hostname"]

const addressOf = (state: State, name: string, port?: number): Outcome<NodeAddress> =>
  Result.flatMap(stored(state, { kind: kindOf(state, nodes), namespace: "", name, subresource: "" }), (node) => {
    const addresses = objectsOf(at(node, "status", "addresses"))
    const host = addressTypes.flatMap((type) => addresses.filter((one) => one["type"] === type))[0]
    if (host === undefined) {
      return Result.fail(Refusals.badGateway(`no preferred addresses found; known addresses: []`))
    }
    const own = numberOf(at(node, "status", "daemonEndpoints", "kubeletEndpoint", "Port"))
    return Result.succeed({ host: textOf(host["address"]), port: port ?? (own > 0 ? own : 10_250) })
  })

const namesOf = (pod: KubeObject, list: string): ReadonlyArray<string> =>
  objectsOf(at(pod, "spec", list)).map((one) => textOf(one["name"]))

/** The container that is meant: the one named, or the only one there is. */
const containerOf = (pod: KubeObject, asked: string): Outcome<string> => {
  const name = pod.metadata.name ?? ""
  const main = namesOf(pod, "containers")
  const init = namesOf(pod, "initContainers")
  if (asked !== "") {
    return [...main, ...init, ...namesOf(pod, "ephemeralContainers")].includes(asked)
      ? Result.succeed(asked)
      : Result.fail(Refusals.badRequest(`container ${asked} is not valid for pod ${name}`))
  }
  const [only, ...more] = main
  if (only !== undefined && more.length === 0) return Result.succeed(only)
  const others = init.length === 0 ? "" : ` or one of the init containers: [${init.join(" ")}]`
  return Result.fail(Refusals.badRequest(
    `a container name must be specified for pod ${name}, choose one of: [${main.join(" ")}]${others}`
  ))
}

const logOptions = [
  "follow",
  "previous",
  "sinceSeconds",
  "sinceTime",
  "timestamps",
  "tailLines",
  "limitBytes",
  "stream"
]

/** How the node calls what the API calls by another name. */
const streamOptions: ReadonlyArray<readonly [api: string, node: string]> = [
  ["stdin", "input"],
  ["stdout", "output"],
  ["stderr", "error"],
  ["tty", "tty"]
]

const isOn = (value: string | null): boolean => value === "true" || value === "1"

const pair = (key: string, value: string): [string, string] => [key, value]

const logQuery = (query: URLSearchParams): URLSearchParams =>
  new URLSearchParams(logOptions.flatMap((key) => {
    const value = query.get(key)
    return value === null ? [] : [pair(key, value)]
  }))

const execQuery = (query: URLSearchParams): URLSearchParams =>
  new URLSearchParams([
    ...streamOptions.flatMap(([api, node]) => isOn(query.get(api)) ? [pair(node, "1")] : []),
    ...query.getAll("command").map((part) => pair("command", part))
  ])

const portQuery = (query: URLSearchParams): URLSearchParams =>
  new URLSearchParams(query.getAll("ports").length === 0 ? [] : [pair("port", query.getAll("ports").join(","))])

const withQuery = (path: string, query: URLSearchParams): string => query.size === 0 ? path : `${path}?${query}`

const podPath = (pod: KubeObject, root: string, container?: string): string =>
  [root, pod.metadata.namespace, pod.metadata.name, container].filter((part) => part !== undefined)
    .map((part) => encodeURIComponent(part)).join("/")

const podTarget = (pod: KubeObject, subresource: string, query: URLSearchParams): Outcome<string> => {
  if (subresource === "portforward") {
    return Result.succeed(withQuery(`/${podPath(pod, "portForward")}`, portQuery(query)))
  }
  return Result.map(containerOf(pod, query.get("container") ?? ""), (container) =>
    subresource === "log"
      ? withQuery(`/${podPath(pod, "containerLogs", container)}`, logQuery(query))
      : withQuery(`/${podPath(pod, subresource, container)}`, execQuery(query)))
}

const passedPod = (state: State, place: Place, query: URLSearchParams): Outcome<Pass> =>
  Result.gen(function*() {
    const { kind, name = "", namespace = "", subresource = "" } = place
    const pod = yield* stored(state, { kind, namespace, name, subresource: "" })
    const target = yield* podTarget(pod, subresource, query)
    const host = nodeOf(pod)
    if (host === "") return yield* Result.fail(Refusals.badRequest(`pod ${name} does not have a host assigned`))
    return { _tag: "Pass", node: yield* addressOf(state, host), target }
  })

const nodeName = /^(?:https?:)?([^:]+)(?::(\d+))?$/

const passedNode = (state: State, { name = "", rest }: Place, search: string): Outcome<Pass> => {
  const [, host = name, port] = nodeName.exec(name) ?? []
  return Result.map(
    addressOf(state, host, port === undefined ? undefined : Number(port)),
    (node) => ({ _tag: "Pass", node, target: `${rest === "" ? "/" : rest}${search}` })
  )
}

const passedSubresources: ReadonlySet<string | undefined> = new Set(["log", "exec", "attach", "portforward"])

/** Where a request of a place goes on to; `search` is its query with the question mark. */
export const nodeTarget = (state: State, place: Place, search: string): Outcome<Pass> => {
  if (place.subresource === "proxy") return passedNode(state, place, search)
  return passedSubresources.has(place.subresource)
    ? passedPod(state, place, new URLSearchParams(search))
    : Result.fail(Refusals.methodNotAllowed())
}
