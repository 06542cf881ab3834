/**
 * Credential provider plugins as programs: the request to their standard input, the answer from their output. Their
 * configuration is a file, or a folder of them, read once when the layer is made.
 */
import { Effect, Layer, Metric, Result } from "effect"
import { createHash } from "node:crypto"
import * as Yaml from "yaml"
import { Permanent } from "../../domain/failure.ts"
import { type CredentialRequest, readAnswer, requestText } from "../../domain/images/credentialAnswers.ts"
import {
  CredentialConfigError,
  type CredentialProvider,
  readProviders
} from "../../domain/images/credentialProviders.ts"
import { type HostFileError, HostFiles } from "../host/HostFiles.ts"
import { type ProcessError, Processes } from "../host/Processes.ts"
import { CredentialPluginError, CredentialPlugins } from "./CredentialPlugins.ts"

export interface CredentialPluginsOptions {
  /** `--image-credential-provider-config`; no plugins when this and `binDir` are empty. */
  readonly config: string
  /** `--image-credential-provider-bin-dir` */
  readonly binDir: string
  /** The gate `KubeletServiceAccountTokenForCredentialProviders`. */
  readonly tokensAllowed: boolean
}

const runMs = 60_000
const isConfigFile = (name: string): boolean => /\.(json|ya?ml)$/.test(name)

const problem = (source: string, what: string) => new CredentialConfigError({ source, problems: [what] })
const unreadable = (source: string) => ({ code, detail }: HostFileError) =>
  problem(source, code === "ENOENT" ? "no such file or directory" : detail)

const documents = Effect.fnUntraced(function*(place: string) {
  const files = yield* HostFiles
  const { type } = yield* files.stat(place).pipe(Effect.mapError(unreadable(place)))
  const names = type !== "directory"
    ? [place]
    : (yield* files.readDirectory(place).pipe(Effect.mapError(unreadable(place))))
      .filter(isConfigFile)
      .map((name) => `${place}/${name}`)
  if (names.length === 0) return yield* problem(place, "no configuration files found in directory")
  return yield* Effect.forEach(names, (source) =>
    files.readText(source).pipe(
      Effect.mapError(unreadable(source)),
      Effect.flatMap((text) =>
        Effect.try({
          try: () => ({ source, text, document: Yaml.parse(text, { version: "1.1", merge: true }) as unknown }),
          catch: (cause) => problem(source, String(cause).split("\n")[0] ?? "")
        })
      )
    ))
})

const configInfo = Metric.gauge("kubelet_credential_provider_config_info", {
  description: "Information about the last applied credential provider configuration with hash as label"
})

/** Of all files in their order, each with its length before it: where one ends and the next begins counts, too. */
const hashOf = (texts: ReadonlyArray<string>): string => {
  const hash = createHash("sha256")
  for (const text of texts) {
    const data = Buffer.from(text)
    const length = Buffer.alloc(8)
    length.writeBigUInt64BE(BigInt(data.length))
    hash.update(length).update(data)
  }
  return `sha256:${hash.digest("hex")}`
}

/** A plugin that is not there is found out at start, not with the first pull. */
const checkProgram = Effect.fnUntraced(function*(path: string) {
  const files = yield* HostFiles
  const stat = yield* files.stat(path).pipe(
    Effect.mapError(({ code, detail }) =>
      problem(
        path,
        code === "ENOENT"
          ? `plugin binary executable ${path} did not exist`
          : `error inspecting binary executable ${path}: ${detail}`
      )
    )
  )
  if (stat.type === "file" && (stat.mode & 0o111) !== 0) return
  return yield* problem(path, `error inspecting binary executable ${path}: permission denied`)
})

const load = Effect.fn("CredentialPlugins.load")(
  function*({ binDir, config, tokensAllowed }: CredentialPluginsOptions) {
    if (config === "" && binDir === "") return []
    const files = yield* HostFiles
    const isThere = binDir !== "" && (yield* files.exists(binDir).pipe(Effect.mapError(unreadable(binDir))))
    if (!isThere) return yield* problem(binDir, `plugin binary directory ${binDir} did not exist`)
    if (config === "") return yield* problem(config, "credential provider config path is empty")
    const found = yield* documents(config)
    yield* Metric.update(Metric.withAttributes(configInfo, { hash: hashOf(found.map(({ text }) => text)) }), 1)
    const providers = yield* Effect.fromResult(readProviders(found, { place: config, tokensAllowed }))
    yield* Effect.forEach(providers, ({ name }) => checkProgram(`${binDir}/${name}`), { discard: true })
    return providers
  }
)

export const layer = (
  options: CredentialPluginsOptions
): Layer.Layer<CredentialPlugins, CredentialConfigError, HostFiles | Processes> =>
  Layer.effect(
    CredentialPlugins,
    Effect.gen(function*() {
      const processes = yield* Processes
      const providers = yield* load(options)

      const failed = ({ name }: CredentialProvider, image: string) => (error: ProcessError) =>
        new CredentialPluginError({
          plugin: name,
          image,
          reason: error.reason,
          detail: `error execing credential provider plugin ${name} for image ${image}: ${error.detail}`,
          cause: error
        })

      const ask = Effect.fn("CredentialPlugins.ask")(function*(
        provider: CredentialProvider,
        request: CredentialRequest
      ) {
        const { args, env, name } = provider
        const { image } = request
        const useless = (detail: string) =>
          new CredentialPluginError({ plugin: name, image, reason: new Permanent(), detail })
        const { exitCode, stderr, stdout } = yield* processes.run({
          command: `${options.binDir}/${name}`,
          args,
          // The host's own variables with those of the configuration over them: proxies and the like are set there.
          env: { ...hostEnvironment(), ...env },
          stdin: requestText(provider, request),
          timeoutMs: runMs
        }).pipe(Effect.mapError(failed(provider, image)))
        if (exitCode !== 0) {
          return yield* useless(
            `error execing credential provider plugin ${name} for image ${image}: exit status ${exitCode}: ${stderr}`
          )
        }
        const answer = readAnswer(provider, stdout)
        return Result.isSuccess(answer) ? answer.success : yield* useless(answer.failure)
      })

      return CredentialPlugins.of({ providers, ask })
    })
  )

const hostEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => value === undefined ? [] : [[name, value]])
  )

/** A node without plugins. */
export const layerNone: Layer.Layer<CredentialPlugins> = Layer.succeed(
  CredentialPlugins,
  CredentialPlugins.of({ providers: [], ask: ({ name }) => Effect.die(new Error(`no credential plugin ${name}`)) })
)
