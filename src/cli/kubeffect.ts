/** The command line as a whole: its commands, and what happens when one fails. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, Runtime, Schema } from "effect"
import { CliConfig, CliError, Command, GlobalFlag } from "effect/cli"
import { chaos } from "./chaos/command.ts"
import { doctor } from "./doctor/command.ts"
import { kubelet } from "./kubelet/command.ts"
import * as Presenter from "./presenter.ts"
import { sim } from "./sim/command.ts"
import { up } from "./up/command.ts"
import { version } from "./version.ts"

const kubeffect = Command.make("kubeffect").pipe(
  Command.withDescription("A Kubernetes node agent: the kubelet's work, as an Effect program"),
  Command.withSubcommands([up, kubelet, doctor, chaos, sim])
)

/** A command failed and has said why. */
class Failed extends Schema.TaggedError<Failed>()("Failed", {}) {
  override readonly [Runtime.errorExitCode] = 1
  override readonly [Runtime.errorReported] = false
}

const explained = (error: unknown): string => error instanceof Error ? error.message : String(error)

const said = (error: unknown) => Effect.andThen(Console.error(`Error: ${explained(error)}`), Effect.fail(new Failed()))

/** Runs the process's command line. Whatever goes wrong is said once, on standard error, and ends with 1. */
export const main = Command.run(kubeffect, { version }).pipe(
  // The presenter has spoken of these.
  Effect.catch((error): Effect.Effect<never, Failed | CliError.CliError> =>
    CliError.isCliError(error) ? Effect.fail(error) : said(error)
  ),
  Effect.provide([
    NodeServices.layer,
    Presenter.layer,
    CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] })
  ])
)
