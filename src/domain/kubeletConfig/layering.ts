/**
 * How the layers of configuration go over each other (parity A1, A3): built-in defaults, the `--config` file, the
 * drop-ins in their order, the flags that were given. Files are merged as JSON (RFC 7386: objects by key, lists
 * replaced whole, null deletes) and decoded once, after each was checked alone so that a problem names its file.
 */
import { Result } from "effect"
import { decodeConfiguration, isJsonObject, type JsonObject, KubeletConfigError } from "./decode.ts"
import { type KubeletConfiguration, legacyOpen, withDefaults } from "./defaults.ts"
import { type FeatureGates, featureGates } from "./featureGates.ts"
import { apiVersion, type FieldName, kind } from "./file.ts"
import { validate } from "./validate.ts"

/** A document and what to call it in errors. */
export interface ConfigSource {
  readonly source: string
  readonly document: JsonObject
}

/** One flag's value for a field, in the form the file would have. */
export interface FieldSetting {
  readonly path: readonly [FieldName, ...Array<string>]
  readonly value: unknown
  /** Adds to the map that files made instead of taking its place: only `--feature-gates` does (parity A1). */
  readonly addsToMap?: boolean
}

export interface ConfigLayers {
  /** Absent: started without `--config`, which also means the open defaults of old (parity A4). */
  readonly file?: ConfigSource | undefined
  readonly dropIns: ReadonlyArray<ConfigSource>
  readonly flags: ReadonlyArray<FieldSetting>
}

export interface EffectiveConfig {
  readonly config: KubeletConfiguration
  readonly gates: FeatureGates
  /** Top-level fields that someone set. */
  readonly set: ReadonlySet<FieldName>
}

/** The configuration to run with. */
export const effectiveConfig = (layers: ConfigLayers): Result.Result<EffectiveConfig, KubeletConfigError> => {
  const sources = [...(layers.file === undefined ? [] : [layers.file]), ...layers.dropIns]
  for (const { document, source } of sources) {
    const alone = decodeConfiguration(document, source)
    if (Result.isFailure(alone)) return Result.fail(alone.failure)
  }
  // From here on nothing can be blamed on one file alone.
  const source = [...sources.map(({ source }) => source), ...(layers.flags.length > 0 ? ["flags"] : [])].join(" + ")
  const start: JsonObject = { apiVersion, kind, ...(layers.file === undefined ? legacyOpen : {}) }
  const files = sources.reduce((merged, { document }) => mergePatch(merged, document), start)
  const merged = layers.flags.reduce(withSetting, files)

  const decoded = decodeConfiguration(merged, source)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const gates = featureGates(decoded.success.featureGates ?? {})
  if (Result.isFailure(gates)) return Result.fail(new KubeletConfigError({ source, problems: gates.failure }))
  const config = withDefaults(decoded.success)
  const problems = validate(config, gates.success)
  if (problems.length > 0) return Result.fail(new KubeletConfigError({ source, problems }))

  const legacy = layers.file === undefined ? Object.keys(legacyOpen) : []
  const set = new Set<FieldName>()
  for (const name of Object.keys(decoded.success) as Array<keyof typeof decoded.success>) {
    if (name === "apiVersion" || name === "kind" || legacy.includes(name)) continue
    set.add(name)
  }
  for (const { path } of layers.flags) set.add(path[0])
  return Result.succeed({ config, gates: gates.success, set })
}

/** RFC 7386. */
export const mergePatch = (target: JsonObject, patch: JsonObject): JsonObject => {
  const merged: Record<string, unknown> = { ...target }
  for (const [key, value] of Object.entries(patch)) {
    const old = Object.hasOwn(merged, key) ? merged[key] : undefined
    if (value === null) delete merged[key]
    else merged[key] = isJsonObject(value) ? mergePatch(isJsonObject(old) ? old : {}, value) : value
  }
  return merged
}

const withSetting = (document: JsonObject, { addsToMap, path, value }: FieldSetting): JsonObject =>
  atPath(document, path, (old) => addsToMap === true && isJsonObject(value) ? { ...objectOr(old), ...value } : value)

const objectOr = (value: unknown): JsonObject => isJsonObject(value) ? value : {}

/** The document with the value at `path` changed; the objects on the way are made where they are missing. */
const atPath = (document: JsonObject, path: ReadonlyArray<string>, change: (old: unknown) => unknown): JsonObject => {
  const [head = "", ...rest] = path
  const old = Object.hasOwn(document, head) ? document[head] : undefined
  return { ...document, [head]: rest.length === 0 ? change(old) : atPath(objectOr(old), rest, change) }
}

/** The fields that hold a path: relative ones are meant relative to the folder of the file they stand in (parity A2). */
const pathFields: ReadonlyArray<readonly [string, ...Array<string>]> = [
  ["staticPodPath"],
  ["authentication", "x509", "clientCAFile"],
  ["tlsCertFile"],
  ["tlsPrivateKeyFile"],
  ["resolvConf"],
  ["volumePluginDir"],
  ["podLogsDir"]
]

/** The document with `resolve` applied to its paths. */
export const resolvePaths = (document: JsonObject, resolve: (path: string) => string): JsonObject =>
  pathFields.reduce(
    (resolved, path) =>
      isPath(valueAt(resolved, path))
        ? atPath(resolved, path, (text) => isPath(text) ? resolve(text) : text)
        : resolved,
    document
  )

const isPath = (value: unknown): value is string => typeof value === "string" && value !== ""

const valueAt = (document: unknown, path: ReadonlyArray<string>): unknown =>
  path.reduce((value, key) => isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined, document)
