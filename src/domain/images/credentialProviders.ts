/**
 * Which programs know registry credentials, and for which images: `CredentialProviderConfig` as the kubelet reads it
 * (parity N6, KEP-2133, KEP-4412). What does not fit is named with its file and field.
 */
import { Result, Schema } from "effect"
import { withoutNulls } from "../k8s/decode.ts"
import { isObject } from "../k8s/json.ts"
import { problemsOf } from "../kubeletConfig/decode.ts"
import { GoDuration } from "../kubeletConfig/goDuration.ts"
import { isQualifiedName } from "../kubeletConfig/nodeLabels.ts"
import type { ImageName } from "./imageName.ts"
import { locationMatches } from "./keyring.ts"

/** The service account's token that a plugin is given with its request. */
export interface TokenAttributes {
  readonly audience: string
  /** Whether answers are kept for the account, or only for the very token. */
  readonly cacheType: "ServiceAccount" | "Token"
  readonly requireServiceAccount: boolean
  readonly requiredAnnotations: ReadonlyArray<string>
  readonly optionalAnnotations: ReadonlyArray<string>
}

export interface CredentialProvider {
  /** Of the program in the folder of plugins. */
  readonly name: string
  readonly matchImages: ReadonlyArray<string>
  /** How long an answer is kept that does not say it itself; 0: not at all. */
  readonly defaultCacheMs: number
  /** Of request and response. */
  readonly apiVersion: string
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  readonly token?: TokenAttributes
}

/** The configuration cannot be used. Each problem names its field. */
export class CredentialConfigError extends Schema.TaggedError<CredentialConfigError>()("CredentialConfigError", {
  /** File or folder. */
  source: Schema.String,
  problems: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return this.problems.map((problem) => `credential provider config ${this.source}: ${problem}`).join("\n")
  }
}

const group = "kubelet.config.k8s.io"
const configVersions = ["v1", "v1beta1", "v1alpha1"].map((version) => `${group}/${version}`)
const pluginV1 = "credentialprovider.kubelet.k8s.io/v1"
/** What plugins are spoken to in. */
export const pluginVersions: ReadonlyArray<string> = [
  pluginV1,
  "credentialprovider.kubelet.k8s.io/v1alpha1",
  "credentialprovider.kubelet.k8s.io/v1beta1"
]

const str = Schema.optionalKey(Schema.String)
const strings = Schema.optionalKey(Schema.Array(Schema.String))
const TokenFields = Schema.Struct({
  serviceAccountTokenAudience: str,
  cacheType: str,
  requireServiceAccount: Schema.optionalKey(Schema.Boolean),
  requiredServiceAccountAnnotationKeys: strings,
  optionalServiceAccountAnnotationKeys: strings
})
type TokenFields = typeof TokenFields.Type
const ProviderFields = Schema.Struct({
  name: str,
  matchImages: strings,
  defaultCacheDuration: Schema.optionalKey(GoDuration),
  apiVersion: str,
  args: strings,
  env: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String, value: Schema.String }))),
  tokenAttributes: Schema.optionalKey(TokenFields)
})
type ProviderFields = typeof ProviderFields.Type
const decodeFile = Schema.decodeUnknownResult(
  Schema.Struct({
    apiVersion: Schema.String,
    kind: Schema.String,
    providers: Schema.optionalKey(Schema.Array(ProviderFields))
  }),
  { onExcessProperty: "error", errors: "all" }
)

type Problems = ReadonlyArray<string>
const when = (wrong: boolean, problem: string): Problems => wrong ? [problem] : []

const nameProblems = (at: string, name: string): Problems => [
  ...when(name === "", `${at}.name: Required value`),
  ...when(name.includes("/"), `${at}.name: Invalid value: "${name}": provider name cannot contain '/'`),
  ...when(name.includes(" "), `${at}.name: Invalid value: "${name}": provider name cannot contain spaces`),
  ...when(name === "." || name === "..", `${at}.name: Invalid value: "${name}": provider name cannot be '${name}'`)
]

