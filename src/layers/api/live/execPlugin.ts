/**
 * Credentials from a program (client.authentication.k8s.io): runs it without a terminal, keeps what it printed until
 * that expires, and runs it again when the server refused it. Never two runs at a time.
 */
import { Clock, Effect, Schema, Semaphore, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import type { ExecPlugin, ServerAccess } from "../Kubeconfig.ts"

/** The plugin gave no credential. `detail` ends with the kubeconfig's install hint. */
export class ExecPluginError extends Schema.TaggedError<ExecPluginError>()("ExecPluginError", {
  command: Schema.String,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `credential plugin ${this.command}: ${this.detail}`
  }
}

export interface ExecCredential {
  readonly token?: string
  readonly clientCertificate?: { readonly cert: string; readonly key: string }
}

/** A plugin that asks a slow service needs some seconds; one that hangs must not hold the node for ever. */
const deadlineMs = 60_000

const Output = Schema.fromJsonString(Schema.toCodecGoJson(Schema.Struct({
  apiVersion: Schema.String,
  kind: Schema.String,
  status: Schema.Struct({
    expirationTimestamp: Schema.optionalKey(Schema.String),
    token: Schema.optionalKey(Schema.String),
    clientCertificateData: Schema.optionalKey(Schema.String),
    clientKeyData: Schema.optionalKey(Schema.String)
  })
})))

const execInfo = (plugin: ExecPlugin, access: ServerAccess, caPem: string | undefined): string =>
  JSON.stringify({
    kind: "ExecCredential",
    apiVersion: plugin.apiVersion,
    spec: {
      interactive: false,
      ...(plugin.clusterInfo !== undefined && {
        cluster: {
          server: access.server,
          ...(access.serverName !== undefined && { "tls-server-name": access.serverName }),
          ...(access.insecure && { "insecure-skip-tls-verify": true }),
          ...(caPem !== undefined && { "certificate-authority-data": Buffer.from(caPem).toString("base64") }),
          ...(access.proxyUrl !== undefined && { "proxy-url": access.proxyUrl }),
          ...(plugin.clusterInfo.config !== undefined && { config: plugin.clusterInfo.config })
        }
      })
    }
  })

interface Held {
  readonly credential: ExecCredential
  /** Milliseconds since the epoch; infinite when the plugin did not say. */
  readonly expiresAt: number
}

const collect = <E>(stream: Stream.Stream<Uint8Array, E>) => Stream.mkString(Stream.decodeText(stream))

/** Runs the plugin once. */
const run = Effect.fn("ExecPlugin.run")(
  function*(plugin: ExecPlugin, info: string, spawner: ChildProcessSpawner.ChildProcessSpawner["Service"]) {
    const fail = (detail: string, cause?: unknown) =>
      new ExecPluginError({
        command: plugin.command,
        detail: plugin.installHint === "" ? detail : `${detail}\n${plugin.installHint}`,
        ...(cause !== undefined && { cause })
      })
    const child = yield* spawner.spawn(
      ChildProcess.make(plugin.command, plugin.args, {
        env: { ...plugin.env, KUBERNETES_EXEC_INFO: info },
        extendEnv: true,
        stdin: "ignore",
        forceKillAfter: "2 seconds"
      })
    ).pipe(Effect.mapError((cause) => fail(cause.message, cause)))
    const [output, complaint, code] = yield* Effect.all(
      [collect(child.stdout), collect(child.stderr), child.exitCode],
      {
        concurrency: "unbounded"
      }
    ).pipe(Effect.mapError((cause) => fail(cause.message, cause)))
    if (code !== 0) return yield* fail(`exited with ${code}: ${complaint.trim()}`)
    const { apiVersion, status } = yield* Schema.decodeUnknownEffect(Output)(output).pipe(
      Effect.mapError((cause) => fail(`printed no ExecCredential: ${cause.message}`, cause))
    )
    if (apiVersion !== plugin.apiVersion) {
      return yield* fail(`answered in ${apiVersion}, the kubeconfig asks for ${plugin.apiVersion}`)
    }
    const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = status
    if ((cert === undefined) !== (key === undefined)) return yield* fail("gave half of a certificate and key pair")
    if (token === undefined && cert === undefined) return yield* fail("gave neither a token nor a certificate")
    const expiresAt = expirationTimestamp === undefined ? Number.POSITIVE_INFINITY : Date.parse(expirationTimestamp)
    if (Number.isNaN(expiresAt)) return yield* fail(`expirationTimestamp "${expirationTimestamp}" is not a time`)
    return {
      credential: {
        ...(token !== undefined && { token }),
        ...(cert !== undefined && key !== undefined && { clientCertificate: { cert, key } })
      },
      expiresAt
    }
  },
  Effect.scoped,
  (effect, plugin) =>
    Effect.timeoutOrElse(effect, {
      duration: deadlineMs,
      orElse: () =>
        Effect.fail(
          new ExecPluginError({ command: plugin.command, detail: `did not answer within ${deadlineMs / 1000} s` })
        )
    })
)

/** The plugin's credential, run when there is none or it expired; `forget` makes the next use run it again. */
export const make = Effect.fnUntraced(function*(
  plugin: ExecPlugin,
  access: ServerAccess,
  caPem: Effect.Effect<string | undefined>
) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const one = yield* Semaphore.make(1)
  let held: Held | undefined
  const credential = one.withPermits(1)(Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    if (held !== undefined && now < held.expiresAt) return held.credential
    held = yield* run(plugin, execInfo(plugin, access, yield* caPem), spawner)
    return held.credential
  }))
  return { credential, forget: Effect.sync(() => (held = undefined)) }
})
