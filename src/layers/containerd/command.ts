/** Programs and files that a private containerd is handled with. */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { ContainerdError } from "./ContainerdError.ts"

/** Runs a program to its end and gives its standard output; killed when interrupted or after `timeoutMs`. */
export const run = (
  command: string,
  args: ReadonlyArray<string>,
  options: { readonly timeoutMs: number; readonly env?: Readonly<Record<string, string>> }
): Effect.Effect<string, ContainerdError> =>
  Effect.callback((resume) => {
    const child = execFile(command, args, {
      timeout: options.timeoutMs,
      killSignal: "SIGKILL",
      maxBuffer: 16 * 1024 * 1024,
      ...(options.env === undefined ? {} : { env: { ...options.env } })
    }, (cause, stdout, stderr) => {
      if (cause === null) return resume(Effect.succeed(stdout))
      const detail = stderr.trim() || cause.message
      resume(Effect.fail(new ContainerdError({ op: `${command} ${args.join(" ")}`, target: "", detail, cause })))
    })
    return Effect.sync(() => {
      child.kill("SIGKILL")
    })
  })

/** A step on the host's files that the caller cannot go on without. */
export const onFiles = <A>(op: string, target: string, step: () => Promise<A>): Effect.Effect<A, ContainerdError> =>
  Effect.tryPromise({
    try: step,
    catch: (cause) =>
      new ContainerdError({ op, target, detail: cause instanceof Error ? cause.message : String(cause), cause })
  })