/** A host of letters, digits and globs, a port, a path: what a registry's place can be. */
const place = /^(?:[A-Za-z0-9._~*?[\]-]+|\[[0-9A-Fa-f:.]+\])(?::\d*)?(?:\/[^\s]*)?$/

const imageProblems = (at: string, patterns: Problems): Problems => [
  ...when(patterns.length === 0, `${at}.matchImages: Required value: at least 1 item in matchImages is required`),
  ...patterns.flatMap((pattern) =>
    when(!place.test(pattern), `${at}.matchImages: Invalid value: "${pattern}": match image is invalid`)
  )
]

const annotationProblems = (at: string, keys: Problems): Problems =>
  keys.flatMap((key, index) => [
    ...when(!isQualifiedName(key.toLowerCase()), `${at}: Invalid value: "${key}": want [domain/]name`),
    ...when(keys.indexOf(key) < index, `${at}: Duplicate value: "${key}"`)
  ])

const cacheTypes = ["ServiceAccount", "Token"] as const
const isCacheType = (text: string | undefined): text is TokenAttributes["cacheType"] =>
  cacheTypes.some((one) => one === text)

const tokenProblems = (at: string, fields: TokenFields, apiVersion: string | undefined, allowed: boolean): Problems => {
  const { cacheType = "", requireServiceAccount, serviceAccountTokenAudience = "" } = fields
  const required = fields.requiredServiceAccountAnnotationKeys ?? []
  const optional = fields.optionalServiceAccountAnnotationKeys ?? []
  const both = required.filter((key) => optional.includes(key))
  return [
    ...when(
      !allowed,
      `${at}: Forbidden: tokenAttributes is not supported when KubeletServiceAccountTokenForCredentialProviders feature gate is disabled`
    ),
    ...when(serviceAccountTokenAudience === "", `${at}.serviceAccountTokenAudience: Required value`),
    ...when(requireServiceAccount === undefined, `${at}.requireServiceAccount: Required value`),
    ...when(apiVersion !== pluginV1, `${at}: Forbidden: tokenAttributes is only supported for ${pluginV1} API version`),
    ...when(
      requireServiceAccount === false && required.length > 0,
      `${at}.requiredServiceAccountAnnotationKeys: Forbidden: requireServiceAccount cannot be false when requiredServiceAccountAnnotationKeys is set`
    ),
    ...annotationProblems(`${at}.requiredServiceAccountAnnotationKeys`, required),
    ...annotationProblems(`${at}.optionalServiceAccountAnnotationKeys`, optional),
    ...when(
      both.length > 0,
      `${at}: Invalid value: ${JSON.stringify(both)}: annotation keys cannot be both required and optional`
    ),
    ...(cacheType === ""
      ? [
        `${at}.cacheType: Required value: cacheType is required to be set when tokenAttributes is specified. Supported values are: ${
          cacheTypes.join(", ")
        }`
      ]
      : when(
        !isCacheType(cacheType),
        `${at}.cacheType: Unsupported value: "${cacheType}": supported values: ${quoted(cacheTypes)}`
      ))
  ]
}

const quoted = (texts: ReadonlyArray<string>): string => texts.map((text) => `"${text}"`).join(", ")

const providerProblems = (at: string, fields: ProviderFields, tokensAllowed: boolean): Problems => {
  const { apiVersion = "", defaultCacheDuration, matchImages = [], name = "", tokenAttributes } = fields
  return [
    ...nameProblems(at, name),
    ...(apiVersion === ""
      ? [`${at}.apiVersion: Required value`]
      : when(
        !pluginVersions.includes(apiVersion),
        `${at}.apiVersion: Unsupported value: "${apiVersion}": supported values: ${quoted(pluginVersions)}`
      )),
    ...imageProblems(at, matchImages),
    ...when(defaultCacheDuration === undefined, `${at}.defaultCacheDuration: Required value`),
    ...when(
      (defaultCacheDuration ?? 0) < 0,
      `${at}.defaultCacheDuration: Invalid value: defaultCacheDuration must be greater than or equal to 0`
    ),
    ...(tokenAttributes === undefined
      ? []
      : tokenProblems(`${at}.tokenAttributes`, tokenAttributes, apiVersion, tokensAllowed))
  ]
}

