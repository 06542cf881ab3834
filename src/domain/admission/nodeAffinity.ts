/** Whether a pod's node selector and required node affinity fit a node (parity C7). */
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from "../k8s/meta.ts"
import type { Node } from "../k8s/node.ts"
import type { Pod } from "../k8s/pod.ts"

const integer = /^[+-]?\d+$/

const compares = (
  value: string | undefined,
  bounds: ReadonlyArray<string>,
  wanted: (a: bigint, b: bigint) => boolean
) => {
  const [bound] = bounds
  return value !== undefined && bound !== undefined && bounds.length === 1 && integer.test(value) &&
    integer.test(bound) && wanted(BigInt(value), BigInt(bound))
}

const meets = ({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean => {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value)
    case "NotIn":
      return value === undefined || !values.includes(value)
    case "Exists":
      return value !== undefined
    case "DoesNotExist":
      return value === undefined
    case "Gt":
      return compares(value, values, (a, b) => a > b)
    case "Lt":
      return compares(value, values, (a, b) => a < b)
    default:
      return false
  }
}

/** A term without requirements fits nothing. */
const termFits = ({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean =>
  matchExpressions.length + matchFields.length > 0 &&
  matchExpressions.every((requirement) => meets(requirement, node.metadata.labels?.[requirement.key])) &&
  matchFields.every((requirement) => requirement.key === "metadata.name" && meets(requirement, node.metadata.name))

/** The terms are alternatives. */
export const selectorFits = ({ nodeSelectorTerms }: NodeSelector, node: Node): boolean =>
  nodeSelectorTerms.some((term) => termFits(term, node))

export const affinityFits = (pod: Pod, node: Node): boolean => {
  const selected = Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) =>
    node.metadata.labels?.[key] === value
  )
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return selected && (required === undefined || selectorFits(required, node))
}
