/** Tells the runtime the addresses that this node's pods may have (parity K2): runtimes make a network of it. */
import { Effect, Schedule, Stream } from "effect"
import { Cri } from "../../layers/cri/Cri.ts"
import { NodeState } from "../node/NodeState.ts"

const again = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("30 seconds")])

const tell = Effect.fn("tellPodCidr")(function*(podCidr: string) {
  const cri = yield* Cri
  yield* cri.updateRuntimeConfig({ runtimeConfig: { networkConfig: { podCidr } } })
}, (effect) =>
  effect.pipe(
    Effect.tapError((error) => Effect.logWarning("cannot tell the runtime its pod addresses yet", error)),
    Effect.retry({ schedule: again, while: ({ reason }) => reason._tag !== "Unimplemented" }),
    Effect.catch(() => Effect.void)
  ))

/** Runs for ever. `configured` is used where there is no API server to give the node its addresses. */
export const podCidr = (configured: string) =>
  Effect.gen(function*() {
    const node = yield* NodeState
    if (configured !== "") yield* tell(configured)
    return yield* node.nodeChanges.pipe(
      Stream.map((object) => {
        const { podCIDR = "", podCIDRs = [] } = object?.spec ?? {}
        return podCIDRs.length > 0 ? podCIDRs.join(",") : podCIDR
      }),
      Stream.filter((cidr) => cidr !== ""),
      Stream.changes,
      // The newest counts: one that could not be told is given up for it.
      Stream.switchMap((cidr) => Stream.fromEffect(tell(cidr))),
      Stream.runDrain,
      Effect.andThen(Effect.never)
    )
  })
