/** Whether a pod's node selector and required node affinity fit a node (parity C7). */
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from "../k8s/meta.ts"
import type { Node } from "../k8s/node.ts"
import type { Pod } from "../k8s/pod.ts"
import { hasLabels, labelOf, type Labels, valueMeets } from "../k8s/selectors.ts"

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

/** Nodes are compared by number too. */
const meets = (requirement: NodeSelectorRequirement, value: string | undefined): boolean => {
  const { operator, values = [] } = requirement
  switch (operator) {
    case "Gt":
      return compares(value, values, (a, b) => a > b)
    case "Lt":
      return compares(value, values, (a, b) => a < b)
    default:
      return valueMeets(requirement, value)
  }
}

const labelsOf = ({ metadata }: Node): Labels => metadata.labels ?? {}

/** A term without requirements fits nothing. */
const termFits = ({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean =>
  matchExpressions.length + matchFields.length > 0 &&
  matchExpressions.every((requirement) => meets(requirement, labelOf(labelsOf(node), requirement.key))) &&
  matchFields.every((requirement) => requirement.key === "metadata.name" && meets(requirement, node.metadata.name))

/** The terms are alternatives. */
export const selectorFits = ({ nodeSelectorTerms }: NodeSelector, node: Node): boolean =>
  nodeSelectorTerms.some((term) => termFits(term, node))

export const affinityFits = (pod: Pod, node: Node): boolean => {
  const selected = hasLabels(labelsOf(node), pod.spec.nodeSelector ?? {})
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return selected && (required === undefined || selectorFits(required, node))
}
