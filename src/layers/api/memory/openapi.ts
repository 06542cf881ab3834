/**
 * OpenAPI v3 from the table of fields: as much as `kubectl` reads to merge, to validate on the server and to explain. A
 * document for each group and version, with the types that its kinds are made of.
 */
import type { JsonObject } from "../../../domain/k8s/json.ts"
import { apiVersionOf } from "../../../domain/k8s/resources.ts"
import { descriptions } from "./descriptions.ts"
import type { Field, FieldType, Scalar, Shape } from "./fields.ts"
import type { ApiKind } from "./kinds.ts"
import * as Refusals from "./refusal.ts"
import { jsonReply, refusalReply, type Reply } from "./reply.ts"
import type { State } from "./state.ts"

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1"

const nameOf = ({ group, name }: Shape): string => {
  const [prefix = "", version = ""] = group.split("/")
  return prefix === "meta" ? `${meta}.${name}` : `io.k8s.api.${prefix}.${version}.${name}`
}

const quantity = "io.k8s.apimachinery.pkg.api.resource.Quantity"
const intOrString = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"

const ref = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` })

const scalars: Readonly<Record<Scalar, JsonObject>> = {
  s: { type: "string" },
  i: { type: "integer", format: "int64" },
  f: { type: "number", format: "double" },
  b: { type: "boolean" },
  y: { type: "string", format: "byte" },
  q: ref(quantity),
  x: ref(intOrString),
  t: ref(`${meta}.Time`),
  u: ref(`${meta}.MicroTime`),
  j: { type: "object" }
}

const shared: JsonObject = {
  [quantity]: {
    description: "An amount with a unit, such as 500m or 2Gi.",
    oneOf: [{ type: "string" }, { type: "number" }]
  },
  [intOrString]: {
    description: "A number, or a text such as a port's name or a percentage.",
    format: "int-or-string",
    oneOf: [{ type: "integer" }, { type: "string" }]
  },
  [`${meta}.Time`]: { description: "A time of RFC 3339.", type: "string", format: "date-time" },
  [`${meta}.MicroTime`]: { description: "A time of RFC 3339 with microseconds.", type: "string", format: "date-time" }
}

const typeSchema = (type: FieldType): JsonObject => {
  switch (type._tag) {
    case "scalar":
      return scalars[type.code]
    case "list":
      return { type: "array", items: typeSchema(type.of) }
    case "map":
      return { type: "object", additionalProperties: typeSchema(type.of) }
    case "struct":
      return ref(nameOf(type.shape))
  }
}

const fieldSchema = (shape: Shape, field: Field): JsonObject => {
  const schema = typeSchema(field.type)
  const description = descriptions[`${shape.name}.${field.name}`] ?? ""
  // Beside a reference nothing else counts, unless the reference is one of several parts.
  const whole = "$ref" in schema ? { allOf: [schema] } : schema
  const strategy = [
    ...(field.mergeKey === undefined ? [] : ["merge"]),
    ...(field.retainKeys ? ["retainKeys"] : [])
  ].join(",")
  return {
    description,
    ...whole,
    ...(field.mergeKey === undefined || field.mergeKey === ""
      ? {}
      : { "x-kubernetes-patch-merge-key": field.mergeKey }),
    ...(strategy === "" ? {} : { "x-kubernetes-patch-strategy": strategy })
  }
}

const gvkOf = ({ group, kind, version }: ApiKind): JsonObject => ({ group, kind, version })

const typeMeta: JsonObject = {
  apiVersion: { description: "The group and version of the kind.", type: "string" },
  kind: { description: "What the object is.", type: "string" }
}

const shapeSchema = (shape: Shape, kind: ApiKind | undefined): JsonObject => ({
  description: descriptions[shape.name] ?? "",
  type: "object",
  properties: {
    ...(kind === undefined ? {} : typeMeta),
    ...Object.fromEntries([...shape.fields.values()].map((field) => [field.name, fieldSchema(shape, field)]))
  },
  ...(kind === undefined ? {} : { "x-kubernetes-group-version-kind": [gvkOf(kind)] })
})

const shapesIn = (type: FieldType): ReadonlyArray<Shape> => {
  if (type._tag === "scalar") return []
  return type._tag === "struct" ? [type.shape] : shapesIn(type.of)
}

/** The types that some types are made of, with themselves. */
const reachable = (roots: ReadonlyArray<Shape>): ReadonlySet<Shape> => {
  const found = new Set<Shape>()
  const queue = [...roots]
  for (let shape = queue.pop(); shape !== undefined; shape = queue.pop()) {
    if (found.has(shape)) continue
    found.add(shape)
    for (const field of shape.fields.values()) queue.push(...shapesIn(field.type))
  }
  return found
}

const query = (name: string): JsonObject => ({ name, in: "query", schema: { type: "string", uniqueItems: true } })

const operation = (kind: ApiKind, action: string, parameters: ReadonlyArray<string>): JsonObject => ({
  operationId: `${action}${kind.group === "" ? "Core" : kind.group.split(".")[0]}${kind.version}${kind.kind}`,
  parameters: parameters.map(query),
  responses: { 200: { description: "OK", content: { "application/json": { schema: ref(nameOf(kind.shape)) } } } },
  "x-kubernetes-action": action,
  "x-kubernetes-group-version-kind": gvkOf(kind)
})

const writing = ["dryRun", "fieldManager", "fieldValidation"]

const pathsOf = (kind: ApiKind): JsonObject => {
  const root = kind.group === "" ? `/api/${kind.version}` : `/apis/${apiVersionOf(kind)}`
  const collection = `${root}${kind.namespaced ? "/namespaces/{namespace}" : ""}/${kind.plural}`
  if (kind.virtual) return { [collection]: { post: operation(kind, "post", writing) } }
  return {
    [collection]: {
      get: operation(kind, "list", ["labelSelector", "fieldSelector", "limit", "continue"]),
      post: operation(kind, "post", writing)
    },
    [`${collection}/{name}`]: {
      get: operation(kind, "get", []),
      put: operation(kind, "put", writing),
      patch: operation(kind, "patch", [...writing, "force"]),
      delete: operation(kind, "delete", ["dryRun", "gracePeriodSeconds", "propagationPolicy"])
    }
  }
}

const documentOf = ({ fields }: State, kinds: ReadonlyArray<ApiKind>): JsonObject => {
  const byShape = new Map(kinds.map((kind) => [kind.shape, kind]))
  const options = fields.shape("meta/v1", "DeleteOptions")
  const schemas = [...reachable([...byShape.keys(), options])].map((shape) =>
    [nameOf(shape), shapeSchema(shape, byShape.get(shape))] as const
  )
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: "v1.36.0" },
    paths: Object.assign({}, ...kinds.map(pathsOf)),
    components: { schemas: { ...Object.fromEntries(schemas), ...shared } }
  }
}

const locationOf = (kind: ApiKind): string => kind.group === "" ? `api/${kind.version}` : `apis/${apiVersionOf(kind)}`

/** Answers the paths of OpenAPI v3; undefined for any other. */
export const openApi = (state: State, path: string): Reply | undefined => {
  if (path !== "/openapi/v3" && !path.startsWith("/openapi/v3/")) return undefined
  const location = path.slice("/openapi/v3/".length)
  if (location === "") {
    const locations = [...new Set(state.kinds.map(locationOf))]
    const paths = locations.map((one) => [one, { serverRelativeURL: `/openapi/v3/${one}?hash=1` }] as const)
    return jsonReply({ paths: Object.fromEntries(paths) })
  }
  const kinds = state.kinds.filter((kind) => locationOf(kind) === location)
  return kinds.length === 0 ? refusalReply(Refusals.noSuchPath()) : jsonReply(documentOf(state, kinds))
}
