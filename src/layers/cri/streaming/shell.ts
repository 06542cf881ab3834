/**
 * Commands in containers of a runtime that can only run them to their end: output comes when it is complete, and a shell
 * without a script is one of our own, which has each line run as a command.
 */
import { Effect, Option } from "effect"
import type { CriError } from "../Cri.ts"
import type { ShellSession } from "./ShellSession.ts"
import { exited, failed } from "./status.ts"

export interface CommandResult {
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  readonly exitCode: number
}

export type RunCommand = (command: ReadonlyArray<string>) => Effect.Effect<CommandResult, CriError>

const shells = new Set(["sh", "bash", "ash", "dash", "zsh"])

const nameOf = (path: string | undefined): string => (path ?? "").split("/").at(-1) ?? ""

/** Serves the session to its end. */
export const serveCommand = (
  session: ShellSession,
  command: ReadonlyArray<string>,
  options: { readonly tty: boolean; readonly stdin: boolean; readonly run: RunCommand }
): Effect.Effect<void> => {
  const program = nameOf(command[0])
  if (options.stdin && shells.has(program) && command.slice(1).every((word) => word.startsWith("-") && word !== "-c")) {
    return options.tty ? terminal(session, options.run) : lines(session, command, options.run)
  }
  if (options.stdin && program === "cat" && command.length === 1) {
    return echo(session)
  }
  return options.run(command).pipe(
    Effect.flatMap((result) => Effect.andThen(show(session, result), session.finish(exited(command, result.exitCode)))),
    Effect.catch((error) => session.finish(failed(error.detail)))
  )
}

const show = (session: ShellSession, { stderr, stdout }: CommandResult) =>
  Effect.andThen(session.stdout(stdout), session.stderr(stderr))

const echo = Effect.fnUntraced(function*(session: ShellSession) {
  for (let bytes = yield* session.stdin; Option.isSome(bytes); bytes = yield* session.stdin) {
    yield* session.stdout(bytes.value)
  }
  yield* session.finish(exited(["cat"], 0))
})

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

const exitOf = (line: string): Option.Option<number> => {
  const match = /^exit(?:\s+(\d+))?$/.exec(line.trim())
  return match === null ? Option.none() : Option.some(Number(match[1] ?? 0))
}

const runLine = (session: ShellSession, run: RunCommand, line: string): Effect.Effect<number> =>
  line.trim() === "" ? Effect.succeed(0) : run(["sh", "-c", line]).pipe(
    Effect.flatMap((result) => Effect.as(show(session, result), result.exitCode)),
    Effect.catch((error) => Effect.as(session.stderr(encode(`${error.detail}\n`)), 126))
  )

/** A script that comes by stdin. */
const lines = Effect.fnUntraced(function*(session: ShellSession, command: ReadonlyArray<string>, run: RunCommand) {
  let pending = ""
  let code = 0
  const decoder = new TextDecoder()
  for (let bytes = yield* session.stdin; Option.isSome(bytes); bytes = yield* session.stdin) {
    const given = (pending + decoder.decode(bytes.value, { stream: true })).split("\n")
    pending = given.pop() ?? ""
    for (const line of given) {
      const exit = exitOf(line)
      if (Option.isSome(exit)) {
        return yield* session.finish(exited(command, exit.value))
      }
      code = yield* runLine(session, run, line)
    }
  }
  code = yield* runLine(session, run, pending)
  yield* session.finish(exited(command, code))
})

const prompt = "/ # "
const key = { interrupt: "\x03", end: "\x04", backspace: "\x7f", return: "\r", newline: "\n" } as const

/** A terminal: echoes, edits the line, prompts. */
const terminal = Effect.fnUntraced(function*(session: ShellSession, run: RunCommand) {
  let line = ""
  let code = 0
  const say = (text: string) => session.stdout(encode(text))
  // A terminal goes back to the start of the line by itself; what the command printed is for a file.
  const screen: ShellSession = {
    ...session,
    stdout: (bytes) => session.stdout(encode(new TextDecoder().decode(bytes).replace(/\r?\n/g, "\r\n"))),
    stderr: (bytes) => session.stdout(encode(new TextDecoder().decode(bytes).replace(/\r?\n/g, "\r\n")))
  }
  yield* say(prompt)
  for (let bytes = yield* session.stdin; Option.isSome(bytes); bytes = yield* session.stdin) {
    for (const char of new TextDecoder().decode(bytes.value)) {
      if (char === key.end && line === "") {
        return yield* Effect.andThen(say("\r\n"), session.finish(exited(["sh"], code)))
      }
      if (char === key.return || char === key.newline) {
        yield* say("\r\n")
        const exit = exitOf(line)
        if (Option.isSome(exit)) {
          return yield* session.finish(exited(["sh"], exit.value))
        }
        code = yield* runLine(screen, run, line)
        line = ""
        yield* say(prompt)
      } else if (char === key.interrupt) {
        line = ""
        yield* say(`^C\r\n${prompt}`)
      } else if (char === key.backspace) {
        yield* say(line === "" ? "" : "\b \b")
        line = line.slice(0, -1)
      } else if (char >= " ") {
        line += char
        yield* say(char)
      }
    }
  }
  yield* session.finish(exited(["sh"], code))
})
