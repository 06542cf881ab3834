/** Label selectors: the text form of queries and the structured form of specs, as predicates over a label map. */
import { Result } from "effect"
import { type JsonObject, objectOf, objectsOf, own, textOf, textsOf } from "../../../domain/k8s/json.ts"
import { badRequest, type Refusal } from "./refusal.ts"

export type LabelPredicate = (labels: JsonObject) => boolean

type Operator = "in" | "notin" | "exists" | "absent" | "gt" | "lt"

interface Requirement {
  readonly key: string
  readonly operator: Operator
  readonly values: ReadonlyArray<string>
}

const holds = (requirement: Requirement): LabelPredicate => {
  const { key, operator, values } = requirement
  switch (operator) {
    case "exists":
      return (labels) => Object.hasOwn(labels, key)
    case "absent":
      return (labels) => !Object.hasOwn(labels, key)
    case "in":
      return (labels) => Object.hasOwn(labels, key) && values.includes(textOf(labels[key]))
    case "notin":
      return (labels) => !Object.hasOwn(labels, key) || !values.includes(textOf(labels[key]))
    case "gt":
      return (labels) => Object.hasOwn(labels, key) && Number(labels[key]) > Number(values[0])
    case "lt":
      return (labels) => Object.hasOwn(labels, key) && Number(labels[key]) < Number(values[0])
  }
}

const all = (requirements: ReadonlyArray<Requirement>): LabelPredicate => {
  const predicates = requirements.map(holds)
  return (labels) => predicates.every((predicate) => predicate(labels))
}

const name = String.raw`[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?`
const key = String.raw`((?:${name}/)?${name})`
const value = String.raw`((?:${name})?)`
const values = String.raw`\(\s*([^()]*?)\s*\)`

const forms: ReadonlyArray<readonly [RegExp, Operator]> = [
  [new RegExp(`^!\\s*${key}$`), "absent"],
  [new RegExp(`^${key}$`), "exists"],
  [new RegExp(`^${key}\\s+in\\s*${values}$`), "in"],
  [new RegExp(`^${key}\\s+notin\\s*${values}$`), "notin"],
  [new RegExp(`^${key}\\s*!=\\s*${value}$`), "notin"],
  [new RegExp(`^${key}\\s*==?\\s*${value}$`), "in"],
  [new RegExp(`^${key}\\s*>\\s*(\\d+)$`), "gt"],
  [new RegExp(`^${key}\\s*<\\s*(\\d+)$`), "lt"]
]

/** Splits at the commas that are not inside parentheses. */
const split = (text: string): ReadonlyArray<string> => text.split(/,(?![^(]*\))/).map((part) => part.trim())

const parseOne = (text: string): Requirement | undefined => {
  for (const [form, operator] of forms) {
    const found = form.exec(text)
    if (found === null) continue
    const [, key = "", given] = found
    return { key, operator, values: given === undefined ? [] : given.split(",").map((part) => part.trim()) }
  }
  return undefined
}

/** Reads a query's selector, such as `tier in (a, b),!old`. Empty text selects everything. */
export const parseLabelSelector = (text: string): Result.Result<LabelPredicate, Refusal> => {
  if (text.trim() === "") return Result.succeed(() => true)
  const requirements: Array<Requirement> = []
  for (const part of split(text)) {
    const requirement = parseOne(part)
    if (requirement === undefined) {
      return Result.fail(badRequest(`unable to parse requirement: ${JSON.stringify(part)} is not a label requirement`))
    }
    requirements.push(requirement)
  }
  return Result.succeed(all(requirements))
}

const structured: ReadonlyMap<unknown, Operator> = new Map([
  ["In", "in"],
  ["NotIn", "notin"],
  ["Exists", "exists"],
  ["DoesNotExist", "absent"],
  ["Gt", "gt"],
  ["Lt", "lt"]
])

/** `matchExpressions` of a LabelSelector or of a node selector term; an unknown operator matches nothing. */
export const expressionsHold = (expressions: unknown, labels: JsonObject): boolean =>
  objectsOf(expressions).every((expression) => {
    const operator = structured.get(expression["operator"])
    if (operator === undefined) return false
    return holds({ key: textOf(expression["key"]), operator, values: textsOf(expression["values"]) })(labels)
  })

/** A LabelSelector object; `undefined` selects nothing. */
export const selectorHolds = (selector: unknown, labels: JsonObject): boolean =>
  selector !== undefined &&
  mapHolds(objectOf(selector)["matchLabels"], labels) &&
  expressionsHold(objectOf(selector)["matchExpressions"], labels)

/** A plain map selector, as Services and node selectors have. */
export const mapHolds = (wanted: unknown, labels: JsonObject): boolean =>
  Object.entries(objectOf(wanted)).every(([key, value]) => own(labels, key) === value)
