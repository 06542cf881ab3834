/**
 * A node stays Ready while its runtime answers, and its lease is renewed while the API server can be reached: no pod,
 * container or volume that hangs takes the node out of service (kubernetes issue 94829).
 */
import type { Fault } from "../../domain/chaos/fault.ts"
import { at } from "../../domain/k8s/json.ts"
import type { KubeObject } from "../../layers/api/KubeApi.ts"
import type { Invariant } from "../Watching.ts"

/** What the whole runtime suffers, not some of its containers. */
const takesDown = (fault: Fault): boolean =>
  fault._tag === "Blow"
    ? /^(runtime|network)-not-ready$|^machine-reboot$/.test(fault.name)
    : fault.target === undefined && /^(cri|cni)-/.test(fault.name)

/** Troubles of the runtime are still told of for this long after their end. */
const echoMs = 6 * 60_000

const readyOf = (node: KubeObject | undefined): string => {
  const conditions = at(node, "status", "conditions")
  const ready = (Array.isArray(conditions) ? conditions : []).find((one: unknown) => at(one, "type") === "Ready")
  return String(at(ready, "status") ?? "")
}

export const nodeKept: Invariant = {
  name: "node-kept",
  watch: ({ faults, nowMs }) => {
    const excused = (node: string): boolean =>
      faults.some((fault) => {
        if (fault.node !== node || !takesDown(fault)) return false
        const [fromMs, untilMs] = fault._tag === "Blow"
          ? [fault.atMs, fault.atMs + fault.forMs]
          : [fault.fromMs, fault.untilMs]
        return nowMs() >= fromMs && nowMs() <= untilMs + echoMs
      })
    return {
      node: ({ before, object }) => {
        const name = object.metadata.name ?? ""
        if (readyOf(before) !== "True" || readyOf(object) === "True" || excused(name)) return undefined
        return `${name} is not Ready any more, although its runtime answers`
      }
    }
  }
}
