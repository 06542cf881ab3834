/** What one API server in memory is made of, and the clock and dice it shares: verbs and reactions work on this. */
import type { Clock, Random } from "effect"
import { isObject, type JsonObject } from "../../../domain/k8s/json.ts"
import { type ApiResource, apiVersionOf } from "../../../domain/k8s/resources.ts"
import { formatTime } from "../../../domain/k8s/time.ts"
import type { KubeObject } from "../KubeApi.ts"
import { type FieldTable, readFields } from "./fields.ts"
import { type ApiKind, readKinds } from "./kinds.ts"
import { Store } from "./store.ts"

/** Who sends a request. */
export interface Identity {
  readonly username: string
  readonly uid?: string
  readonly groups: ReadonlyArray<string>
  readonly extra?: JsonObject
}

/** A call in the same process is trusted, like one on the server's own loopback. */
export const loopback: Identity = { username: "system:apiserver", groups: ["system:masters", "system:authenticated"] }

/** What an access review asks. */
export interface AccessQuestion {
  readonly user: string
  readonly groups: ReadonlyArray<string>
  readonly resource?: JsonObject
  readonly nonResource?: JsonObject
}

export interface Settings {
  /** Changes of a kind that a watch can go back over. */
  readonly historyLimit: number
  /** Events that a watch may lag behind before it is closed. */
  readonly watchBacklog: number
  readonly bookmarkMs: number
  /** How long events are kept. */
  readonly eventTtlMs: number
  /** Binds pods that name no node. */
  readonly binder: boolean
  /** Mounts a service account token into every pod that does not refuse it. */
  readonly mountServiceAccountTokens: boolean
  /** Approves and signs the certificate requests of kubelets. */
  readonly signCertificates: boolean
  readonly certificateLifeMs: number
  readonly certificateBackdateMs: number | undefined
  readonly authorize: (question: AccessQuestion) => boolean
  readonly tokens: ReadonlyMap<string, Identity>
}

export interface State {
  readonly settings: Settings
  readonly fields: FieldTable
  readonly kinds: ReadonlyArray<ApiKind>
  readonly store: Store
  readonly clock: Clock.Clock
  readonly random: Random.Random
  /** The certificate that clients in pods shall trust, PEM; empty without TLS. */
  readonly root: { certificate: string }
  /** Signs the tokens of service accounts. */
  readonly tokenKey: string
  /** Lists under way that are read in pages, oldest first. */
  readonly pages: Map<string, ReadonlyArray<KubeObject>>
  readonly nextId: () => string
  readonly kindOf: (resource: Pick<ApiResource, "group" | "plural">) => ApiKind | undefined
}

const hexWord = (random: Random.Random): string =>
  Math.floor(random.nextDoubleUnsafe() * 2 ** 32).toString(16).padStart(8, "0")

/** Eight digits to a throw of the dice. */
const hex = (random: Random.Random, digits: number): string => {
  let text = ""
  while (text.length < digits) text += hexWord(random)
  return text.slice(0, digits)
}

/** A version 4 UUID from the dice of the run, so that a seeded run gives the same ones. */
export const newUid = ({ random }: Pick<State, "random">): string => {
  const digits = hex(random, 32)
  const variant = "89ab".charAt(Number.parseInt(digits.charAt(16), 16) % 4)
  // Joined, the text is one piece: pasted together it would stay a tree of twelve, and most objects hold a few of them.
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    variant + digits.slice(17, 20),
    digits.slice(20)
  ].join("-")
}

// No vowels and no digits that look like letters, so that no words come out.
const alphabet = "bcdfghjklmnpqrstvwxz2456789"

export const newSuffix = ({ random }: Pick<State, "random">): string =>
  Array.from({ length: 5 }, () => alphabet.charAt(Math.floor(random.nextDoubleUnsafe() * alphabet.length))).join("")

export const nowMillis = ({ clock }: Pick<State, "clock">): number => clock.currentTimeMillisUnsafe()
export const timestamp = (state: Pick<State, "clock">): string => formatTime(nowMillis(state))

const isKubeObject = (value: JsonObject): value is JsonObject & KubeObject => isObject(value["metadata"])

/** Everything that was decoded has metadata. */
export const kubeObject = (value: JsonObject): KubeObject => {
  if (!isKubeObject(value)) throw new Error("an object without metadata")
  return value
}

export const typed = (kind: ApiKind, object: JsonObject): JsonObject => ({
  ...object,
  apiVersion: apiVersionOf(kind),
  kind: kind.kind
})

export const makeState = (
  settings: Settings,
  services: { readonly clock: Clock.Clock; readonly random: Random.Random }
): State => {
  const fields = readFields()
  const kinds = readKinds(fields)
  let ids = 0
  const byName = new Map(kinds.map((kind) => [`${kind.group}/${kind.plural}`, kind]))
  return {
    settings,
    fields,
    kinds,
    store: new Store(kinds, settings),
    ...services,
    root: { certificate: "" },
    tokenKey: hex(services.random, 64),
    pages: new Map(),
    nextId: () => String(++ids),
    kindOf: ({ group, plural }) => byName.get(`${group}/${plural}`)
  }
}

/** A kind that the server itself works with. */
export const kindOf = (state: State, resource: ApiResource): ApiKind => {
  const kind = state.kindOf(resource)
  if (kind === undefined) throw new Error(`the server does not serve ${resource.plural}`)
  return kind
}
