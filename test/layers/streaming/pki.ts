/** A certificate authority for tests: signs what it is told, the expired and the misused among it. */
import "reflect-metadata"
import * as x509 from "@peculiar/x509"
import { Effect } from "effect"
import { randomBytes, webcrypto } from "node:crypto"

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }
const newKeys = () => webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])

export interface Pair {
  readonly cert: string
  readonly key: string
}

const toPair = async (certificate: x509.X509Certificate, key: webcrypto.CryptoKey): Promise<Pair> => ({
  cert: certificate.toString("pem"),
  key: x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")
})

export interface LeafOptions {
  readonly name: string
  readonly usage?: "client" | "server"
  /** Relative to now. */
  readonly fromMs?: number
  readonly toMs?: number
}

export interface Authority extends Pair {
  readonly sign: (options: LeafOptions) => Effect.Effect<Pair>
}

export const authority = (name: string): Effect.Effect<Authority> =>
  Effect.promise(async () => {
    const keys = await newKeys()
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: randomBytes(8).toString("hex"),
      name: `CN=${name}`,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 3_600_000),
      signingAlgorithm: algorithm,
      keys,
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true)]
    })
    const sign = ({ fromMs = -60_000, name, toMs = 3_600_000, usage = "client" }: LeafOptions) =>
      Effect.promise(async () => {
        const leaf = await newKeys()
        return toPair(
          await x509.X509CertificateGenerator.create({
            serialNumber: randomBytes(8).toString("hex"),
            subject: name,
            issuer: certificate.subject,
            notBefore: new Date(Date.now() + fromMs),
            notAfter: new Date(Date.now() + toMs),
            signingAlgorithm: algorithm,
            publicKey: leaf.publicKey,
            signingKey: keys.privateKey,
            extensions: [
              new x509.ExtendedKeyUsageExtension([
                usage === "client" ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth
              ]),
              new x509.SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])
            ]
          }),
          leaf.privateKey
        )
      })
    return { ...await toPair(certificate, keys.privateKey), sign }
  })
