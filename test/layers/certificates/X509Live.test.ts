import { Effect } from "effect"
import { webcrypto } from "node:crypto"
import { x509 } from "../../../src/layers/certificates/x509Library.ts"
import * as X509Live from "../../../src/layers/certificates/X509Live.ts"
import { type Sign, x509Contract } from "../../contract/X509Contract.ts"

const signingAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }

const sign: Sign = (pem, { notAfterMs, notBeforeMs }) =>
  Effect.promise(async () => {
    const request = new x509.Pkcs10CertificateRequest(pem)
    // A request proves that who asks has the key.
    if (!(await request.verify())) throw new Error("the request is not signed with its key")
    const { privateKey } = await webcrypto.subtle.generateKey(signingAlgorithm, true, ["sign", "verify"])
    const names = request.getExtension("2.5.29.17")
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: "01",
      subject: request.subjectName,
      issuer: "CN=test",
      notBefore: new Date(notBeforeMs),
      notAfter: new Date(notAfterMs),
      publicKey: request.publicKey,
      signingKey: privateKey,
      signingAlgorithm,
      extensions: names === null ? [] : [names]
    })
    return `${certificate.toString("pem")}\n`
  })

x509Contract("live", X509Live.layer, sign)
