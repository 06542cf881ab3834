/**
 * The exchange with a credential provider plugin, and how long and for which images an answer is kept (parity N6). Keys
 * are made of lengths and texts, so that no choice of names makes two of them alike.
 */
import { Result, Schema } from "effect"
import { sha256Hex } from "../csi/sha256.ts"
import { withoutNulls } from "../k8s/decode.ts"
import { GoDuration } from "../kubeletConfig/goDuration.ts"
import type { CredentialProvider } from "./credentialProviders.ts"
import { type Coordinates, CredentialSource, type KeyringEntry, locationOf, type RegistryAuth } from "./pullSecrets.ts"

/** What a plugin that wants tokens is told of the pod's service account. */
export interface AccountShown {
  readonly coordinates: Coordinates
  readonly token: string
  readonly annotations: Readonly<Record<string, string>>
}

export interface CredentialRequest {
  /** Registry and repository; no tag, no digest. */
  readonly image: string
  readonly account?: AccountShown
}

export interface CredentialAnswer {
  readonly cacheKeyType: "Image" | "Registry" | "Global"
  /** Absent: as long as the configuration says. 0: not at all. */
  readonly cacheMs?: number
  /** By the place it is for, as in a Docker configuration. */
  readonly auth: Readonly<Record<string, RegistryAuth>>
}

/** What the program reads from its standard input. */
export const requestText = ({ apiVersion }: CredentialProvider, { account, image }: CredentialRequest): string =>
  JSON.stringify({
    kind: "CredentialProviderRequest",
    apiVersion,
    image,
    ...(account === undefined ? {} : { serviceAccountToken: account.token }),
    ...(account === undefined || Object.keys(account.annotations).length === 0
      ? {}
      : { serviceAccountAnnotations: account.annotations })
  })

const decodeJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))
const decodeHead = Schema.decodeUnknownResult(Schema.Struct({ apiVersion: Schema.String }))
const decodeResponse = Schema.decodeUnknownResult(Schema.Struct({
  kind: Schema.Literal("CredentialProviderResponse"),
  cacheKeyType: Schema.String,
  cacheDuration: Schema.optionalKey(GoDuration),
  auth: Schema.optionalKey(
    Schema.Record(
      Schema.String,
      Schema.Struct({ username: Schema.optionalKey(Schema.String), password: Schema.optionalKey(Schema.String) })
    )
  )
}))

/** What the program wrote; otherwise what is wrong with it, which never repeats what may be a password. */
export const readAnswer = (
  provider: CredentialProvider,
  stdout: string
): Result.Result<CredentialAnswer, string> => {
  const json = decodeJson(stdout)
  if (Result.isFailure(json)) return Result.fail("error reading GVK from response: it is not JSON")
  const head = decodeHead(json.success)
  const actual = Result.isSuccess(head) ? head.success.apiVersion : ""
  if (actual !== provider.apiVersion) {
    return Result.fail(
      "apiVersion from credential plugin response did not match expected " +
        `apiVersion:${provider.apiVersion}, actual apiVersion:${actual}`
    )
  }
  const decoded = decodeResponse(withoutNulls(json.success))
  if (Result.isFailure(decoded)) return Result.fail("error decoding credential provider plugin response from stdout")
  const { auth = {}, cacheDuration, cacheKeyType } = decoded.success
  if (cacheKeyType !== "Image" && cacheKeyType !== "Registry" && cacheKeyType !== "Global") {
    return Result.fail(`credential provider plugin did not return a valid cacheKeyType: "${cacheKeyType}"`)
  }
  return Result.succeed({
    cacheKeyType,
    ...(cacheDuration === undefined ? {} : { cacheMs: cacheDuration }),
    auth: Object.fromEntries(
      Object.entries(auth).map(([place, { password = "", username = "" }]) => [place, { username, password }])
    )
  })
}

/** A plugin that gives the token back as the password must not have that kept for other pods of the account. */
export const echoesToken = (
  { token }: CredentialProvider,
  { account }: CredentialRequest,
  { auth }: CredentialAnswer
): boolean =>
  account !== undefined && account.token !== "" && token?.cacheType !== "Token" &&
  Object.values(auth).some(({ password }) => password === account.token)

const joined = (parts: ReadonlyArray<string>): string => parts.map((part) => `${part.length}:${part}`).join("")

const accountKey = ({ token }: CredentialProvider, account: AccountShown | undefined): string => {
  if (account === undefined) return ""
  const { name, namespace, uid } = account.coordinates
  const annotations = Object.entries(account.annotations).sort(([one], [other]) => one < other ? -1 : 1).flat()
  const ofToken = token?.cacheType === "Token" ? [sha256Hex(account.token)] : []
  return joined([namespace, name, uid, ...annotations, ...ofToken])
}

const globalKey = "global"
const registryOf = (image: string): string => image.slice(0, Math.max(0, image.indexOf("/")))

/** Where an answer to this request may lie, the narrowest place first. */
export const cacheKeys = (provider: CredentialProvider, { account, image }: CredentialRequest): ReadonlyArray<string> =>
  [image, registryOf(image), globalKey].map((place) => joined([place, accountKey(provider, account)]))

/** Where this answer is kept and until when; undefined when it is not kept at all. */
export const cachePlace = (
  provider: CredentialProvider,
  request: CredentialRequest,
  answer: CredentialAnswer,
  nowMs: number
): { readonly key: string; readonly untilMs: number } | undefined => {
  const keptMs = answer.cacheMs ?? provider.defaultCacheMs
  if (keptMs <= 0) return undefined
  const [ofImage, ofRegistry, ofAll] = cacheKeys(provider, request)
  const key = answer.cacheKeyType === "Image" ? ofImage : answer.cacheKeyType === "Registry" ? ofRegistry : ofAll
  return key === undefined ? undefined : { key, untilMs: nowMs + keptMs }
}

/** Requests that may share one run of the program. */
export const sharedRun = ({ name }: CredentialProvider, { account, image }: CredentialRequest): string =>
  joined([
    name,
    image,
    ...(account === undefined
      ? []
      : [sha256Hex(account.token), ...Object.entries(account.annotations).sort(([a], [b]) => a < b ? -1 : 1).flat()])
  ])

/** The answer as entries of a keyring. */
export const entriesOf = (answer: CredentialAnswer, account: AccountShown | undefined): ReadonlyArray<KeyringEntry> => {
  const source = account === undefined ? CredentialSource.Node() : CredentialSource.ServiceAccount(account.coordinates)
  return Object.entries(answer.auth).map(([place, auth]) => ({ location: locationOf(place), auth, source }))
}

/** The annotations that a plugin is shown; the first required one that is missing instead. */
export const annotationsShown = (
  { optionalAnnotations, requiredAnnotations }: NonNullable<CredentialProvider["token"]>,
  annotations: Readonly<Record<string, string>>
): Result.Result<Readonly<Record<string, string>>, string> => {
  const missing = requiredAnnotations.find((key) => !Object.hasOwn(annotations, key))
  if (missing !== undefined) return Result.fail(missing)
  const keys = [...requiredAnnotations, ...optionalAnnotations].filter((key) => Object.hasOwn(annotations, key))
  return Result.succeed(Object.fromEntries(keys.map((key) => [key, annotations[key] ?? ""])))
}
