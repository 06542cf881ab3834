/**
 * Reads a kubeconfig and says how to reach one API server as one user (A10). Everything wrong with the file is found
 * here and named by file and field; `$KUBECONFIG` is never looked at.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Effect, FileSystem, Result, Schema, SchemaIssue } from "effect"
import * as NodePath from "node:path"
import { parseDocument } from "yaml"
import { type ClusterFields, type ExecFields, KubeconfigFile, type UserFields } from "./KubeconfigFile.ts"

/** The kubeconfig cannot be used. `field` is a path such as `contexts[0].context.cluster`, empty for the whole file. */
export class KubeconfigError extends Schema.TaggedError<KubeconfigError>()("KubeconfigError", {
  path: Schema.String,
  field: Schema.String,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `kubeconfig ${this.path}: ${this.field === "" ? "" : `${this.field}: `}${this.detail}`
  }
}

/** PEM text: given in place, or in a file that may be replaced while the agent runs. */
export type Material = { readonly _tag: "Inline"; readonly pem: string } | {
  readonly _tag: "File"
  readonly path: string
}

/** A program that prints an `ExecCredential`. */
export interface ExecPlugin {
  readonly apiVersion: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  readonly installHint: string
  /** The cluster told to the plugin, when it asked for it by `provideClusterInfo`. */
  readonly clusterInfo?: { readonly config?: unknown }
}

export interface UserAccess {
  readonly clientCertificate?: { readonly cert: Material; readonly key: Material }
  readonly token?: string
  /** Wins over `token` once it could be read. */
  readonly tokenFile?: string
  readonly basic?: { readonly username: string; readonly password: string }
  readonly exec?: ExecPlugin
}

/** How to reach one API server as one user. */
export interface ServerAccess {
  /** `https://host:port/prefix`, without a slash at its end. */
  readonly server: string
  /** Checked against the server's certificate instead of the host of `server`. */
  readonly serverName?: string
  readonly insecure: boolean
  readonly ca?: Material
  readonly proxyUrl?: string
  readonly user: UserAccess
}

interface Reader {
  readonly fail: (field: string, detail: string) => KubeconfigError
  /** A path in the file is relative to the folder the file is in. */
  readonly resolve: (path: string) => string
}

const makeReader = (path: string): Reader => ({
  fail: (field, detail) => new KubeconfigError({ path, field, detail }),
  resolve: (file) => NodePath.resolve(NodePath.dirname(path), file)
})

type Read<A> = Result.Result<A, KubeconfigError>

const fieldOf = (path: ReadonlyArray<PropertyKey>): string =>
  path.map((key, i) => typeof key === "number" ? `[${key}]` : `${i === 0 ? "" : "."}${String(key)}`).join("")

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

const parseFile = (text: string, path: string): Read<KubeconfigFile> => {
  const { fail } = makeReader(path)
  const document = parseDocument(text)
  const broken = document.errors[0]
  if (broken !== undefined) return Result.fail(fail("", broken.message.split("\n")[0] ?? "not YAML"))
  const content: unknown = document.toJS()
  if (content === null || content === undefined) return Result.fail(fail("", "the file is empty"))
  return Schema.decodeUnknownResult(KubeconfigFile)(content, { errors: "first" }).pipe(
    Result.mapError((error) => {
      const issue = formatIssue(error.issue).issues[0]
      const issuePath = (issue?.path ?? []).map((part) => typeof part === "object" ? part.key : part)
      return fail(fieldOf(issuePath), issue?.message ?? error.message)
    })
  )
}

const filled = (value: string | undefined): value is string => value !== undefined && value !== ""

/** PEM given as base64 wins over a path, as in every Kubernetes client. */
const material = (reader: Reader, at: string, field: string, data: string | undefined, file: string | undefined): Read<
  Material | undefined
> => {
  if (filled(data)) {
    const pem = Buffer.from(data, "base64").toString("utf8")
    return pem.includes("-----BEGIN ")
      ? Result.succeed({ _tag: "Inline", pem })
      : Result.fail(reader.fail(`${at}.${field}-data`, "does not hold base64 of PEM text"))
  }
  return Result.succeed(filled(file) ? { _tag: "File", path: reader.resolve(file) } : undefined)
}

const isUrl = (text: string, protocols: ReadonlyArray<string>): boolean =>
  URL.canParse(text) && protocols.includes(new URL(text).protocol)

const readCluster = (reader: Reader, at: string, cluster: ClusterFields): Read<Omit<ServerAccess, "user">> =>
  Result.gen(function*() {
    const { server } = cluster
    if (!filled(server)) return yield* Result.fail(reader.fail(`${at}.server`, "not set"))
    if (!isUrl(server, ["https:", "http:"])) {
      return yield* Result.fail(reader.fail(`${at}.server`, `"${server}" is not an http or https URL`))
    }
    const proxyUrl = cluster["proxy-url"]
    if (filled(proxyUrl) && !isUrl(proxyUrl, ["http:", "https:", "socks5:"])) {
      return yield* Result.fail(reader.fail(`${at}.proxy-url`, `"${proxyUrl}" is not an http, https or socks5 URL`))
    }
    const insecure = cluster["insecure-skip-tls-verify"] === true
    const ca = yield* material(
      reader,
      at,
      "certificate-authority",
      cluster["certificate-authority-data"],
      cluster["certificate-authority"]
    )
    if (insecure && ca !== undefined) {
      return yield* Result.fail(
        reader.fail(`${at}.insecure-skip-tls-verify`, "a certificate authority is given as well: choose one")
      )
    }
    const serverName = cluster["tls-server-name"]
    return {
      server: server.replace(/\/+$/, ""),
      insecure,
      ...(filled(serverName) && { serverName }),
      ...(ca !== undefined && { ca }),
      ...(filled(proxyUrl) && { proxyUrl })
    }
  })

