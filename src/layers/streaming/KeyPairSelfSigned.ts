/** A key pair that the node signs itself, made once and kept as `kubelet.crt` and `kubelet.key` (A13). */
import { Clock, Effect, Layer, Option, Stream } from "effect"
import { randomBytes, webcrypto, X509Certificate } from "node:crypto"
import { isIP } from "node:net"
import { join } from "node:path"
import { HostFiles } from "../host/HostFiles.ts"
import { checkKeyPair } from "./live/keyPair.ts"
import { type KeyPair, KeyPairError, ServingKeyPair } from "./ServingKeyPair.ts"

export interface SelfSignedOptions {
  /** `--cert-dir`, `R/pki`. */
  readonly directory: string
  readonly hostname: string
  /** The node's addresses, to be named in the certificate beside the host's name. */
  readonly addresses: ReadonlyArray<string>
}

const lifeMs = 365 * 24 * 3_600_000
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }

export const layer = (options: SelfSignedOptions): Layer.Layer<ServingKeyPair, KeyPairError, HostFiles> =>
  Layer.effect(ServingKeyPair)(Effect.gen(function*() {
    const files = yield* HostFiles
    const certFile = join(options.directory, "kubelet.crt")
    const keyFile = join(options.directory, "kubelet.key")
    const kept = yield* Effect.all([files.readText(certFile), files.readText(keyFile)]).pipe(
      Effect.flatMap(([cert, key]) => checkKeyPair(certFile, { cert, key })),
      Effect.option
    )
    const now = yield* Clock.currentTimeMillis
    const pair = yield* Option.match(Option.filter(kept, ({ cert }) => isValid(cert, now)), {
      onSome: Effect.succeed,
      onNone: () =>
        Effect.gen(function*() {
          yield* Effect.logInfo(`Using a self-signed serving certificate, ${certFile}`)
          const made = yield* sign(options, now)
          yield* files.makeDirectory(options.directory, { mode: 0o750, recursive: true })
          yield* files.writeFileAtomic(keyFile, made.key, { mode: 0o600 })
          yield* files.writeFileAtomic(certFile, made.cert, { mode: 0o644 })
          return made
        }).pipe(
          Effect.catchTag("HostFileError", (cause) =>
            Effect.fail(new KeyPairError({ target: cause.path, detail: cause.detail, cause })))
        )
    })
    return ServingKeyPair.of({ current: Effect.succeedSome(pair), changes: Stream.never })
  }))

const isValid = (pem: string, nowMs: number): boolean => {
  const { validFrom, validTo } = new X509Certificate(pem)
  return Date.parse(validFrom) <= nowMs && nowMs < Date.parse(validTo)
}

const sign = ({ addresses, hostname }: SelfSignedOptions, nowMs: number): Effect.Effect<KeyPair, KeyPairError> =>
  Effect.tryPromise({
    try: async () => {
      // Loaded when a certificate has to be made, which most starts do not do.
      const { x509 } = await import("../certificates/x509Library.ts")
      const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
      const certificate = await x509.X509CertificateGenerator.createSelfSigned({
        // Positive, and unlike any before.
        serialNumber: `01${randomBytes(15).toString("hex")}`,
        name: `CN=${hostname}@${Math.floor(nowMs / 1000)}`,
        // Clients whose clock is behind are to take it as well.
        notBefore: new Date(nowMs - 3_600_000),
        notAfter: new Date(nowMs + lifeMs),
        signingAlgorithm: algorithm,
        keys,
        extensions: [
          new x509.BasicConstraintsExtension(true, undefined, true),
          new x509.KeyUsagesExtension(
            x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment | x509.KeyUsageFlags.keyCertSign,
            true
          ),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          new x509.SubjectAlternativeNameExtension(
            [...new Set([hostname, ...addresses])].map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value }))
          )
        ]
      })
      const key = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)
      return { cert: `${certificate.toString("pem")}\n`, key: `${x509.PemConverter.encode(key, "PRIVATE KEY")}\n` }
    },
    catch: (cause) =>
      new KeyPairError({
        target: hostname,
        detail: `could not be made: ${cause instanceof Error ? cause.message : String(cause)}`,
        cause
      })
  })
