/** Keys that only look like some: the same in every run, so that simulations are, too. */
import { Effect, Layer } from "effect"
import { PodKeys } from "./PodKeys.ts"

export const layer: Layer.Layer<PodKeys> = Layer.sync(PodKeys, () => {
  let made = 0
  return PodKeys.of({
    make: (keyType, signed) =>
      Effect.sync(() => {
        made += 1
        const text = btoa(`${keyType} ${made}`)
        return {
          privateKey: `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----\n`,
          publicKey: text,
          proof: btoa(`${made} holds for ${signed}`)
        }
      })
  })
})
