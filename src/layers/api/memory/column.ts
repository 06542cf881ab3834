/** Columns of a table: what they are called, whether only wide output shows them, and how a cell is read off an object. */
import { at, type JsonObject, objectOf, objectsOf, textOf, textsOf } from "../../../domain/k8s/json.ts"
import { since } from "./age.ts"

export type Cell = string | number | boolean

export interface Column {
  readonly name: string
  readonly type: "string" | "integer" | "boolean"
  readonly format: string
  readonly wide: boolean
  readonly cell: (object: JsonObject, nowMs: number) => Cell
}

const column = (name: string, cell: Column["cell"], more: Partial<Column> = {}): Column => ({
  name,
  type: "string",
  format: "",
  wide: false,
  cell,
  ...more
})

/** A column of text; empty shows as `<none>`. */
export const text = (name: string, cell: (object: JsonObject, nowMs: number) => string): Column =>
  column(name, (object, nowMs) => cell(object, nowMs) || "<none>")

/** A column of text that may be empty. */
export const plainText = (name: string, cell: (object: JsonObject, nowMs: number) => string): Column =>
  column(name, cell)

export const count = (name: string, cell: (object: JsonObject) => number): Column =>
  column(name, cell, { type: "integer" })

export const wide = (inner: Column): Column => ({ ...inner, wide: true })

export const path = (name: string, ...keys: ReadonlyArray<string>): Column =>
  text(name, (object) => textOf(at(object, ...keys)))

export const number = (name: string, ...keys: ReadonlyArray<string>): Column =>
  count(name, (object) => Number(at(object, ...keys) ?? 0))

export const nameColumn = column("Name", (object) => textOf(at(object, "metadata", "name")), { format: "name" })

export const ageColumn = plainText("Age", (object, nowMs) => since(at(object, "metadata", "creationTimestamp"), nowMs))

export const createdColumn = plainText("Created At", (object) => textOf(at(object, "metadata", "creationTimestamp")))

/** `key=value,…` */
export const pairs = (map: unknown): string =>
  Object.entries(objectOf(map)).map(([key, value]) => `${key}=${textOf(value)}`).sort().join(",")

const operators: Readonly<Record<string, string>> = { In: "in", NotIn: "notin" }

/** A label selector in the form of a query. */
export const selectorText = (selector: unknown): string => {
  const expressions = objectsOf(at(selector, "matchExpressions")).map((one) => {
    const key = textOf(one["key"])
    const operator = textOf(one["operator"])
    if (operator === "Exists") return key
    if (operator === "DoesNotExist") return `!${key}`
    return `${key} ${operators[operator] ?? operator} (${textsOf(one["values"]).join(",")})`
  })
  return [pairs(at(selector, "matchLabels")), ...expressions].filter((part) => part !== "").join(",")
}

const templateNames = (key: string, ...template: ReadonlyArray<string>) => (object: JsonObject): string =>
  objectsOf(at(object, ...template, "spec", "containers")).map((one) => textOf(one[key])).join(",")

/** Containers and images of a workload's template, in wide output. */
export const templateColumns = (...template: ReadonlyArray<string>): ReadonlyArray<Column> => [
  wide(text("Containers", templateNames("name", ...template))),
  wide(text("Images", templateNames("image", ...template)))
]
