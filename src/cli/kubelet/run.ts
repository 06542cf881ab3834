/** Runs the agent with a configuration, until it is told to stop. */
import { Effect } from "effect"
import type { EffectiveConfig } from "../../domain/kubeletConfig/layering.ts"
import type { KubeletOptions } from "./invocation.ts"

export interface KubeletSetup {
  readonly options: KubeletOptions
  readonly effective: EffectiveConfig
}

export const runKubelet = Effect.fn("runKubelet")(function*({ effective, options }: KubeletSetup) {
  yield* Effect.logInfo("configuration", { options, set: [...effective.set] })
})
