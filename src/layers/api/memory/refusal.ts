/**
 * The answers with which an API server refuses, with the reasons, codes and texts that Kubernetes uses, and the `Status`
 * objects they travel in.
 */
import { Data } from "effect"
import type { JsonObject } from "../../../domain/k8s/json.ts"

export interface Cause {
  readonly reason: string
  readonly message: string
  readonly field: string
}

/** What a refusal is about. */
export interface Subject {
  readonly group: string
  readonly plural: string
  readonly kind: string
}

export class Refusal extends Data.TaggedClass("Refusal")<{
  readonly code: number
  readonly reason: string
  readonly message: string
  readonly details?: JsonObject
}> {}

const qualified = (group: string, name: string): string => group === "" ? name : `${name}.${group}`
const resourceOf = (subject: Subject): string => qualified(subject.group, subject.plural)

const detailsOf = (subject: Subject, name: string): JsonObject => ({
  ...(name === "" ? {} : { name }),
  ...(subject.group === "" ? {} : { group: subject.group }),
  kind: subject.plural
})

const about = (code: number, reason: string, subject: Subject, name: string, message: string): Refusal =>
  new Refusal({ code, reason, message, details: detailsOf(subject, name) })

export const notFound = (subject: Subject, name: string): Refusal =>
  about(404, "NotFound", subject, name, `${resourceOf(subject)} "${name}" not found`)

/** A path that no resource lives under. */
export const noSuchPath = (): Refusal =>
  new Refusal({
    code: 404,
    reason: "NotFound",
    message: "the server could not find the requested resource",
    details: {}
  })

export const alreadyExists = (subject: Subject, name: string): Refusal =>
  about(409, "AlreadyExists", subject, name, `${resourceOf(subject)} "${name}" already exists`)

export const conflict = (subject: Subject, name: string, why: string): Refusal =>
  about(409, "Conflict", subject, name, `Operation cannot be fulfilled on ${resourceOf(subject)} "${name}": ${why}`)

export const modified = (subject: Subject, name: string): Refusal =>
  conflict(
    subject,
    name,
    "the object has been modified; please apply your changes to the latest version and try again"
  )

export const forbidden = (subject: Subject, name: string, why: string, causes?: ReadonlyArray<Cause>): Refusal =>
  new Refusal({
    code: 403,
    reason: "Forbidden",
    message: name === ""
      ? `${resourceOf(subject)} is forbidden: ${why}`
      : `${resourceOf(subject)} "${name}" is forbidden: ${why}`,
    details: { ...detailsOf(subject, name), ...(causes === undefined ? {} : { causes }) }
  })

const aggregate = (causes: ReadonlyArray<Cause>): string => {
  const texts = [...new Set(causes.map((cause) => `${cause.field}: ${cause.message}`))]
  return texts.length === 1 ? texts.join() : `[${texts.join(", ")}]`
}

export const invalid = (subject: Subject, name: string, causes: ReadonlyArray<Cause>): Refusal =>
  new Refusal({
    code: 422,
    reason: "Invalid",
    message: `${qualified(subject.group, subject.kind)} "${name}" is invalid: ${aggregate(causes)}`,
    details: { ...detailsOf({ ...subject, plural: subject.kind }, name), causes }
  })

export const badRequest = (message: string): Refusal => new Refusal({ code: 400, reason: "BadRequest", message })

export const expired = (message: string): Refusal => new Refusal({ code: 410, reason: "Expired", message })

export const unauthorized = (): Refusal => new Refusal({ code: 401, reason: "Unauthorized", message: "Unauthorized" })

export const methodNotAllowed = (): Refusal =>
  new Refusal({
    code: 405,
    reason: "MethodNotAllowed",
    message: "the server does not allow this method on the requested resource",
    details: {}
  })

export const unsupportedMediaType = (accepted: ReadonlyArray<string>): Refusal =>
  new Refusal({
    code: 415,
    reason: "UnsupportedMediaType",
    message: `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`
  })

export const notAcceptable = (accepted: ReadonlyArray<string>): Refusal =>
  new Refusal({
    code: 406,
    reason: "NotAcceptable",
    message: `only the following media types are accepted: ${accepted.join(", ")}`
  })

export const internalError = (message: string): Refusal =>
  new Refusal({ code: 500, reason: "InternalError", message: `Internal error occurred: ${message}` })

/** A version that this server has not reached yet; the client shall ask again in a second. */
export const tooLargeVersion = (asked: string, current: number): Refusal =>
  new Refusal({
    code: 504,
    reason: "Timeout",
    message: `Timeout: Too large resource version: ${asked}, current: ${current}`,
    details: {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1
    }
  })

/** An error of the node that a request was passed on to. */
export const badGateway = (message: string): Refusal => new Refusal({ code: 500, reason: "InternalError", message })

export const statusOf = (refusal: Refusal): JsonObject => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Failure",
  message: refusal.message,
  ...(refusal.reason === "" ? {} : { reason: refusal.reason }),
  ...(refusal.details === undefined ? {} : { details: refusal.details }),
  code: refusal.code
})

/** The answer to a deletion that left nothing behind. */
export const successStatus = (subject: Subject, name: string, uid: string): JsonObject => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  details: { ...detailsOf(subject, name), uid }
})