const execVersions = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"]

const readExec = (reader: Reader, at: string, exec: ExecFields, cluster: ClusterFields): Read<ExecPlugin> => {
  const { apiVersion, command, interactiveMode: mode } = exec
  if (!filled(command)) return Result.fail(reader.fail(`${at}.command`, "not set"))
  if (!filled(apiVersion) || !execVersions.includes(apiVersion)) {
    return Result.fail(
      reader.fail(`${at}.apiVersion`, `"${apiVersion ?? ""}" is not one of ${execVersions.join(", ")}`)
    )
  }
  if (mode === undefined ? apiVersion.endsWith("/v1") : !["Never", "IfAvailable", "Always"].includes(mode)) {
    return Result.fail(reader.fail(`${at}.interactiveMode`, "must be one of Never, IfAvailable, Always"))
  }
  if (mode === "Always") {
    return Result.fail(reader.fail(`${at}.interactiveMode`, "the plugin wants a terminal, which the agent has not"))
  }
  const extension = cluster.extensions?.find(({ name }) => name === "client.authentication.k8s.io/exec")
  return Result.succeed({
    apiVersion,
    // A bare name is searched in PATH.
    command: command.includes("/") ? reader.resolve(command) : command,
    args: exec.args ?? [],
    env: Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])),
    installHint: exec.installHint ?? "",
    ...(exec.provideClusterInfo === true && {
      clusterInfo: extension === undefined ? {} : { config: extension.extension }
    })
  })
}

const readUser = (reader: Reader, at: string, user: UserFields, cluster: ClusterFields): Read<UserAccess> =>
  Result.gen(function*() {
    if (user["auth-provider"] !== undefined) {
      return yield* Result.fail(reader.fail(`${at}.auth-provider`, "removed from Kubernetes in 1.26: use exec"))
    }
    const pem = (field: "client-certificate" | "client-key") =>
      material(reader, at, field, user[`${field}-data`], user[field])
    const cert = yield* pem("client-certificate")
    const key = yield* pem("client-key")
    if ((cert === undefined) !== (key === undefined)) {
      const [missing, present] = cert === undefined
        ? ["client-certificate", "client-key"]
        : ["client-key", "client-certificate"]
      return yield* Result.fail(reader.fail(`${at}.${missing}`, `must be set together with ${present}`))
    }
    const { token, tokenFile, username } = user
    const exec = user.exec === undefined ? undefined : yield* readExec(reader, `${at}.exec`, user.exec, cluster)
    const ways = [filled(token) || filled(tokenFile), filled(username), exec !== undefined].filter(Boolean)
    if (ways.length > 1) {
      return yield* Result.fail(reader.fail(at, "more than one of token, username and exec is given: choose one"))
    }
    return {
      ...(cert !== undefined && key !== undefined && { clientCertificate: { cert, key } }),
      ...(filled(token) && { token }),
      ...(filled(tokenFile) && { tokenFile: reader.resolve(tokenFile) }),
      ...(filled(username) && { basic: { username, password: user.password ?? "" } }),
      ...(exec !== undefined && { exec })
    }
  })

/** Understands the text of the kubeconfig at `path`; touches no file. */
export const parse = (text: string, path: string): Read<ServerAccess> =>
  Result.gen(function*() {
    const reader = makeReader(path)
    const file = yield* parseFile(text, path)
    const current = file["current-context"]
    if (!filled(current)) return yield* Result.fail(reader.fail("current-context", "not set"))
    const at = (file.contexts ?? []).findIndex(({ name }) => name === current)
    const context = file.contexts?.[at]?.context
    if (context === undefined) {
      return yield* Result.fail(reader.fail("current-context", `no context named "${current}"`))
    }
    const clusterAt = (file.clusters ?? []).findIndex(({ name }) => name === context.cluster)
    const cluster = file.clusters?.[clusterAt]?.cluster
    if (cluster === undefined) {
      return yield* Result.fail(
        reader.fail(`contexts[${at}].context.cluster`, `no cluster named "${context.cluster ?? ""}"`)
      )
    }
    const server = yield* readCluster(reader, `clusters[${clusterAt}].cluster`, cluster)
    // A context without a user is anonymous.
    if (!filled(context.user)) return { ...server, user: {} }
    const userAt = (file.users ?? []).findIndex(({ name }) => name === context.user)
    const user = file.users?.[userAt]?.user
    if (user === undefined) {
      return yield* Result.fail(reader.fail(`contexts[${at}].context.user`, `no user named "${context.user}"`))
    }
    return { ...server, user: yield* readUser(reader, `users[${userAt}].user`, user, cluster) }
  })

/** Reads the kubeconfig at `path` and checks that the files it names can be read. */
export const load = Effect.fn("Kubeconfig.load")(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  const readable = (field: string, file: string) =>
    fs.readFileString(file).pipe(
      Effect.mapError((cause) => new KubeconfigError({ path, field, detail: cause.message, cause }))
    )
  const access = yield* Effect.fromResult(parse(yield* readable("", path), path))
  const { clientCertificate, tokenFile } = access.user
  const files: ReadonlyArray<readonly [string, Material | undefined]> = [
    ["certificate-authority", access.ca],
    ["client-certificate", clientCertificate?.cert],
    ["client-key", clientCertificate?.key],
    ["tokenFile", tokenFile === undefined ? undefined : { _tag: "File", path: tokenFile }]
  ]
  for (const [field, source] of files) {
    if (source?._tag === "File") yield* readable(field, source.path)
  }
  return access
}, Effect.provide(NodeFileSystem.layer))
