/** A request for a certificate, as a kubelet makes one: PKCS #10, PEM. */
import "reflect-metadata"
import * as x509 from "@peculiar/x509"
import { Effect } from "effect"
import { webcrypto } from "node:crypto"

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }

export const certificateRequest = Effect.fnUntraced(function*(name: string, hosts: ReadonlyArray<string>) {
  const keys = yield* Effect.promise(() => webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]))
  const request = yield* Effect.promise(() =>
    x509.Pkcs10CertificateRequestGenerator.create({
      name,
      keys,
      signingAlgorithm: algorithm,
      extensions: [new x509.SubjectAlternativeNameExtension(hosts.map((value) => ({ type: "dns" as const, value })))]
    })
  )
  return request.toString("pem")
})
