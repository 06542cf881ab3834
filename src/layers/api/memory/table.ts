/** Objects as the tables that `kubectl get` prints; a kind without columns of its own shows its name and age. */
import { type JsonObject, objectOf } from "../../../domain/k8s/json.ts"
import { ageColumn, type Column, nameColumn } from "./column.ts"
import type { ApiKind } from "./kinds.ts"
import { coreColumns } from "./printCore.ts"
import { groupColumns } from "./printGroups.ts"
import { podRowConditions } from "./printPods.ts"

export interface TableOptions {
  readonly nowMs: number
  /** What rows carry of their objects: `None`, `Metadata` or `Object`. */
  readonly include: string
  /** With the definitions of the columns, which a watch sends once. */
  readonly headed: boolean
}

const fallback: ReadonlyArray<Column> = [nameColumn, ageColumn]

const columnsOf = ({ kind }: ApiKind): ReadonlyArray<Column> => coreColumns[kind] ?? groupColumns[kind] ?? fallback

const definition = ({ name, type, format, wide }: Column): JsonObject => ({
  name,
  type,
  format,
  description: "",
  priority: wide ? 1 : 0
})

export const metadataOf = (object: JsonObject): JsonObject => ({
  kind: "PartialObjectMetadata",
  apiVersion: "meta.k8s.io/v1",
  metadata: objectOf(object["metadata"])
})

const rowOf =
  (kind: ApiKind, columns: ReadonlyArray<Column>, { include, nowMs }: TableOptions) =>
  (object: JsonObject): JsonObject => {
    const conditions = kind.kind === "Pod" ? podRowConditions(object) : []
    return {
      cells: columns.map((column) => column.cell(object, nowMs)),
      ...(conditions.length === 0 ? {} : { conditions }),
      ...(include === "None" ? {} : { object: include === "Object" ? object : metadataOf(object) })
    }
  }

export const tableOf = (
  kind: ApiKind,
  objects: ReadonlyArray<JsonObject>,
  metadata: JsonObject,
  options: TableOptions
): JsonObject => {
  const columns = columnsOf(kind)
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    columnDefinitions: options.headed ? columns.map(definition) : null,
    rows: objects.map(rowOf(kind, columns, options))
  }
}
