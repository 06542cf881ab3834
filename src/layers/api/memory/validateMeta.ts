/** Names, labels, annotations and owners: what every object's metadata must satisfy, on creation and on update. */
import { type JsonObject, listOf, objectOf, objectsOf, own, textOf } from "../../../domain/k8s/json.ts"
import type { ApiKind } from "./kinds.ts"
import { immutable, invalidValue, refused, required, tooLong } from "./problem.ts"
import type { Cause } from "./refusal.ts"

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
const subdomain = `${label}(\\.${label})*`
const qualified = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
const labelValue = `(${qualified})?`

const whole = (pattern: string): RegExp => new RegExp(`^${pattern}$`)
const labelForm = whole(label)
const subdomainForm = whole(subdomain)
const qualifiedForm = whole(qualified)
const labelValueForm = whole(labelValue)

const bytes = (text: string): number => Buffer.byteLength(text)

const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and " +
  `end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${subdomain}')`
const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
  `alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${label}')`
const qualifiedText =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric " +
  `character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${qualified}')`
const labelValueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end " +
  `with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '${labelValue}')`

const length = (limit: number): string => `must be no more than ${limit} bytes`

/** What is wrong with a DNS label, as texts. */
export const labelProblems = (name: string): ReadonlyArray<string> => [
  ...(bytes(name) > 63 ? [length(63)] : []),
  ...(labelForm.test(name) ? [] : [labelText])
]

export const subdomainProblems = (name: string): ReadonlyArray<string> => [
  ...(bytes(name) > 253 ? [length(253)] : []),
  ...(subdomainForm.test(name) ? [] : [subdomainText])
]

const segmentProblems = (name: string): ReadonlyArray<string> => {
  if (name === "." || name === "..") return [`may not be '${name}'`]
  return ["/", "%"].filter((part) => name.includes(part)).map((part) => `may not contain '${part}'`)
}

const keyProblems = (key: string): ReadonlyArray<string> => {
  const parts = key.split("/")
  const name = parts.at(-1) ?? ""
  const prefix = parts.length === 2 ? parts[0] ?? "" : undefined
  return [
    ...(parts.length > 2 ? [`a qualified name must have at most one '/'`] : []),
    ...(prefix === undefined ? [] : subdomainProblems(prefix).map((text) => `prefix part ${text}`)),
    ...(name === "" ? ["name part must be non-empty"] : []),
    ...(bytes(name) > 63 ? [`name part ${length(63)}`] : []),
    ...(qualifiedForm.test(name) ? [] : [qualifiedText])
  ]
}

const nameProblems = (kind: ApiKind, name: string): ReadonlyArray<string> => {
  switch (kind.kind) {
    case "Namespace":
    case "Service":
      return labelProblems(name)
    case "Role":
    case "RoleBinding":
    case "ClusterRole":
    case "ClusterRoleBinding":
      return segmentProblems(name)
    default:
      return subdomainProblems(name)
  }
}

export const labelCauses = (labels: JsonObject, field: string): ReadonlyArray<Cause> =>
  Object.entries(labels).flatMap(([key, value]) => [
    ...keyProblems(key).map((text) => invalidValue(field, key, text)),
    ...(bytes(textOf(value)) > 63 ? [invalidValue(field, value, length(63))] : []),
    ...(labelValueForm.test(textOf(value)) ? [] : [invalidValue(field, value, labelValueText)])
  ])

const annotationBytes = 256 * 1024

const annotationCauses = (annotations: JsonObject): ReadonlyArray<Cause> => {
  const size = Object.entries(annotations).reduce((sum, [key, value]) => sum + bytes(key) + bytes(textOf(value)), 0)
  return [
    ...Object.keys(annotations).flatMap((key) =>
      // Keys may have upper case in their prefix, which labels may not.
      keyProblems(key.toLowerCase()).map((text) => invalidValue("metadata.annotations", key, text))
    ),
    ...(size > annotationBytes ? [tooLong("metadata.annotations", annotationBytes)] : [])
  ]
}

const ownerFields = ["apiVersion", "kind", "name", "uid"]

const ownerCauses = (owners: unknown): ReadonlyArray<Cause> => {
  const controllers = objectsOf(owners).filter((owner) => owner["controller"] === true)
  const field = "metadata.ownerReferences"
  return [
    ...objectsOf(owners).flatMap((owner, index) =>
      ownerFields.filter((key) => textOf(owner[key]) === "").map((key) =>
        invalidValue(
          `${field}[${index}].${key}`,
          textOf(owner[key]),
          `${key === "apiVersion" ? "version" : key} must not be empty`
        )
      )
    ),
    ...(controllers.length > 1
      ? [invalidValue(field, owners, "Only one reference can have Controller set to true.")]
      : [])
  ]
}

/** Checks the metadata of a new object. */
export const metaCauses = (kind: ApiKind, metadata: JsonObject): ReadonlyArray<Cause> => {
  const name = textOf(metadata["name"])
  return [
    ...(name === ""
      ? [required("metadata.name", "name or generateName is required")]
      : nameProblems(kind, name).map((text) => invalidValue("metadata.name", name, text))),
    ...labelCauses(objectOf(metadata["labels"]), "metadata.labels"),
    ...annotationCauses(objectOf(metadata["annotations"])),
    ...ownerCauses(metadata["ownerReferences"]),
    ...listOf(metadata["finalizers"]).flatMap((one) =>
      keyProblems(textOf(one)).map((text) => invalidValue("metadata.finalizers", one, text))
    )
  ]
}

const fixed = ["name", "namespace", "creationTimestamp"]
const checked = ["name", "labels", "annotations", "ownerReferences", "finalizers"]

/** Checks the metadata of a changed object against what is stored. */
export const metaUpdateCauses = (kind: ApiKind, metadata: JsonObject, before: JsonObject): ReadonlyArray<Cause> => {
  const known = new Set(listOf(before["finalizers"]))
  const added = listOf(metadata["finalizers"]).filter((one) => !known.has(one))
  return [
    ...fixed.filter((key) => own(metadata, key) !== own(before, key)).map((key) =>
      immutable(`metadata.${key}`, own(metadata, key) ?? null)
    ),
    ...(before["deletionTimestamp"] !== undefined && added.length > 0
      ? [refused(
        "metadata.finalizers",
        `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`
      )]
      : []),
    // What is stored was checked before.
    ...(checked.every((key) => metadata[key] === before[key]) ? [] : metaCauses(kind, metadata))
  ]
}
