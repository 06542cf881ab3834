/** The files that a secret, configMap, downwardAPI or projected volume shows, made of what it refers to (parity I5, I7, I12). */
import { Data, Result } from "effect"
import * as Base64 from "effect/encoding/Base64"
import { fieldText } from "../config/fieldRef.ts"
import type { Lookup } from "../config/lookups.ts"
import { resourceFieldText } from "../config/resourceFieldRef.ts"
import type { ConfigMap } from "../k8s/configMap.ts"
import type { ResourceList, StringMap } from "../k8s/fields.ts"
import type { Pod } from "../k8s/pod.ts"
import type { Secret } from "../k8s/secret.ts"
import type { DownwardAPIVolumeFile, KeyToPath } from "../k8s/volume.ts"
import type { ContentSource } from "./desired.ts"
import { commonUser } from "./ownership.ts"
import { certificateFiles, type CertificateWish, type HeldCertificate } from "./podCertificates.ts"
import { missingTrust, type TrustWish } from "./trustBundles.ts"

export interface PayloadFile {
  readonly content: Uint8Array
  readonly mode: number
  /** Owner, where it is not root. */
  readonly uid?: number
}

/** By path relative to the volume. */
export type Payload = ReadonlyMap<string, PayloadFile>

/** Whether a volume's files are known. */
export type Supply = Data.TaggedEnum<{
  /** An answer of the API server is outstanding. */
  Waiting: {}
  Failed: { readonly message: string }
  /** `version` differs whenever the files may. */
  Ready: { readonly payload: Payload; readonly version: string }
}>
export const Supply = Data.taggedEnum<Supply>()

/** A service-account token as it is held. */
export interface HeldToken {
  readonly token: string
  readonly expiresAtMs: number
}

/** Everything a volume can refer to. `undefined` from a lookup: not answered yet. */
export interface ContentInputs {
  readonly pod: Pod
  readonly secret: (name: string) => Lookup<Secret> | undefined
  readonly configMap: (name: string) => Lookup<ConfigMap> | undefined
  readonly token: (request: TokenWish) => Lookup<HeldToken> | undefined
  /** PEM. */
  readonly trust: (wish: TrustWish) => Lookup<string> | undefined
  readonly certificate: (wish: CertificateWish) => Lookup<HeldCertificate> | undefined
  readonly allocatable: ResourceList
}

export interface TokenWish {
  readonly audience: string
  readonly expirationSeconds: number
}

type Part = Result.Result<{ readonly files: Payload; readonly version: string }, string> | "waiting"

const none: Part = Result.succeed({ files: new Map(), version: "-" })
const utf8 = new TextEncoder()

interface Keys {
  readonly kind: "secret" | "config"
  readonly name: string
  readonly items: ReadonlyArray<KeyToPath> | undefined
  readonly optional: boolean
}

/** All keys under their own names, or those of `items` under theirs. */
const select = (keys: Keys, all: ReadonlyMap<string, Uint8Array>, mode: number): Result.Result<Payload, string> => {
  const files = new Map<string, PayloadFile>()
  if (keys.items === undefined || keys.items.length === 0) {
    for (const [name, content] of all) files.set(name, { content, mode })
    return Result.succeed(files)
  }
  for (const item of keys.items) {
    const content = all.get(item.key)
    if (content !== undefined) files.set(item.path, { content, mode: item.mode ?? mode })
    else if (!keys.optional) return Result.fail(`references non-existent ${keys.kind} key: ${item.key}`)
  }
  return Result.succeed(files)
}

const decoded = (data: StringMap | undefined): ReadonlyArray<readonly [string, Uint8Array]> =>
  // What the API server sends is base64; what is not shows as an empty file, not as a broken pod.
  Object.entries(data ?? {}).map(([key, text]) => [
    key,
    Result.getOrElse(Base64.decode(text), () => new Uint8Array(0))
  ])

const secretBytes = (secret: Secret) => new Map(decoded(secret.data))
const configMapBytes = (map: ConfigMap) =>
  new Map([
    ...Object.entries(map.data ?? {}).map(([key, text]) => [key, utf8.encode(text)] as const),
    ...decoded(map.binaryData)
  ])

interface Named {
  readonly metadata: { readonly uid?: string; readonly resourceVersion?: string }
}

const fromObject = <A extends Named>(
  found: Lookup<A> | undefined,
  keys: Keys,
  mode: number,
  bytes: (object: A) => ReadonlyMap<string, Uint8Array>
): Part => {
  if (found === undefined) return "waiting"
  switch (found._tag) {
    case "Missing":
      return keys.optional
        ? none
        : Result.fail(`${keys.kind === "secret" ? "secret" : "configmap"} "${keys.name}" not found`)
    case "Failed":
      return Result.fail(found.message)
    case "Found": {
      const { resourceVersion, uid } = found.value.metadata
      return Result.map(
        select(keys, bytes(found.value), mode),
        (files) => ({ files, version: `${uid}/${resourceVersion}` })
      )
    }
  }
}

const downwardText = (item: DownwardAPIVolumeFile, inputs: ContentInputs) => {
  if (item.fieldRef !== undefined) return fieldText(item.fieldRef.fieldPath, inputs.pod, { podIPs: [], hostIPs: [] })
  if (item.resourceFieldRef === undefined) return Result.succeed("")
  return resourceFieldText(item.resourceFieldRef, inputs.pod, undefined, inputs.allocatable)
}

