import { Effect } from "effect"
export const sharedNodes = (
  _: { readonly node: (index: number) => Effect.Effect<unknown, unknown, unknown>; readonly [k: string]: unknown }
) => Effect.never
