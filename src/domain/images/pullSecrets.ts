/** Registry credentials in Secrets, in both of the forms that Docker has had (parity N4). */
import { Data, Result, Schema } from "effect"
import * as Base64 from "effect/encoding/Base64"
import type { Secret } from "../k8s/secret.ts"

/** What a registry is shown. */
export interface RegistryAuth {
  readonly username: string
  readonly password: string
}

/** An object of the cluster that credentials came from, by what names it for good. */
export interface Coordinates {
  readonly uid: string
  readonly namespace: string
  readonly name: string
}

/** Whose credentials they are: those of `Node` are every pod's, the others those of pods that have the object (N7). */
export type CredentialSource = Data.TaggedEnum<{
  Node: {}
  Secret: Coordinates
  ServiceAccount: Coordinates
}>
export const CredentialSource = Data.taggedEnum<CredentialSource>()

/** A credential and the registry it is for: `host[:port][/path]`, its host part by part a glob. */
export interface KeyringEntry {
  readonly location: string
  readonly auth: RegistryAuth
  readonly source: CredentialSource
}

/** A secret holds no credentials that can be read. `detail` never has any of its content. */
export class MalformedPullSecret extends Schema.TaggedError<MalformedPullSecret>()("MalformedPullSecret", {
  secret: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `pull secret ${this.secret}: ${this.detail}`
  }
}

const AuthEntry = Schema.Struct({
  username: Schema.optionalKey(Schema.String),
  password: Schema.optionalKey(Schema.String),
  auth: Schema.optionalKey(Schema.String)
})
type AuthEntry = typeof AuthEntry.Type
const Auths = Schema.Record(Schema.String, AuthEntry)
type Auths = typeof Auths.Type
const decodeLegacy = Schema.decodeUnknownResult(Schema.fromJsonString(Auths))
const decodeConfig = Schema.decodeUnknownResult(
  Schema.fromJsonString(Schema.Struct({ auths: Schema.optionalKey(Auths) }))
)

/** Docker writes its Hub as `https://index.docker.io/v1/`; scheme and API version mean nothing. */
export const locationOf = (registry: string): string => {
  const bare = registry.replace(/^https?:\/\//, "")
  const slash = bare.indexOf("/")
  const host = slash === -1 ? bare : bare.slice(0, slash)
  const path = (slash === -1 ? "" : bare.slice(slash)).replace(/^\/v[12]\//, "/")
  return path === "" || path === "/" ? host : host + path
}

const padded = (base64: string): string => {
  const bare = base64.trim().replace(/=+$/, "")
  return bare + "=".repeat((4 - (bare.length % 4)) % 4)
}

/** `auth` is `user:password` in base64, with or without padding, and outranks the two plain fields. */
const credentialOf = ({ auth, password = "", username = "" }: AuthEntry): RegistryAuth | undefined => {
  if (auth === undefined || auth === "") return { username, password }
  const decoded = Base64.decodeString(padded(auth))
  const text = Result.isSuccess(decoded) ? decoded.success : ""
  const colon = text.indexOf(":")
  return colon === -1
    ? undefined
    : { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, "") }
}

export type Form = "dockerconfigjson" | "dockercfg"

/** The form by the secret's type, or by its key where there is no type. */
const formOf = ({ data = {}, type }: Secret): Form | undefined => {
  const forms: ReadonlyArray<Form> = ["dockerconfigjson", "dockercfg"]
  return forms.find((form) =>
    data[`.${form}`] !== undefined && (type === undefined || type === `kubernetes.io/${form}`)
  )
}

type Read = Result.Result<ReadonlyArray<KeyringEntry>, string>

/** The entries of a Docker configuration's text; what is wrong with it otherwise, without a word of its content. */
export const readDockerConfig = (text: string, form: Form, source: CredentialSource): Read => {
  const auths: Result.Result<Auths, unknown> = form === "dockercfg"
    ? decodeLegacy(text)
    : Result.map(decodeConfig(text), (config) => config.auths ?? {})
  if (Result.isFailure(auths)) return Result.fail("is not a Docker configuration")
  const entries: Array<KeyringEntry> = []
  for (const [registry, entry] of Object.entries(auths.success)) {
    const auth = credentialOf(entry)
    if (auth === undefined) return Result.fail("has an entry whose auth is not user and password in base64")
    entries.push({ location: locationOf(registry), auth, source })
  }
  return Result.succeed(entries)
}

/** The credentials of one secret, in its order. */
export const credentialsOf = (
  secret: Secret
): Result.Result<ReadonlyArray<KeyringEntry>, MalformedPullSecret> => {
  const { name, namespace = "", uid = "" } = secret.metadata
  const malformed = (detail: string) => new MalformedPullSecret({ secret: `${namespace}/${name}`, detail })
  const form = formOf(secret)
  if (form === undefined) return Result.fail(malformed("is of no type that holds registry credentials"))
  const text = Base64.decodeString(secret.data?.[`.${form}`] ?? "")
  if (Result.isFailure(text)) return Result.fail(malformed("is not base64"))
  return Result.mapError(
    readDockerConfig(text.success, form, CredentialSource.Secret({ uid, namespace, name })),
    malformed
  )
}
