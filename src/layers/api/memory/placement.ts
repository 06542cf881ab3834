/** Where a pod may run: node selector, required node affinity, taints and tolerations; and which of those nodes is best. */
import { at, type JsonObject, objectOf, objectsOf, textOf } from "../../../domain/k8s/json.ts"
import { expressionsHold, mapHolds } from "./selectLabels.ts"

/** What the binder keeps of a node. */
export interface Candidate {
  readonly name: string
  readonly ready: boolean
  readonly labels: JsonObject
  readonly taints: ReadonlyArray<JsonObject>
  readonly maxPods: number
}

const unschedulable = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }

export const candidateOf = (node: unknown): Candidate => {
  const ready = objectsOf(at(node, "status", "conditions")).some((one) =>
    one["type"] === "Ready" && one["status"] === "True"
  )
  const pods = at(node, "status", "allocatable", "pods")
  return {
    name: textOf(at(node, "metadata", "name")),
    ready: ready && at(node, "metadata", "deletionTimestamp") === undefined,
    labels: objectOf(at(node, "metadata", "labels")),
    taints: [
      ...objectsOf(at(node, "spec", "taints")).filter((taint) => taint["effect"] !== "PreferNoSchedule"),
      ...(at(node, "spec", "unschedulable") === true ? [unschedulable] : [])
    ],
    maxPods: pods === undefined ? 110 : Number(pods)
  }
}

const tolerates = (toleration: JsonObject, taint: JsonObject): boolean => {
  const effect = textOf(toleration["effect"])
  const key = textOf(toleration["key"])
  if (effect !== "" && effect !== taint["effect"]) return false
  if (key !== "" && key !== taint["key"]) return false
  if (textOf(toleration["operator"]) === "Exists") return true
  return key !== "" && textOf(toleration["value"]) === textOf(taint["value"])
}

const required = ["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"]

const affine = (spec: JsonObject, node: Candidate): boolean => {
  const terms = at(spec, ...required)
  if (terms === undefined) return true
  return objectsOf(terms).some((term) =>
    expressionsHold(term["matchExpressions"], node.labels) &&
    expressionsHold(term["matchFields"], { "metadata.name": node.name })
  )
}

/** Why a pod may not run on a node, in the words of the scheduler; undefined when it may. */
export const obstacleTo = (spec: JsonObject, node: Candidate, pods: number): string | undefined => {
  if (!node.ready) return "node(s) had untolerated taint {node.kubernetes.io/not-ready: }"
  if (node.taints.length > 0) {
    const tolerations = objectsOf(spec["tolerations"])
    const taint = node.taints.find((one) => !tolerations.some((toleration) => tolerates(toleration, one)))
    if (taint === unschedulable) return "node(s) were unschedulable"
    if (taint !== undefined) return `node(s) had untolerated taint {${textOf(taint["key"])}: ${textOf(taint["value"])}}`
  }
  if (!mapHolds(spec["nodeSelector"], node.labels) || !affine(spec, node)) {
    return "node(s) didn't match Pod's node affinity/selector"
  }
  return pods >= node.maxPods ? "Too many pods" : undefined
}

/** The scheduler's sentence about nodes that all refuse: how many, and why. */
export const refusalText = (total: number, reasons: ReadonlyMap<string, number>): string => {
  if (total === 0) return "no nodes available to schedule pods"
  const parts = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort()
  return `0/${total} nodes are available: ${parts.join(", ")}.`
}
