/**
 * What the command line says when it was asked wrongly: one line a problem, in the words of the kubelet's own flag parser,
 * and where the help is. A page of 150 flags would bury the one that was misspelt.
 */
import { Console, Effect } from "effect"
import { type CliError, CliOutput } from "effect/cli"
import { removedFlags } from "./kubelet/flagTable.ts"

export const layer = CliOutput.layerPresenter({
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Effect.andThen(
        Effect.forEach(event.errors, (error) => Console.error(`Error: ${problemText(error)}`), { discard: true }),
        Console.error(`Run "${event.commandPath.join(" ")} --help" for its flags.`)
      )
      : CliOutput.defaultPresenter.present(event)
})

/** One problem of a command line. */
export const problemText = (error: CliError.NonShowHelpErrors): string => {
  switch (error._tag) {
    case "UnrecognizedOption": {
      const removed = removedFlags.get(error.option.replace(/^-+/, ""))
      const hint = removed !== undefined
        ? ` (removed from the kubelet in Kubernetes ${removed})`
        : error.suggestions.length > 0
        ? ` (did you mean ${error.suggestions.join(" or ")}?)`
        : ""
      return error.option.startsWith("--")
        ? `unknown flag: ${error.option}${hint}`
        : `unknown shorthand flag: ${error.option}${hint}`
    }
    case "InvalidValue":
      return error.value === "" && error.kind === "flag"
        ? `flag needs an argument: --${error.option}`
        : `invalid argument "${error.value}" for "${error.option}": expected ${error.expected}`
    case "UnexpectedArgument":
      return `unexpected argument: ${error.arguments.join(" ")}`
    case "UnknownSubcommand":
      return `unknown command "${error.subcommand}"`
    default:
      return error.message
  }
}
