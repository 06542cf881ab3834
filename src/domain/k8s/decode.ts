/**
 * From the API server's JSON to typed objects. A decoded object *is* the object that came in, minus its nulls (which is
 * how Go writes an absent field, slice or map): fields this agent does not know survive, and nothing is copied that does
 * not have to be. What does not fit its Schema fails with the path of the field.
 */
import { Result, Schema, SchemaIssue } from "effect"
import { SubjectAccessReview, TokenRequest, TokenReview } from "./authentication.ts"
import { ClusterTrustBundle } from "./clusterTrustBundle.ts"
import { ConfigMap } from "./configMap.ts"
import { omit } from "./json.ts"
import { Node } from "./node.ts"
import { Pod } from "./pod.ts"
import { PodCertificateRequest } from "./podCertificateRequest.ts"
import { RuntimeClass } from "./runtimeClass.ts"
import { Secret } from "./secret.ts"
import { Service } from "./service.ts"
import { CSIDriver, CSINode, PersistentVolume, PersistentVolumeClaim, VolumeAttachment } from "./storage.ts"

/** An object does not have the form of its kind. `detail` names the field. */
export class MalformedObject extends Schema.TaggedError<MalformedObject>()("MalformedObject", {
  kind: Schema.String,
  /** `namespace/name` as far as the object says. */
  target: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `malformed ${this.kind} ${this.target}: ${this.detail}`
  }
}

const isRecord = (u: unknown): u is Record<string, unknown> => typeof u === "object" && u !== null && !Array.isArray(u)

/** The value without its null fields, the very same value when it has none. Nulls inside lists are left alone. */
export const withoutNulls = (u: unknown): unknown => {
  if (typeof u !== "object" || u === null) return u
  if (Array.isArray(u)) {
    let copy: Array<unknown> | undefined
    for (let i = 0; i < u.length; i++) {
      const cleaned = withoutNulls(u[i])
      if (cleaned !== u[i]) (copy ??= u.slice())[i] = cleaned
    }
    return copy ?? u
  }
  return recordWithoutNulls(u)
}

/** `isClean`: of the object's own fields. */
const recordWithoutNulls = (u: object, isClean = (_key: string, _value: unknown): boolean => false): object => {
  let copy: Record<string, unknown> | undefined
  const nulls = new Set<string>()
  for (const [key, value] of Object.entries(u)) {
    if (isClean(key, value)) continue
    const cleaned = withoutNulls(value)
    if (cleaned === value && value !== null) continue
    copy ??= { ...u }
    if (value === null) nulls.add(key)
    else copy[key] = cleaned
  }
  if (copy === undefined) return u
  return nulls.size === 0 ? copy : omit(copy, nulls)
}

const listKeys = new Set(["requests", "limits", "overhead", "podFixed", "capacity", "allocatable"])
const valueKeys = new Set(["sizeLimit", "divisor"])

const numbersAsText = (u: unknown): unknown =>
  isRecord(u)
    ? Object.fromEntries(Object.entries(u).map(([key, value]) => [key, typeof value === "number" ? `${value}` : value]))
    : u

/** YAML manifests may write a quantity as a number (`cpu: 2`), which the API server would have turned into text. */
const quantitiesAsText = (u: unknown): unknown => {
  if (Array.isArray(u)) return u.map(quantitiesAsText)
  if (!isRecord(u)) return u
  return Object.fromEntries(
    Object.entries(u).map(([key, value]) => {
      if (valueKeys.has(key) && typeof value === "number") return [key, `${value}`]
      return [key, listKeys.has(key) ? numbersAsText(value) : quantitiesAsText(value)]
    })
  )
}

const targetOf = (u: unknown): string => {
  const meta = isRecord(u) && isRecord(u["metadata"]) ? u["metadata"] : {}
  const name = typeof meta["name"] === "string" ? meta["name"] : "<unnamed>"
  return typeof meta["namespace"] === "string" ? `${meta["namespace"]}/${name}` : name
}

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

const pathText = (path: ReadonlyArray<unknown>): string =>
  path.map((part) => typeof part === "number" ? `[${part}]` : `.${String(part)}`).join("").replace(/^\./, "")

