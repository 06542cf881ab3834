/** Selection by labels: what a requirement asks of one label, and a label selector of a map of them. */
import type { LabelSelector, LabelSelectorRequirement, NodeSelectorRequirement } from "./meta.ts"

export type Labels = Readonly<Record<string, string>>

/** Undefined where there is none: a label's name may be that of a method of every object. */
export const labelOf = (labels: Labels, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined

/** By the operators that all selectors have; others never hold. */
export const valueMeets = (
  { operator, values = [] }: LabelSelectorRequirement | NodeSelectorRequirement,
  value: string | undefined
): boolean => {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value)
    case "NotIn":
      return value === undefined || !values.includes(value)
    case "Exists":
      return value !== undefined
    case "DoesNotExist":
      return value === undefined
    default:
      return false
  }
}

/** Each label of `wanted` is there with its value. */
export const hasLabels = (labels: Labels, wanted: Labels): boolean =>
  Object.entries(wanted).every(([key, value]) => labelOf(labels, key) === value)

/** Undefined selects nothing, empty selects all. */
export const isSelected = (selector: LabelSelector | undefined, labels: Labels): boolean =>
  selector !== undefined &&
  hasLabels(labels, selector.matchLabels ?? {}) &&
  (selector.matchExpressions ?? []).every((requirement) => valueMeets(requirement, labelOf(labels, requirement.key)))