const tokenOf = (fields: TokenFields): TokenAttributes => ({
  audience: fields.serviceAccountTokenAudience ?? "",
  cacheType: isCacheType(fields.cacheType) ? fields.cacheType : "Token",
  requireServiceAccount: fields.requireServiceAccount ?? true,
  requiredAnnotations: fields.requiredServiceAccountAnnotationKeys ?? [],
  optionalAnnotations: fields.optionalServiceAccountAnnotationKeys ?? []
})

const providerOf = ({ tokenAttributes, ...fields }: ProviderFields): CredentialProvider => ({
  name: fields.name ?? "",
  matchImages: fields.matchImages ?? [],
  defaultCacheMs: fields.defaultCacheDuration ?? 0,
  apiVersion: fields.apiVersion ?? "",
  args: fields.args ?? [],
  env: Object.fromEntries((fields.env ?? []).map(({ name, value }) => [name, value])),
  ...(tokenAttributes === undefined ? {} : { token: tokenOf(tokenAttributes) })
})

/** The providers of one document. `tokensAllowed`: the gate `KubeletServiceAccountTokenForCredentialProviders`. */
const readOne = (
  { document, source }: { readonly source: string; readonly document: unknown },
  tokensAllowed: boolean
): Result.Result<ReadonlyArray<CredentialProvider>, CredentialConfigError> => {
  const fail = (problems: Problems) => Result.fail(new CredentialConfigError({ source, problems }))
  if (!isObject(document)) return fail(["the document is not an object"])
  const [apiVersion, kind] = [String(document["apiVersion"] ?? ""), String(document["kind"] ?? "")]
  if (!configVersions.includes(apiVersion)) {
    return fail([`apiVersion: Unsupported value: "${apiVersion}": supported values: ${quoted(configVersions)}`])
  }
  if (kind !== "CredentialProviderConfig") {
    return fail([`kind: Unsupported value: "${kind}": supported values: "CredentialProviderConfig"`])
  }
  const decoded = decodeFile(withoutNulls(document))
  if (Result.isFailure(decoded)) return fail(problemsOf(decoded.failure.issue))
  const { providers = [] } = decoded.success
  const problems = providers.flatMap((fields, index) => providerProblems(`providers[${index}]`, fields, tokensAllowed))
  return problems.length > 0 ? fail(problems) : Result.succeed(providers.map(providerOf))
}

/** The providers of all documents, in their order. `place` is the file or folder that they are in. */
export const readProviders = (
  documents: ReadonlyArray<{ readonly source: string; readonly document: unknown }>,
  { place, tokensAllowed }: { readonly place: string; readonly tokensAllowed: boolean }
): Result.Result<ReadonlyArray<CredentialProvider>, CredentialConfigError> =>
  Result.gen(function*() {
    const all: Array<CredentialProvider> = []
    for (const one of documents) {
      for (const provider of yield* readOne(one, tokensAllowed)) {
        const problem = `providers.name: Duplicate value: "${provider.name}"`
        if (all.some(({ name }) => name === provider.name)) {
          return yield* Result.fail(new CredentialConfigError({ source: one.source, problems: [problem] }))
        }
        all.push(provider)
      }
    }
    const none = "providers: Required value: at least 1 item in plugins is required"
    return all.length > 0 ? all : yield* Result.fail(new CredentialConfigError({ source: place, problems: [none] }))
  })

/** Whether the plugin is asked about the image at all. */
export const concerns = ({ matchImages }: CredentialProvider, name: ImageName): boolean =>
  matchImages.some((pattern) => locationMatches(pattern, name))
