/**
 * A network as its configuration file has it: a list of plugins that are run one after the other. The older form with a
 * single plugin becomes a list of one.
 */
import { Result, Schema } from "effect"
import { isObject, type JsonObject, parseJson, textOf } from "./json.ts"
import { compareVersions, supportedVersions } from "./version.ts"

/** A configuration file that no network can be made of. */
export class NetworkConfigError extends Schema.TaggedError<NetworkConfigError>()("NetworkConfigError", {
  /** The file. */
  source: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `network configuration ${this.source}: ${this.detail}`
  }
}

export interface NetworkPlugin {
  /** Name of the plugin's program. */
  readonly type: string
  /** What the plugin wants to be told about each pod: names of keys of `runtimeConfig`. */
  readonly capabilities: ReadonlyArray<string>
  /** All its fields, as written. */
  readonly fields: JsonObject
}

export interface NetworkList {
  readonly source: string
  readonly name: string
  /** Newest first; at least one. */
  readonly versions: ReadonlyArray<string>
  readonly disableCheck: boolean
  readonly disableGc: boolean
  readonly plugins: ReadonlyArray<NetworkPlugin>
  /** Folders that its plugins are in; absent where whoever runs them knows. */
  readonly binDirs?: ReadonlyArray<string>
}

export interface ConfigFile {
  readonly path: string
  readonly text: string
}

const extensions = [".conf", ".conflist", ".json"]

/** Whether a file of the configuration folder is one that runtimes read. */
export const isConfigName = (name: string): boolean => extensions.some((extension) => name.endsWith(extension))

export const isListName = (name: string): boolean => name.endsWith(".conflist")

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

const isTrue = (value: unknown): boolean => value === true || value === "true"

const versionsOf = (config: JsonObject): Result.Result<ReadonlyArray<string>, string> => {
  const offered = [config["cniVersion"], ...(Array.isArray(config["cniVersions"]) ? config["cniVersions"] : [])]
    .filter((version): version is string => typeof version === "string" && version !== "")
  if (offered.length === 0) return Result.fail("cniVersion is missing")
  const known = [...new Set(offered)].filter((version) => supportedVersions.includes(version))
  return known.length === 0
    ? Result.fail(`cniVersion ${offered.join(", ")} is not supported; ${supportedVersions.join(", ")} are`)
    : Result.succeed(known.sort((a, b) => compareVersions(b, a)))
}

const pluginOf = (value: unknown, where: string): Result.Result<NetworkPlugin, string> => {
  if (!isObject(value)) return Result.fail(`${where} is no object`)
  const type = textOf(value["type"])
  if (type === "") return Result.fail(`${where} has no type`)
  if (type.includes("/") || type === "." || type === "..") {
    return Result.fail(`${where}: type "${type}" is no file name`)
  }
  const capabilities = isObject(value["capabilities"]) ? Object.entries(value["capabilities"]) : []
  return Result.succeed({
    type,
    capabilities: capabilities.filter(([, wanted]) => wanted === true).map(([name]) => name),
    fields: value
  })
}

const nameOf = (config: JsonObject): Result.Result<string, string> => {
  const name = textOf(config["name"])
  if (name === "") return Result.fail("name is missing")
  return namePattern.test(name) ? Result.succeed(name) : Result.fail(`name "${name}" is not valid`)
}

const objectOf = (text: string): Result.Result<JsonObject, string> =>
  Result.flatMap(parseJson(text), (value) => isObject(value) ? Result.succeed(value) : Result.fail("it is no object"))

const listOf = (source: string, config: JsonObject, added: ReadonlyArray<ConfigFile>) =>
  Result.gen(function*() {
    const inline = Array.isArray(config["plugins"]) ? config["plugins"] : []
    const plugins: Array<NetworkPlugin> = []
    for (const [index, value] of inline.entries()) plugins.push(yield* pluginOf(value, `plugins[${index}]`))
    if (!isTrue(config["loadOnlyInlinedPlugins"])) {
      for (const { path, text } of added) {
        plugins.push(yield* pluginOf(yield* Result.mapError(objectOf(text), (detail) => `${path}: ${detail}`), path))
      }
    }
    if (plugins.length === 0) return yield* Result.fail("it has no plugins")
    return {
      source,
      name: yield* nameOf(config),
      versions: yield* versionsOf(config),
      disableCheck: isTrue(config["disableCheck"]),
      disableGc: isTrue(config["disableGC"]),
      plugins
    }
  })

const singleOf = (source: string, config: JsonObject) =>
  Result.gen(function*() {
    if (Array.isArray(config["plugins"])) return yield* Result.fail("a list of plugins belongs into a .conflist file")
    const plugin = yield* Result.mapError(pluginOf(config, "it"), (detail) => detail)
    const { capabilities: _, cniVersion: __, cniVersions: ___, name: ____, ...fields } = config
    return {
      source,
      name: yield* nameOf(config),
      versions: yield* versionsOf(config),
      disableCheck: false,
      disableGc: false,
      plugins: [{ ...plugin, fields }]
    }
  })

/** `added`: the files of the folder beside a list that bears the network's name, in order of their names (CNI 1.1). */
export const parseNetwork = (
  { path, text }: ConfigFile,
  added: ReadonlyArray<ConfigFile> = []
): Result.Result<NetworkList, NetworkConfigError> =>
  Result.gen(function*() {
    const config = yield* objectOf(text)
    const list: NetworkList = yield* isListName(path) ? listOf(path, config, added) : singleOf(path, config)
    return list
  }).pipe(Result.mapError((detail) => new NetworkConfigError({ source: path, detail })))

/** The name that a list file gives its network: what its folder of added plugins is called. Empty when it has none. */
export const addedPluginsFolder = ({ path, text }: ConfigFile): string => {
  const config = Result.getOrUndefined(objectOf(text))
  if (!isListName(path) || config === undefined || isTrue(config["loadOnlyInlinedPlugins"])) return ""
  return Result.getOrElse(nameOf(config), () => "")
}

/** A network as an object of the API holds it: in either form, and by the object's name where it has none of its own. */
export const parseDefinition = (
  { name, source, text }: { readonly source: string; readonly name: string; readonly text: string }
): Result.Result<NetworkList, NetworkConfigError> =>
  Result.gen(function*() {
    const config: JsonObject = { name, ...(yield* objectOf(text)) }
    const { cniVersion, name: own, ...plugin } = config
    return yield* listOf(
      source,
      Array.isArray(config["plugins"]) ? config : { cniVersion, name: own, plugins: [plugin] },
      []
    )
  }).pipe(Result.mapError((detail) => new NetworkConfigError({ source, detail })))
