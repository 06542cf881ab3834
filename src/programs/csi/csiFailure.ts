/** What goes wrong with a driver's volume, in the words that users know from other kubelets (parity I20). */
import { Effect } from "effect"
import { statusText } from "../../domain/csi/outcome.ts"
import { CsiError } from "../../layers/csi/Csi.ts"
import { because, VolumeError } from "../volumes/VolumeError.ts"

export const asVolumeError = (error: { readonly message: string }): VolumeError =>
  error instanceof CsiError
    ? new VolumeError({ detail: statusText(error.code, error.detail), cause: error })
    : because(error)

/** Names the step that failed, unless a step within has named itself. */
export const during =
  (step: string) => <A, E extends { readonly message: string }, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.mapError(effect, (error) => {
      const { cause, detail, during: named, ends } = asVolumeError(error)
      return new VolumeError({
        detail,
        during: named ?? step,
        cause: cause ?? error,
        ...(ends === undefined ? {} : { ends })
      })
    })
