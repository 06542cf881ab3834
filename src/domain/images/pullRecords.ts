/**
 * What the agent writes down of its image pulls, in the kubelet's own files: `image_manager/pulling/sha256-…` while one is
 * under way, `image_manager/pulled/sha256-…` for each image that was pulled, with what it was pulled with (parity N7).
 */
import { Result, Schema } from "effect"
import { sha256Hex } from "../csi/sha256.ts"
import { equalValues } from "../equalValues.ts"
import { withoutNulls } from "../k8s/decode.ts"
import type { SourcedAuth } from "./keyring.ts"
import type { RegistryAuth } from "./pullSecrets.ts"

const coordinates = { uid: Schema.String, namespace: Schema.String, name: Schema.String }
const PullSecret = Schema.Struct({ ...coordinates, credentialHash: Schema.String })
type PullSecret = typeof PullSecret.Type
const PullAccount = Schema.Struct(coordinates)
type PullAccount = typeof PullAccount.Type

const PullCredentials = Schema.Struct({
  kubernetesSecrets: Schema.optionalKey(Schema.Array(PullSecret)),
  kubernetesServiceAccounts: Schema.optionalKey(Schema.Array(PullAccount)),
  /** Pulled without credentials, or with the node's own: every pod of the node may use it. */
  nodePodsAccessible: Schema.optionalKey(Schema.Boolean)
})
export type PullCredentials = typeof PullCredentials.Type

export interface PulledRecord {
  readonly lastUpdatedTime: string
  /** The image, as the runtime names it. */
  readonly imageRef: string
  /** By registry and repository. */
  readonly credentialMapping: Readonly<Record<string, PullCredentials>>
}

const apiVersion = "kubelet.config.k8s.io/v1beta1"
const readable = Schema.Literals([apiVersion, "kubelet.config.k8s.io/v1alpha1"])
const decodeIntent = Schema.decodeUnknownResult(
  Schema.Struct({ apiVersion: readable, kind: Schema.Literal("ImagePullIntent"), image: Schema.String })
)
const decodeRecord = Schema.decodeUnknownResult(
  Schema.Struct({
    apiVersion: readable,
    kind: Schema.Literal("ImagePulledRecord"),
    lastUpdatedTime: Schema.String,
    imageRef: Schema.String,
    credentialMapping: Schema.optionalKey(Schema.Record(Schema.String, PullCredentials))
  })
)
const decodeJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))

/** Name of the file about an image: its intent by the name that users wrote, its record by the runtime's. */
export const recordFile = (image: string): string => `sha256-${sha256Hex(image)}`

/** Files that are no record of ours, or not finished, are passed over. */
export const isRecordFile = (file: string): boolean => /^sha256-[0-9a-f]{64}$/.test(file)

export const intentText = (image: string): string =>
  `${JSON.stringify({ kind: "ImagePullIntent", apiVersion, image })}\n`

export const recordText = (record: PulledRecord): string =>
  `${JSON.stringify({ kind: "ImagePulledRecord", apiVersion, ...record })}\n`

/** The name of the image; undefined for what is no intent. */
export const readIntent = (text: string): string | undefined => {
  const json = decodeJson(text)
  const decoded = Result.isSuccess(json) ? decodeIntent(json.success) : json
  return Result.isSuccess(decoded) ? decoded.success.image : undefined
}

/** Undefined for what is no record. */
export const readRecord = (text: string): PulledRecord | undefined => {
  const json = decodeJson(text)
  const decoded = Result.isSuccess(json) ? decodeRecord(withoutNulls(json.success)) : json
  if (Result.isFailure(decoded)) return undefined
  const { credentialMapping = {}, imageRef, lastUpdatedTime } = decoded.success
  return { lastUpdatedTime, imageRef, credentialMapping }
}

/** As Go writes text into JSON: what HTML gives a meaning is escaped. */
const goJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** Of a credential's content, the same as the kubelet's, so that either can take over from the other. */
export const authHash = ({ password, username }: RegistryAuth): string =>
  sha256Hex(goJson({ ...(username === "" ? {} : { username }), ...(password === "" ? {} : { password }) }))

/** What a pull with this credential, or without any, is remembered by. */
export const credentialsUsed = (used: SourcedAuth | undefined): PullCredentials => {
  if (used === undefined || used.source._tag === "Node") return { nodePodsAccessible: true }
  const { name, namespace, uid } = used.source
  return used.source._tag === "Secret"
    ? { kubernetesSecrets: [{ uid, namespace, name, credentialHash: authHash(used.auth) }] }
    : { kubernetesServiceAccounts: [{ uid, namespace, name }] }
}

const orderOf = ({ name, namespace, uid }: PullAccount): string => `${namespace}\u0000${name}\u0000${uid}`

/** One entry for each object, the later one's; in the order of namespace, name and UID. */
const merged = <A extends PullAccount>(old: ReadonlyArray<A>, added: ReadonlyArray<A>): ReadonlyArray<A> =>
  [...new Map([...old, ...added].map((one) => [orderOf(one), one])).entries()]
    .sort(([one], [other]) => one < other ? -1 : 1)
    .map(([, one]) => one)

const withCredentials = (old: PullCredentials | undefined, added: PullCredentials): PullCredentials => {
  if (old?.nodePodsAccessible === true || added.nodePodsAccessible === true) return { nodePodsAccessible: true }
  const secrets = merged(old?.kubernetesSecrets ?? [], added.kubernetesSecrets ?? [])
  const accounts = merged(old?.kubernetesServiceAccounts ?? [], added.kubernetesServiceAccounts ?? [])
  return {
    ...(secrets.length === 0 ? {} : { kubernetesSecrets: secrets }),
    ...(accounts.length === 0 ? {} : { kubernetesServiceAccounts: accounts })
  }
}

/**
 * The record after one more pull; undefined when it says so already. Without `added` it is only told that the agent has
 * pulled the image, by whatever credentials: the next pod has to show its own.
 */
export const afterPull = (
  record: PulledRecord | undefined,
  { added, imageRef, now, repository }: {
    readonly imageRef: string
    readonly repository: string
    readonly added: PullCredentials | undefined
    /** RFC 3339. */
    readonly now: string
  }
): PulledRecord | undefined => {
  const mapping = record?.credentialMapping ?? {}
  const old = Object.hasOwn(mapping, repository) ? mapping[repository] : undefined
  const next = added === undefined ? old : withCredentials(old, added)
  if (record !== undefined && (next === undefined || equalValues(old, next))) return undefined
  return {
    lastUpdatedTime: now,
    imageRef,
    credentialMapping: next === undefined ? mapping : { ...mapping, [repository]: next }
  }
}
