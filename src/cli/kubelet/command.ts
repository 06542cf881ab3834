/** `kubeffect kubelet`: the agent as a daemon, with the command line of the kubelet. */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { type FlagRow, kubeletFlags } from "./flagTable.ts"
import { invocation } from "./invocation.ts"
import { loadConfig } from "./loadConfig.ts"
import { runKubelet } from "./run.ts"

/** Each flag keeps the texts it was given; what they mean is decided by its type (`flagValues.ts`), as in the kubelet. */
const textsOf = ({ help, name, type }: FlagRow): Flag.Flag<ReadonlyArray<string>> => {
  const flag = Flag.String(name).pipe(
    Flag.withDescription(help),
    Flag.withMetavar(type === "switch" ? "true|false" : type)
  )
  return (type === "switch" ? Flag.withOptionalValue(flag, "true") : flag).pipe(Flag.atLeast(0))
}

const flags: Record<string, Flag.Flag<ReadonlyArray<string>>> = Object.fromEntries(
  kubeletFlags.map((row) => [row.name, textsOf(row)])
)

export const kubelet = Command.make(
  "kubelet",
  flags,
  Effect.fn("kubelet")(function*(given) {
    const asked = yield* Effect.fromResult(invocation(given))
    const effective = yield* loadConfig(asked)
    return yield* runKubelet({ options: asked.options, warnings: asked.warnings, flags: given, effective })
  })
).pipe(Command.withDescription("Run this machine as a node of a cluster, in the kubelet's place"))
