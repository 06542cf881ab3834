/**
 * A Kubernetes API server as the agent sees it: typed verbs over JSON objects of any kind.
 * Objects are plain JSON; callers decode what they read with the Schemas of `domain/k8s`.
 */
import { Context, type Effect, Schema, type Stream } from "effect"
import { NotFound, Permanent, Retryable, Uncertain } from "../../domain/failure.ts"
import type { ApiResource } from "../../domain/k8s/resources.ts"

/** 409 on create: an object of that name exists. */
export class AlreadyExists extends Schema.TaggedClass<AlreadyExists>()("AlreadyExists", {}) {}
/** 409: the resourceVersion or a precondition did not hold. */
export class Conflict extends Schema.TaggedClass<Conflict>()("Conflict", {}) {}
/** 410: the resourceVersion asked for is compacted away; list again. */
export class Expired extends Schema.TaggedClass<Expired>()("Expired", {}) {}

export const ApiFailure = Schema.Union([Retryable, Permanent, NotFound, Uncertain, AlreadyExists, Conflict, Expired])
export type ApiFailure = typeof ApiFailure.Type

/** A call to the API server failed. `message` is the server's own `Status.message` where it sent one. */
export class ApiError extends Schema.TaggedError<ApiError>()("ApiError", {
  /** Verb and resource: `patch pods/status`. */
  op: Schema.String,
  /** `namespace/name`, or the path. */
  target: Schema.String,
  reason: ApiFailure,
  /** HTTP status, 0 when no answer came. */
  status: Schema.Number,
  /** `Status.reason` of the answer, such as `NotFound` or `Forbidden`; empty without one. */
  statusReason: Schema.String,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `${this.op} ${this.target}: ${this.detail}`
  }
}

/** Any object of the API. */
export interface KubeObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: {
    readonly name?: string
    readonly namespace?: string
    readonly uid?: string
    readonly resourceVersion?: string
    readonly [key: string]: unknown
  }
  readonly [key: string]: unknown
}

export interface KubeList {
  readonly resourceVersion: string
  readonly items: ReadonlyArray<KubeObject>
}

/** `BOOKMARK` carries only a newer resourceVersion. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"
  readonly object: KubeObject
}

export interface ObjectName {
  /** Absent for cluster-scoped resources. */
  readonly namespace?: string
  readonly name: string
}

export interface Selection {
  /** Absent: all namespaces. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** `"0"` accepts any cached state; absent asks for the newest. */
  readonly resourceVersion?: string
}

export type Patch =
  | { readonly type: "json"; readonly operations: ReadonlyArray<unknown> }
  | { readonly type: "merge"; readonly body: unknown }
  | { readonly type: "strategic"; readonly body: unknown }

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number
  readonly uid?: string
  readonly resourceVersion?: string
}

export interface RawResponse {
  readonly status: number
  readonly contentType: string
  readonly body: Uint8Array
}

export class KubeApi extends Context.Service<KubeApi, {
  /** Reads one object. `resourceVersion: "0"` allows a cached answer. */
  readonly get: (
    resource: ApiResource,
    target: ObjectName,
    options?: { readonly resourceVersion?: string }
  ) => Effect.Effect<KubeObject, ApiError>
  /** Reads all objects selected, following pages. */
  readonly list: (resource: ApiResource, selection?: Selection) => Effect.Effect<KubeList, ApiError>
  /**
   * Changes after `selection.resourceVersion`, with bookmarks. Ends when the server closes the watch (ask again from the
   * last version seen); fails with reason `Expired` when that version is gone. Interruption closes the connection.
   */
  readonly watch: (resource: ApiResource, selection: Selection) => Stream.Stream<WatchEvent, ApiError>
  /** Creates the object, or posts to a subresource of `options.subresource.name` (`serviceaccounts/token`, `pods/binding`). */
  readonly create: (
    resource: ApiResource,
    object: KubeObject,
    options?: { readonly subresource?: { readonly name: string; readonly of: ObjectName } }
  ) => Effect.Effect<KubeObject, ApiError>
  /** Replaces the object; fails with `Conflict` when its resourceVersion is set and stale. */
  readonly update: (
    resource: ApiResource,
    object: KubeObject,
    options?: { readonly subresource?: string }
  ) => Effect.Effect<KubeObject, ApiError>
  readonly patch: (
    resource: ApiResource,
    target: ObjectName,
    patch: Patch,
    options?: { readonly subresource?: string }
  ) => Effect.Effect<KubeObject, ApiError>
  /** Starts deletion; succeeds with the object when it lingers under a grace period, or the final `Status`. */
  readonly delete: (
    resource: ApiResource,
    target: ObjectName,
    options?: DeleteOptions
  ) => Effect.Effect<KubeObject, ApiError>
  /** One request of any content on a path of the server (`/version`, `/api`); any HTTP status is a success. */
  readonly request: (request: {
    readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
    readonly path: string
    readonly contentType?: string
    readonly accept?: string
    readonly body?: Uint8Array
  }) => Effect.Effect<RawResponse, ApiError>
}>()("kubeffect/layers/api/KubeApi") {}
