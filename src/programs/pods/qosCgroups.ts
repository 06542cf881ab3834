/** Keeps the groups of the QoS classes in step with the pods there are: at start and every minute (parity L4). */
import { Effect } from "effect"
import { nodeSettings } from "../node/nodeSettings.ts"
import { rounds } from "../rounds.ts"
import { supervise } from "../supervise.ts"
import { refreshQosCgroups } from "./podCgroups.ts"

/** Runs for ever. */
export const qosCgroups = Effect.gen(function*() {
  const node = yield* nodeSettings
  const refresh = Effect.flatMap(node, refreshQosCgroups)
  return yield* supervise("QoS cgroups", rounds("1 minute", refresh))
})
