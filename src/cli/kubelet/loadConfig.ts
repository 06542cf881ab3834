/**
 * Reads the configuration of a node from its files: `--config`, then the drop-ins of `--config-dir` (parity A2, A3), and
 * puts the flags over them. Every failure names the file.
 */
import { Effect, FileSystem, Path, type PlatformError } from "effect"
import * as Yaml from "yaml"
import { isJsonObject, KubeletConfigError } from "../../domain/kubeletConfig/decode.ts"
import { type ConfigSource, effectiveConfig, resolvePaths } from "../../domain/kubeletConfig/layering.ts"
import type { Invocation } from "./invocation.ts"

/** The configuration that files and flags make together. */
export const loadConfig = Effect.fn("loadConfig")(function*({ options, settings }: Invocation) {
  const file = options.config === "" ? undefined : yield* readSource(options.config)
  const dropIns = options.configDir === "" ? [] : yield* readDropIns(options.configDir)
  return yield* Effect.fromResult(effectiveConfig({ file, dropIns, flags: settings }))
})

/** One document, with its relative paths made absolute. */
const readSource = Effect.fnUntraced(function*(name: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const source = path.resolve(name)
  const text = yield* fs.readFileString(source).pipe(Effect.mapError(unreadable(source)))
  const document = yield* Effect.try({
    // YAML 1.1, as Kubernetes' own reader: `yes` and `0644` mean what they mean there.
    try: (): unknown => Yaml.parse(text, { version: "1.1", merge: true }),
    catch: (cause) => problem(source, cause instanceof Error ? firstLine(cause.message) : String(cause))
  })
  if (!isJsonObject(document)) return yield* problem(source, "the document is not an object")
  const folder = path.dirname(source)
  const found: ConfigSource = { source, document: resolvePaths(document, (relative) => path.resolve(folder, relative)) }
  return found
})

/** All `*.conf` below the folder, in the order of their paths. */
const readDropIns = Effect.fnUntraced(function*(name: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = path.resolve(name)
  const names = yield* fs.readDirectory(folder, { recursive: true }).pipe(Effect.mapError(unreadable(folder)))
  // By UTF-16 order, not by locale: every machine must merge in the same order.
  const ordered = names.filter((entry) => entry.endsWith(".conf")).sort()
  return yield* Effect.forEach(ordered, (entry) => readSource(path.join(folder, entry)))
})

const problem = (source: string, what: string) => new KubeletConfigError({ source, problems: [what] })

const unreadable = (source: string) => (error: PlatformError.PlatformError) =>
  problem(source, error.reason._tag === "NotFound" ? "no such file or directory" : firstLine(error.message))

const firstLine = (text: string): string => text.split("\n")[0] ?? text
