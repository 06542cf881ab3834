/** The server's certificate authority: certificates for the server itself and for kubelets that ask. */
import type * as X from "@peculiar/x509"
import { Effect } from "effect"
import { webcrypto } from "node:crypto"
import { x509 } from "../../certificates/x509Library.ts"

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }

const subjectAlternativeName = "2.5.29.17"

const hourMs = 3_600_000
const yearMs = 365 * 24 * hourMs
/** Of a life shorter than this the time before now would be too great a part: clients renew by how much is over. */
const shortMs = 8 * hourMs

export interface Certified {
  /** PEM */
  readonly certificate: string
  readonly key: string
}

export interface Authority {
  /** The root certificate, PEM. */
  readonly certificate: string
  /** A key and a certificate for a server that is reached under these names and addresses. */
  readonly serve: (hosts: ReadonlyArray<string>) => Effect.Effect<Certified>
  /** A key and a certificate for a client, by its subject. */
  readonly client: (subject: string) => Effect.Effect<Certified>
  /** Signs a request of PKCS #10 (PEM); what it asks for by way of names is granted. */
  readonly sign: (
    request: string,
    usages: ReadonlyArray<string>,
    lifeMs: number,
    backdateMs?: number
  ) => Effect.Effect<string, Error>
}

const newKeys = Effect.promise(() => webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]))

const pemOfKey = (key: webcrypto.CryptoKey) =>
  Effect.promise(() => webcrypto.subtle.exportKey("pkcs8", key)).pipe(
    Effect.map((bytes) => x509.PemConverter.encode(bytes, "PRIVATE KEY"))
  )

const keyUsages: ReadonlyMap<string, X.KeyUsageFlags> = new Map([
  ["digital signature", x509.KeyUsageFlags.digitalSignature],
  ["key encipherment", x509.KeyUsageFlags.keyEncipherment]
])

const extendedUsages: ReadonlyMap<string, string> = new Map([
  ["client auth", x509.ExtendedKeyUsage.clientAuth],
  ["server auth", x509.ExtendedKeyUsage.serverAuth]
])

const usageExtensions = (usages: ReadonlyArray<string>): ReadonlyArray<X.Extension> => {
  const flags = usages.reduce((sum, usage) => sum | (keyUsages.get(usage) ?? 0), 0)
  const purposes = usages.flatMap((usage) => extendedUsages.get(usage) ?? [])
  return [
    new x509.KeyUsagesExtension(flags === 0 ? x509.KeyUsageFlags.digitalSignature : flags, true),
    ...(purposes.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(purposes)]),
    new x509.BasicConstraintsExtension(false, undefined, true)
  ]
}

const alternatives = (hosts: ReadonlyArray<string>): X.Extension =>
  new x509.SubjectAlternativeNameExtension(
    hosts.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? "ip" as const : "dns" as const, value }))
  )

const failure = (cause: unknown): Error => cause instanceof Error ? cause : new Error(String(cause))

const readRequest = (pem: string) => Effect.try({ try: () => new x509.Pkcs10CertificateRequest(pem), catch: failure })

export const makeAuthority = Effect.fn("Authority.make")(function*(nowMs: () => number, serial: () => string) {
  const keys = yield* newKeys
  // Clients whose clock is behind shall take it too.
  const validity = (lifeMs: number, backdateMs = lifeMs < shortMs ? 0 : hourMs) => ({
    notBefore: new Date(nowMs() - backdateMs),
    // Certificates know whole seconds only: a short life is not to lose a part of its last one.
    notAfter: new Date(Math.ceil((nowMs() + lifeMs) / 1000) * 1000)
  })
  const root = yield* Effect.promise(() =>
    x509.X509CertificateGenerator.createSelfSigned({
      ...validity(10 * yearMs),
      serialNumber: serial(),
      name: "CN=kubernetes",
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true)
      ]
    })
  )
  const certify = (
    subject: string,
    publicKey: X.PublicKeyType,
    extensions: ReadonlyArray<X.Extension>,
    lifeMs: number,
    backdateMs?: number
  ) =>
    Effect.tryPromise({
      try: () =>
        x509.X509CertificateGenerator.create({
          ...validity(lifeMs, backdateMs),
          serialNumber: serial(),
          subject,
          issuer: root.subject,
          publicKey,
          signingKey: keys.privateKey,
          signingAlgorithm: algorithm,
          extensions: [...extensions]
        }),
      catch: failure
    }).pipe(Effect.map((certificate) => `${certificate.toString("pem")}\n`))
  const issue = Effect.fnUntraced(function*(subject: string, extensions: ReadonlyArray<X.Extension>) {
    const own = yield* newKeys
    const certificate = yield* Effect.orDie(certify(subject, own.publicKey, extensions, yearMs))
    return { certificate, key: yield* pemOfKey(own.privateKey) }
  })
  const authority: Authority = {
    certificate: `${root.toString("pem")}\n`,
    serve: Effect.fn("Authority.serve")((hosts: ReadonlyArray<string>) =>
      issue("CN=kube-apiserver", [...usageExtensions(["digital signature", "server auth"]), alternatives(hosts)])
    ),
    client: Effect.fn("Authority.client")((subject: string) =>
      issue(subject, usageExtensions(["digital signature", "client auth"]))
    ),
    sign: Effect.fn("Authority.sign")(
      function*(pem: string, usages: ReadonlyArray<string>, lifeMs: number, backdateMs?: number) {
        const request = yield* readRequest(pem)
        const names = request.getExtension(subjectAlternativeName)
        const extensions = [...usageExtensions(usages), ...(names === null ? [] : [names])]
        return yield* certify(request.subject, request.publicKey, extensions, lifeMs, backdateMs)
      }
    )
  }
  return authority
})
