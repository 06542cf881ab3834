/** `kubeffect doctor`: examinations of this machine, each a command below it. */
import { Command } from "effect/cli"
import { network } from "./network.ts"

export const doctor = Command.make("doctor").pipe(
  Command.withDescription("Explain what is wrong with this machine as a node"),
  Command.withSubcommands([network])
)