const describe = (issue: SchemaIssue.Issue): string =>
  issuesOf(issue).issues
    .map(({ path, message }) => {
      const keys = (path ?? []).map((part) => typeof part === "object" ? part.key : part)
      return keys.length === 0 ? message : `${pathText(keys)}: ${message}`
    })
    .join("; ")

type Kind = Schema.Codec<unknown, unknown> & { readonly fields: Schema.Struct.Fields }

/**
 * The quick check of a kind, field by field. A field that was seen needs no second look: where server and agent share a
 * process, a pod with another status still has the very same specification.
 */
const quickCheck = <S extends Kind>(schema: S) => {
  const seen = new Map(Object.keys(schema.fields).map((key) => [key, new WeakSet<object>()]))
  const isSeen = (key: string, value: unknown): boolean =>
    typeof value === "object" && value !== null && seen.get(key)?.has(value) === true
  const checks = Object.entries(schema.fields).map(([key, field]) => {
    const fits = Schema.is(Schema.Struct({ [key]: field }))
    return (u: Record<string, unknown>): boolean => {
      const value = u[key]
      if (isSeen(key, value)) return true
      if (!fits(u)) return false
      if (typeof value === "object" && value !== null) seen.get(key)?.add(value)
      return true
    }
  })
  const fits = (u: unknown): u is S["Type"] => isRecord(u) && checks.every((check) => check(u))
  return { fits, isSeen }
}

/**
 * A decoder for one kind. The quick check and the explaining decoder are both compiled once. An object that came before is
 * known: where server and agents share a process, a pod's object is seen as an answer, by a watch and by who looks on.
 */
export const decoder = <S extends Kind>(kind: string, schema: S) => {
  const { fits, isSeen } = quickCheck(schema)
  const explain = Schema.decodeUnknownResult(schema)
  const known = new WeakMap<object, S["Type"]>()
  const decode = (u: unknown): Result.Result<S["Type"], MalformedObject> => {
    const cleaned = isRecord(u) ? recordWithoutNulls(u, isSeen) : u
    if (fits(cleaned)) return Result.succeed(cleaned)
    const readable = quantitiesAsText(cleaned)
    if (fits(readable)) return Result.succeed(readable)
    const explained = explain(readable)
    const detail = Result.isFailure(explained) ? describe(explained.failure.issue) : "does not fit its schema"
    return Result.fail(new MalformedObject({ kind, target: targetOf(cleaned), detail }))
  }
  return (u: unknown): Result.Result<S["Type"], MalformedObject> => {
    if (typeof u !== "object" || u === null) return decode(u)
    const before = known.get(u)
    if (before !== undefined) return Result.succeed(before)
    const decoded = decode(u)
    if (Result.isSuccess(decoded)) known.set(u, decoded.success)
    return decoded
  }
}

export const decodePod = decoder("Pod", Pod)
export const decodeNode = decoder("Node", Node)
export const decodeSecret = decoder("Secret", Secret)
export const decodeConfigMap = decoder("ConfigMap", ConfigMap)
export const decodeService = decoder("Service", Service)
export const decodePersistentVolume = decoder("PersistentVolume", PersistentVolume)
export const decodePersistentVolumeClaim = decoder("PersistentVolumeClaim", PersistentVolumeClaim)
export const decodeCsiNode = decoder("CSINode", CSINode)
export const decodeCsiDriver = decoder("CSIDriver", CSIDriver)
export const decodeVolumeAttachment = decoder("VolumeAttachment", VolumeAttachment)
export const decodeRuntimeClass = decoder("RuntimeClass", RuntimeClass)
export const decodeClusterTrustBundle = decoder("ClusterTrustBundle", ClusterTrustBundle)
export const decodePodCertificateRequest = decoder("PodCertificateRequest", PodCertificateRequest)
export const decodeTokenReview = decoder("TokenReview", TokenReview)
export const decodeTokenRequest = decoder("TokenRequest", TokenRequest)
export const decodeSubjectAccessReview = decoder("SubjectAccessReview", SubjectAccessReview)
