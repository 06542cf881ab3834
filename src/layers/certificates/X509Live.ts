/** Keys of the curve P-256 and what is made of them, with Node's own cryptography. */
import { Effect, Layer } from "effect"
import { createHash, createPrivateKey, createPublicKey, generateKeyPair, X509Certificate } from "node:crypto"
import { isIP } from "node:net"
import { createSecureContext } from "node:tls"
import type { CertificateFacts } from "../../domain/certificates/template.ts"
import { type Subject, X509, X509Error } from "./X509.ts"

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }

const failed = (op: string) => (cause: unknown): X509Error =>
  new X509Error({ op, detail: cause instanceof Error ? cause.message : String(cause), cause })

const newKey = Effect.callback<string, X509Error>((resume) => {
  generateKeyPair("ec", { namedCurve: "P-256" }, (error, _publicKey, key) =>
    resume(
      error === null
        // The form in which the kubelet writes them.
        ? Effect.succeed(key.export({ type: "sec1", format: "pem" }).toString())
        : Effect.fail(failed("make a key")(error))
    ))
})

const request = (key: string, subject: Subject): Effect.Effect<string, X509Error> =>
  Effect.tryPromise({
    try: async () => {
      // Loaded when a certificate has to be asked for, which most starts do not do.
      const { x509 } = await import("./x509Library.ts")
      const privateKey = createPrivateKey(key)
      const names = [
        ...subject.dnsNames.map((value) => ({ type: "dns" as const, value })),
        ...subject.ips.map((value) => ({ type: "ip" as const, value }))
      ]
      const made = await x509.Pkcs10CertificateRequestGenerator.create({
        name: [{ O: [subject.organization] }, { CN: [subject.commonName] }],
        keys: {
          privateKey: privateKey.toCryptoKey(algorithm, false, ["sign"]),
          publicKey: createPublicKey(privateKey).toCryptoKey(algorithm, true, ["verify"])
        },
        signingAlgorithm: algorithm,
        extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]
      })
      return `${made.toString("pem")}\n`
    },
    catch: failed("make a request")
  })

const fingerprint = (key: string) =>
  Effect.try({
    try: () =>
      createHash("sha256").update(createPublicKey(createPrivateKey(key)).export({ type: "spki", format: "der" }))
        .digest("hex"),
    catch: failed("read a key")
  })

/** `FD00:0:0:0:0:0:0:1` as `fd00::1`. */
const shortest = (ip: string): string => isIP(ip) === 6 ? new URL(`http://[${ip}]`).hostname.slice(1, -1) : ip

const factsOf = (pem: string): CertificateFacts => {
  const certificate = new X509Certificate(pem)
  const fields = certificate.subject.split("\n")
  const field = (name: string) =>
    fields.flatMap((line) => line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : [])
  const names = (certificate.subjectAltName ?? "").split(", ")
  const named = (kind: string) =>
    names.flatMap((name) => name.startsWith(`${kind}:`) ? [name.slice(kind.length + 1)] : [])
  return {
    commonName: field("CN")[0] ?? "",
    organizations: field("O"),
    dnsNames: named("DNS"),
    ips: named("IP Address").map(shortest),
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo)
  }
}

export const layer: Layer.Layer<X509> = Layer.succeed(X509)(X509.of({
  newKey,
  request: Effect.fn("X509.request")(request),
  fingerprint: Effect.fn("X509.fingerprint")(fingerprint),
  read: Effect.fn("X509.read")((pem: string) =>
    Effect.try({ try: () => factsOf(pem), catch: failed("read a certificate") })
  ),
  checkPair: Effect.fn("X509.checkPair")((pair: { readonly cert: string; readonly key: string }) =>
    Effect.try({
      try: () => {
        createSecureContext(pair)
        // It takes empty texts for nothing to check.
        if (!new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key))) {
          throw new Error("the key is another one's")
        }
      },
      catch: failed("use certificate and key together")
    })
  )
}))
