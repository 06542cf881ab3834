/** Field selectors: which fields each kind can be selected by, and the text form as a predicate over objects. */
import { Result } from "effect"
import { at, textOf } from "../../../domain/k8s/json.ts"
import type { ApiKind } from "./kinds.ts"
import { badRequest, type Refusal } from "./refusal.ts"

type Getter = (object: unknown) => string

const text = (...path: ReadonlyArray<string>): Getter => (object) => {
  const value = at(object, ...path)
  return typeof value === "string" ? value : value === undefined || value === null ? "" : String(value)
}

const flag = (...path: ReadonlyArray<string>): Getter => (object) => String(at(object, ...path) === true)

const paths = (...fields: ReadonlyArray<string>): Readonly<Record<string, Getter>> =>
  Object.fromEntries(fields.map((field) => [field, text(...field.split("."))]))

const everyKind = paths("metadata.name", "metadata.namespace")

const involved = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"]

const byKind: Readonly<Record<string, Readonly<Record<string, Getter>>>> = {
  Pod: {
    ...paths(
      "spec.nodeName",
      "spec.restartPolicy",
      "spec.schedulerName",
      "spec.serviceAccountName",
      "status.phase",
      "status.podIP",
      "status.nominatedNodeName"
    ),
    "spec.hostNetwork": flag("spec", "hostNetwork")
  },
  Node: { "spec.unschedulable": flag("spec", "unschedulable") },
  Namespace: paths("status.phase"),
  Secret: paths("type"),
  Service: paths("spec.clusterIP", "spec.type"),
  CertificateSigningRequest: paths("spec.signerName"),
  PodCertificateRequest: paths("spec.nodeName", "spec.signerName"),
  ReplicationController: paths("status.replicas"),
  ReplicaSet: paths("status.replicas"),
  Job: paths("status.successful"),
  Event: {
    ...paths(...involved.map((field) => `involvedObject.${field}`)),
    ...paths("reason", "type"),
    reportingComponent: text("reportingComponent"),
    source: (event) => textOf(at(event, "source", "component")) || textOf(at(event, "reportingComponent"))
  }
}

export interface FieldSelection {
  readonly matches: (object: unknown) => boolean
  /** Values that must be equal, by field: what an index can use. */
  readonly exact: ReadonlyMap<string, string>
}

export const anyFields: FieldSelection = { matches: () => true, exact: new Map() }

/** Splits at a character that no backslash precedes. */
const split = (text: string): ReadonlyArray<string> => text.split(/(?<!\\),/)

const unescaped = (text: string): string => text.replaceAll(/\\([\\,=])/g, "$1")

interface Term {
  readonly field: string
  readonly equal: boolean
  readonly value: string
}

const parseTerm = (part: string): Term | undefined => {
  const found = /^(.*?)(!=|==|=)((?:\\.|[^=\\])*)$/.exec(part)
  if (found === null) return undefined
  const [, field = "", operator, value = ""] = found
  return { field, equal: operator !== "!=", value: unescaped(value) }
}

/** Reads a query's field selector, such as `spec.nodeName=a,status.phase!=Failed`. */
export const parseFieldSelector = (kind: ApiKind, text: string): Result.Result<FieldSelection, Refusal> => {
  if (text.trim() === "") return Result.succeed(anyFields)
  const getters = { ...everyKind, ...byKind[kind.kind] }
  const exact = new Map<string, string>()
  const tests: Array<(object: unknown) => boolean> = []
  for (const part of split(text)) {
    if (part === "") continue
    const term = parseTerm(part)
    if (term === undefined) return Result.fail(badRequest(`invalid selector: '${text}'; can't understand '${part}'`))
    const getter = Object.hasOwn(getters, term.field) ? getters[term.field] : undefined
    if (getter === undefined) {
      return Result.fail(badRequest(
        `Unable to find ${JSON.stringify(`${kind.group}/${kind.version}, Resource=${kind.plural}`)} that match label ` +
          `selector "", field selector ${JSON.stringify(text)}: field label not supported: ${term.field}`
      ))
    }
    if (term.equal) exact.set(term.field, term.value)
    tests.push((object) => (getter(object) === term.value) === term.equal)
  }
  return Result.succeed({ matches: (object) => tests.every((test) => test(object)), exact })
}
