/** Who is calling, what they may do, and tokens for pods: the review and token requests of the API server. */
import { Schema } from "effect"
import { bool, num, optional, str, strings, time } from "./fields.ts"

export const UserInfo = Schema.Struct({
  username: str,
  uid: str,
  groups: strings,
  extra: optional(Schema.Record(Schema.String, Schema.Array(Schema.String)))
})
export interface UserInfo extends Schema.Schema.Type<typeof UserInfo> {}

export const TokenReview = Schema.Struct({
  spec: optional(Schema.Struct({ token: str, audiences: strings })),
  status: optional(Schema.Struct({
    authenticated: bool,
    user: optional(UserInfo),
    audiences: strings,
    error: str
  }))
})
export interface TokenReview extends Schema.Schema.Type<typeof TokenReview> {}

export const ResourceAttributes = Schema.Struct({
  namespace: str,
  verb: str,
  group: str,
  version: str,
  resource: str,
  subresource: str,
  name: str
})
export interface ResourceAttributes extends Schema.Schema.Type<typeof ResourceAttributes> {}

export const SubjectAccessReview = Schema.Struct({
  spec: optional(Schema.Struct({
    resourceAttributes: optional(ResourceAttributes),
    nonResourceAttributes: optional(Schema.Struct({ path: str, verb: str })),
    user: str,
    groups: strings,
    uid: str,
    extra: optional(Schema.Record(Schema.String, Schema.Array(Schema.String)))
  })),
  status: optional(Schema.Struct({ allowed: bool, denied: bool, reason: str, evaluationError: str }))
})
export interface SubjectAccessReview extends Schema.Schema.Type<typeof SubjectAccessReview> {}

export const BoundObjectReference = Schema.Struct({ kind: str, apiVersion: str, name: str, uid: str })

export const TokenRequest = Schema.Struct({
  spec: optional(Schema.Struct({
    audiences: strings,
    expirationSeconds: num,
    boundObjectRef: optional(BoundObjectReference)
  })),
  status: optional(Schema.Struct({ token: Schema.String, expirationTimestamp: time }))
})
export interface TokenRequest extends Schema.Schema.Type<typeof TokenRequest> {}
