/** The key pair in `tlsCertFile` and `tlsPrivateKeyFile`, and what replaces it there (A13). */
import { Effect, Layer } from "effect"
import { HostFiles } from "../host/HostFiles.ts"
import { checkKeyPair } from "./live/keyPair.ts"
import { watchTexts } from "./live/watchedText.ts"
import { KeyPairError, ServingKeyPair } from "./ServingKeyPair.ts"

export interface KeyPairFilesOptions {
  readonly certFile: string
  readonly keyFile: string
}

export const layer = (
  { certFile, keyFile }: KeyPairFilesOptions
): Layer.Layer<ServingKeyPair, KeyPairError, HostFiles> =>
  Layer.effect(ServingKeyPair)(Effect.gen(function*() {
    const watched = yield* watchTexts(
      yield* HostFiles,
      [certFile, keyFile],
      ([cert = "", key = ""]) => Effect.asSome(checkKeyPair(certFile, { cert, key }))
    ).pipe(
      Effect.catchTag("HostFileError", (cause) =>
        Effect.fail(new KeyPairError({ target: cause.path, detail: cause.detail, cause })))
    )
    return ServingKeyPair.of(watched)
  }))