const downward = (items: ReadonlyArray<DownwardAPIVolumeFile>, mode: number, inputs: ContentInputs): Part => {
  const files = new Map<string, PayloadFile>()
  let version = ""
  for (const item of items) {
    const text = downwardText(item, inputs)
    if (Result.isFailure(text)) return Result.fail(text.failure.message)
    files.set(item.path, { content: utf8.encode(text.success), mode: item.mode ?? mode })
    version += `${item.path}=${text.success}\n`
  }
  return Result.succeed({ files, version })
}

/** Only its user may read a credential, where one user is known; else it is as readable as the rest (parity I7). */
const credential = (text: string, mode: number, { pod }: ContentInputs): PayloadFile => {
  const uid = commonUser(pod)
  const guarded = uid !== undefined || pod.spec.securityContext?.fsGroup !== undefined
  return { content: utf8.encode(text), mode: guarded ? 0o600 : mode, ...(uid === undefined ? {} : { uid }) }
}

const token = (source: ContentSource & { _tag: "Token" }, mode: number, inputs: ContentInputs): Part => {
  const held = inputs.token(source)
  if (held === undefined) return "waiting"
  switch (held._tag) {
    case "Missing":
      return Result.fail(`serviceaccounts "${inputs.pod.spec.serviceAccountName ?? "default"}" not found`)
    case "Failed":
      return Result.fail(held.message)
    case "Found": {
      const file = credential(held.value.token, mode, inputs)
      return Result.succeed({ files: new Map([[source.path, file]]), version: `token@${held.value.expiresAtMs}` })
    }
  }
}

/** An optional one that is missing shows as an empty file: its reader need not ask whether it is there. */
const trust = (source: ContentSource & { _tag: "Trust" }, mode: number, inputs: ContentInputs): Part => {
  const found = inputs.trust(source)
  if (found === undefined) return "waiting"
  if (found._tag === "Failed") return Result.fail(found.message)
  if (found._tag === "Missing" && !source.optional) return Result.fail(missingTrust(source))
  const pem = found._tag === "Found" ? found.value : ""
  return Result.succeed({ files: new Map([[source.path, credential(pem, mode, inputs)]]), version: `trust@${pem}` })
}

const certificate = ({ wish }: ContentSource & { _tag: "Certificate" }, mode: number, inputs: ContentInputs): Part => {
  const held = inputs.certificate(wish)
  if (held === undefined) return "waiting"
  if (held._tag !== "Found") return Result.fail(held._tag === "Failed" ? held.message : "there is no certificate")
  const texts = [...certificateFiles(wish, held.value)]
  const files = new Map(texts.map(([path, text]) => [path, credential(text, mode, inputs)]))
  return Result.succeed({ files, version: `certificate@${held.value.chain}` })
}

const part = (source: ContentSource, mode: number, inputs: ContentInputs): Part => {
  switch (source._tag) {
    case "Secret":
      return fromObject(inputs.secret(source.name), { kind: "secret", ...source }, mode, secretBytes)
    case "ConfigMap":
      return fromObject(inputs.configMap(source.name), { kind: "config", ...source }, mode, configMapBytes)
    case "Downward":
      return downward(source.items, mode, inputs)
    case "Token":
      return token(source, mode, inputs)
    case "Trust":
      return trust(source, mode, inputs)
    case "Certificate":
      return certificate(source, mode, inputs)
    case "Unsupported":
      return source.optional ? none : Result.fail(source.message)
  }
}

const maxPathLength = 4096

/** Why a path may not be written; undefined when it may. */
export const pathProblem = (path: string): string | undefined => {
  if (path === "") return "invalid path: must not be empty"
  if (path.startsWith("/")) return `invalid path: must be relative path: ${path}`
  if (path.length > maxPathLength) return `invalid path: must be less than or equal to ${maxPathLength} characters`
  const names = path.split("/")
  if (names.includes("..")) return `invalid path: must not contain '..': ${path}`
  if (path.startsWith("..")) return `invalid path: must not start with '..': ${path}`
  return names.some((name) => name.length > 255 || name.includes("\0"))
    ? `invalid path: bad file name: ${path}`
    : undefined
}

/** As Go prints several errors together. */
const joined = (messages: ReadonlyArray<string>): string =>
  messages.length === 1 ? messages[0] ?? "" : `[${messages.join(", ")}]`

/** The files of the whole volume; of two sources that name one path the later wins. */
export const supplyOf = (
  content: { readonly sources: ReadonlyArray<ContentSource>; readonly defaultMode: number },
  inputs: ContentInputs
): Supply => {
  const parts = content.sources.map((source) => part(source, content.defaultMode, inputs))
  const failures = parts.flatMap((one) => (one !== "waiting" && Result.isFailure(one) ? [one.failure] : []))
  if (failures.length > 0) return Supply.Failed({ message: joined([...new Set(failures)]) })
  const payload = new Map<string, PayloadFile>()
  const versions: Array<string> = []
  for (const one of parts) {
    if (one === "waiting") return Supply.Waiting()
    if (Result.isFailure(one)) continue
    for (const [path, file] of one.success.files) payload.set(path, file)
    versions.push(one.success.version)
  }
  const problem = [...payload.keys()].map(pathProblem).find((text) => text !== undefined)
  return problem === undefined
    ? Supply.Ready({ payload, version: versions.join(";") })
    : Supply.Failed({ message: problem })
}
