/**
 * What fields the types of the API have: one table serves decoding, strategic merge and OpenAPI. It is text, one type a
 * line under the heading of its group (`# core/v1`), a field being `name`, a mark, a type and how patches merge it:
 *
 * - mark `!` always written, even when zero; `-` left out when zero; `?` left out when absent
 * - type `s` string, `i` integer, `f` float, `b` boolean, `y` bytes, `q` quantity, `x` integer or string, `t` time, `u` time
 *   with microseconds, `j` any JSON, or the name of a type; before it `[` for a list and `{` for a map of such
 * - `~key` a list merged by that key of its elements, `~` one merged by value; `^` keys not sent are removed (retainKeys)
 * - `=1` the number in the protobuf form, `=2.1` of a field that lies in a message there and is spread out in JSON
 */
import { fieldsCore } from "./fieldsCore.ts"
import { fieldsGroups } from "./fieldsGroups.ts"
import { fieldsPod } from "./fieldsPod.ts"

export type Scalar = "s" | "i" | "f" | "b" | "y" | "q" | "x" | "t" | "u" | "j"

export type FieldType =
  | { readonly _tag: "scalar"; readonly code: Scalar }
  | { readonly _tag: "list"; readonly of: FieldType }
  | { readonly _tag: "map"; readonly of: FieldType }
  | { readonly _tag: "struct"; readonly shape: Shape }

export interface Field {
  readonly name: string
  readonly mark: "!" | "-" | "?"
  readonly type: FieldType
  /** Key by which a patch merges the list, empty for a list of plain values; absent for what a patch replaces. */
  readonly mergeKey?: string
  readonly retainKeys: boolean
  /** Where protobuf has it: numbers joined by dots. */
  readonly wire: string
}

export interface Shape {
  /** `core/v1` */
  readonly group: string
  readonly name: string
  readonly fields: ReadonlyMap<string, Field>
  /** The fields that are written even when nobody set them. */
  readonly always: ReadonlyArray<Field>
  readonly byWire: ReadonlyMap<string, Field>
  /** The numbers of messages whose fields are spread out. */
  readonly inWire: ReadonlySet<string>
}

/** All types by `group/version.Name`. */
export interface FieldTable {
  readonly shapes: ReadonlyMap<string, Shape>
  readonly shape: (group: string, name: string) => Shape
}

interface Draft {
  readonly group: string
  readonly name: string
  readonly fields: Map<string, Field>
  readonly always: Array<Field>
  readonly byWire: Map<string, Field>
  readonly inWire: Set<string>
  readonly tokens: Array<string>
}

const scalars: ReadonlySet<string> = new Set(["s", "i", "f", "b", "y", "q", "x", "t", "u", "j"])
const isScalar = (code: string): code is Scalar => scalars.has(code)

const tokenPattern = /^(\w+)([!?-])([[{]*)(\w+)(~\w*)?(\^)?=([\d.]+)$/

const drafts = (text: string): ReadonlyMap<string, Draft> => {
  const found = new Map<string, Draft>()
  let group = ""
  let current: Draft | undefined
  for (const line of text.split("\n")) {
    if (line.startsWith("# ")) {
      group = line.slice(2)
      continue
    }
    const [head = "", ...rest] = line.trim().split(" ")
    if (head.endsWith(":") && !line.startsWith(" ")) {
      current = {
        group,
        name: head.slice(0, -1),
        fields: new Map(),
        always: [],
        byWire: new Map(),
        inWire: new Set(),
        tokens: rest
      }
      found.set(`${group}.${current.name}`, current)
    } else if (head !== "") current?.tokens.push(head, ...rest)
  }
  return found
}

const mark = (text: string | undefined): Field["mark"] => text === "!" || text === "?" ? text : "-"

/** Reads the table. A name is looked up in its own group first, then among the core and the meta types. */
export const readFields = (): FieldTable => {
  const shapes = drafts(fieldsPod + fieldsCore + fieldsGroups)
  const shape = (group: string, name: string): Shape => {
    const found = shapes.get(`${group}.${name}`) ?? shapes.get(`core/v1.${name}`) ?? shapes.get(`meta/v1.${name}`)
    if (found === undefined) throw new Error(`the field table has no type ${group}.${name}`)
    return found
  }
  const typeOf = (group: string, nest: string, leaf: string): FieldType => {
    if (nest.startsWith("[")) return { _tag: "list", of: typeOf(group, nest.slice(1), leaf) }
    if (nest.startsWith("{")) return { _tag: "map", of: typeOf(group, nest.slice(1), leaf) }
    return isScalar(leaf) ? { _tag: "scalar", code: leaf } : { _tag: "struct", shape: shape(group, leaf) }
  }
  for (const draft of shapes.values()) {
    for (const token of draft.tokens) {
      const [, name = "", markText, nest = "", leaf = "", merge, retain, wire = ""] = tokenPattern.exec(token) ?? []
      if (name === "") throw new Error(`the field table has a malformed field ${draft.name} ${token}`)
      const field: Field = {
        name,
        mark: mark(markText),
        type: typeOf(draft.group, nest, leaf),
        ...(merge === undefined ? {} : { mergeKey: merge.slice(1) }),
        retainKeys: retain !== undefined,
        wire
      }
      draft.fields.set(name, field)
      draft.byWire.set(wire, field)
      const parts = wire.split(".")
      for (let depth = 1; depth < parts.length; depth++) draft.inWire.add(parts.slice(0, depth).join("."))
      if (field.mark === "!") draft.always.push(field)
    }
  }
  return { shapes, shape }
}
