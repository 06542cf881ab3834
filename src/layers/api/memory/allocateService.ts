/** Cluster IPs and node ports: given out in order, so that a run gives the same ones again. */
import {
  at,
  type JsonObject,
  objectOf,
  objectsOf,
  own,
  put,
  putList,
  putObject,
  textOf,
  textsOf
} from "../../../domain/k8s/json.ts"
import { services } from "../../../domain/k8s/resources.ts"
import { invalidValue } from "./problem.ts"
import type { Cause } from "./refusal.ts"
import { kindOf, type State } from "./state.ts"

const prefix = "10.96"
const portRange: readonly [first: number, last: number] = [30_000, 32_767]

/** The address of the API server's own Service. */
export const kubernetesAddress = `${prefix}.0.1`

const specs = (state: State): ReadonlyArray<unknown> =>
  state.store.shelf(kindOf(state, services)).objects.list().map((service) => service["spec"])

const address = (index: number): string => `${prefix}.${index >> 8}.${index & 255}`

const freeAddress = (state: State): string => {
  const used = new Set(specs(state).map((spec) => textOf(at(spec, "clusterIP"))))
  let index = 2
  while (used.has(address(index))) index++
  return address(index)
}

const withAddress = (state: State, spec: JsonObject, before: JsonObject): JsonObject => {
  const given = textOf(spec["clusterIP"]) || textsOf(spec["clusterIPs"])[0] || textOf(before["clusterIP"])
  const ip = given === "" ? freeAddress(state) : given
  return put(put(spec, "clusterIP", ip), "clusterIPs", [ip])
}

const withPorts = (state: State, spec: JsonObject, before: JsonObject): JsonObject => {
  const used = new Set(specs(state).flatMap((other) => objectsOf(at(other, "ports")).map((port) => port["nodePort"])))
  let next = portRange[0]
  return putList(spec, "ports", (port) => {
    if (own(port, "nodePort") !== undefined) return port
    const same = objectsOf(before["ports"]).find((old) => old["port"] === port["port"] && old["name"] === port["name"])
    if (same !== undefined && own(same, "nodePort") !== undefined) return put(port, "nodePort", same["nodePort"])
    while (used.has(next) && next < portRange[1]) next++
    used.add(next)
    return put(port, "nodePort", next)
  })
}

/** Gives a Service what it needs and does not have; what it had before it keeps. */
export const allocated = (state: State, service: JsonObject, before?: JsonObject): JsonObject =>
  putObject(service, "spec", (spec) => {
    const old = objectOf(before?.["spec"])
    const type = textOf(spec["type"])
    if (type === "ExternalName") return put(put(spec, "clusterIP", undefined), "clusterIPs", undefined)
    const reachable = withAddress(state, spec, old)
    return type === "NodePort" || type === "LoadBalancer" ? withPorts(state, reachable, old) : reachable
  })

/** An address belongs to one Service, and stays with it. */
export const addressCauses = (state: State, service: JsonObject, before?: JsonObject): ReadonlyArray<Cause> => {
  const ip = textOf(at(service, "spec", "clusterIP"))
  const old = textOf(at(before, "spec", "clusterIP"))
  if (ip === "" || ip === "None" || ip === old) return []
  if (old !== "") return [invalidValue("spec.clusterIPs[0]", [ip], "may not change once set")]
  const taken = specs(state).some((spec) => at(spec, "clusterIP") === ip)
  return taken
    ? [invalidValue("spec.clusterIPs", [ip], `failed to allocate IP ${ip}: provided IP is already allocated`)]
    : []
}
