/** A certificate authority for tests: PEM texts of authorities, servers and clients. */
import "reflect-metadata"
import * as x509 from "@peculiar/x509"
import { Effect } from "effect"
import { webcrypto } from "node:crypto"

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }

export interface Pair {
  readonly cert: string
  readonly key: string
}

export interface Authority extends Pair {
  /** A certificate for `subject`, valid for the names and addresses given, for servers and clients. */
  readonly issue: (subject: string, names?: ReadonlyArray<string>) => Effect.Effect<Pair>
}

const validity = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 86_400_000) }

const newKeys = Effect.promise(() => webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]))

const pemOfKey = (key: webcrypto.CryptoKey) =>
  Effect.promise(async () => x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY"))

let serial = 1

export const makeAuthority = Effect.fnUntraced(function*(name: string) {
  const keys = yield* newKeys
  const root = yield* Effect.promise(() =>
    x509.X509CertificateGenerator.createSelfSigned({
      ...validity,
      serialNumber: "01",
      name: `CN=${name}`,
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true)
      ]
    })
  )
  const issue = Effect.fnUntraced(function*(subject: string, names: ReadonlyArray<string> = []) {
    const own = yield* newKeys
    const alternatives = names.map((name) => ({
      type: /^[\d.]+$/.test(name) ? "ip" as const : "dns" as const,
      value: name
    }))
    const cert = yield* Effect.promise(() =>
      x509.X509CertificateGenerator.create({
        ...validity,
        serialNumber: (++serial).toString(16).padStart(4, "0"),
        subject,
        issuer: root.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        extensions: [
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
          ...(alternatives.length > 0 ? [new x509.SubjectAlternativeNameExtension(alternatives)] : [])
        ]
      })
    )
    return { cert: cert.toString("pem"), key: yield* pemOfKey(own.privateKey) }
  })
  const authority: Authority = { cert: root.toString("pem"), key: yield* pemOfKey(keys.privateKey), issue }
  return authority
})
