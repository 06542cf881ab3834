/** What every implementation of `X509` does. */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { X509 } from "../../src/layers/certificates/X509.ts"

/** Plays the signer: a certificate for the request, valid between the two times. */
export type Sign = (request: string, validity: {
  readonly notBeforeMs: number
  readonly notAfterMs: number
}) => Effect.Effect<string, Error>

const subject = {
  commonName: "system:node:n1",
  organization: "system:nodes",
  dnsNames: ["n1", "n1.example"],
  ips: ["10.0.0.2", "fd00::1"]
}
const validity = { notBeforeMs: 1_700_000_000_000, notAfterMs: 1_700_086_400_000 }

export const x509Contract = (name: string, under: Layer.Layer<X509>, sign: Sign) =>
  layer(under)(`X509: ${name}`, (it) => {
    it.effect("A11: no two keys are the same, and each has one fingerprint", () =>
      Effect.gen(function*() {
        const { fingerprint, newKey } = yield* X509
        const [a, b] = [yield* newKey, yield* newKey]
        assert.notStrictEqual(a, b)
        assert.match(a, /^-----BEGIN EC PRIVATE KEY-----\n/)
        assert.strictEqual(yield* fingerprint(a), yield* fingerprint(a))
        assert.notStrictEqual(yield* fingerprint(a), yield* fingerprint(b))
      }))

    it.effect("A13: a signed request says who the node is, by all its names and addresses", () =>
      Effect.gen(function*() {
        const { newKey, read, request } = yield* X509
        const asked = yield* request(yield* newKey, subject)
        assert.match(asked, /^-----BEGIN CERTIFICATE REQUEST-----\n/)
        assert.deepStrictEqual(yield* read(yield* sign(asked, validity)), {
          commonName: subject.commonName,
          organizations: [subject.organization],
          dnsNames: subject.dnsNames,
          ips: subject.ips,
          ...validity
        })
      }))

    it.effect("A11: a client's has no names, and its key may follow it in the same text", () =>
      Effect.gen(function*() {
        const { checkPair, newKey, read, request } = yield* X509
        const key = yield* newKey
        const cert = yield* sign(yield* request(key, { ...subject, dnsNames: [], ips: [] }), validity)
        const pem = `${cert}${key}`
        yield* checkPair({ cert: pem, key: pem })
        const { dnsNames, ips } = yield* read(pem)
        assert.deepStrictEqual([dnsNames, ips], [[], []])
      }))

    it.effect("a key that is another's, and text that is none, are refused", () =>
      Effect.gen(function*() {
        const { checkPair, fingerprint, newKey, read, request } = yield* X509
        const cert = yield* sign(yield* request(yield* newKey, subject), validity)
        const failures = [
          checkPair({ cert, key: yield* newKey }),
          checkPair({ cert: "", key: "" }),
          read("torn"),
          fingerprint("torn"),
          request("torn", subject)
        ]
        for (const failure of failures) {
          assert.strictEqual((yield* Effect.flip<unknown, { readonly _tag: string }, never>(failure))._tag, "X509Error")
        }
      }))
  })
