/**
 * What the TLS server needs, put together: the node's key pair and the bundle of client CAs, both as they change.
 * `layer` takes the pair from files or signs one; `layerWith` takes it from whoever provides `ServingKeyPair`.
 */
import { Effect, Layer, Option, Stream } from "effect"
import { HostFiles } from "../host/HostFiles.ts"
import * as KeyPairFiles from "./KeyPairFiles.ts"
import * as KeyPairSelfSigned from "./KeyPairSelfSigned.ts"
import { type Watched, watchTexts } from "./live/watchedText.ts"
import { ServingCertificate, type TlsMaterial } from "./ServingCertificate.ts"
import { KeyPairError, ServingKeyPair } from "./ServingKeyPair.ts"

export interface CertificateSource {
  /** Where certificate and key are, or where a self-signed pair is kept. */
  readonly from:
    | { readonly _tag: "Files"; readonly cert: string; readonly key: string }
    | { readonly _tag: "SelfSigned"; readonly folder: string; readonly hosts: ReadonlyArray<string> }
  /** `authentication.x509.clientCAFile` (A14). None: client certificates prove nothing. */
  readonly clientCa: Option.Option<string>
}

export const layer = (
  { clientCa, from }: CertificateSource
): Layer.Layer<ServingCertificate, KeyPairError, HostFiles> =>
  layerWith({ clientCa }).pipe(
    Layer.provide(
      from._tag === "Files"
        ? KeyPairFiles.layer({ certFile: from.cert, keyFile: from.key })
        : KeyPairSelfSigned.layer({
          directory: from.folder,
          hostname: from.hosts[0] ?? "node",
          addresses: from.hosts.slice(1)
        })
    )
  )

export const layerWith = (
  { clientCa }: Pick<CertificateSource, "clientCa">
): Layer.Layer<ServingCertificate, KeyPairError, ServingKeyPair | HostFiles> =>
  Layer.effect(ServingCertificate)(Effect.gen(function*() {
    const pair = yield* ServingKeyPair
    const files = yield* HostFiles
    const ca = Option.isNone(clientCa) ? none : yield* watchBundle(files, clientCa.value)
    const current = Effect.all({ pair: pair.current, clientCa: ca.current })
    const change = (): Effect.Effect<TlsMaterial> => current
    return ServingCertificate.of({
      current,
      changes: Stream.merge(Stream.mapEffect(pair.changes, change), Stream.mapEffect(ca.changes, change))
    })
  }))

const none: Watched<Option.Option<string>> = { current: Effect.succeedNone, changes: Stream.never }

const watchBundle = (files: HostFiles["Service"], path: string) =>
  watchTexts(files, [path], ([pem = ""]) =>
    pem.includes("-----BEGIN CERTIFICATE-----")
      ? Effect.succeed(Option.some(pem))
      : Effect.fail(new KeyPairError({ target: path, detail: "has no certificate" }))).pipe(
      Effect.catchTag(
        "HostFileError",
        (cause) => Effect.fail(new KeyPairError({ target: path, detail: cause.detail, cause }))
      )
    )
