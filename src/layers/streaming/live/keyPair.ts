/** Whether a certificate and a key can serve together. */
import { Effect } from "effect"
import { createSecureContext } from "node:tls"
import { type KeyPair, KeyPairError } from "../ServingKeyPair.ts"

export const checkKeyPair = (target: string, pair: KeyPair): Effect.Effect<KeyPair, KeyPairError> =>
  Effect.try({
    try: () => {
      createSecureContext(pair)
      return pair
    },
    catch: (cause) =>
      new KeyPairError({
        target,
        detail: `certificate and key cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
        cause
      })
  })
