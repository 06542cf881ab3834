/** `kubectl` as a user runs it, against an API server in memory of its own. */
import { NodeServices } from "@effect/platform-node"
import { Effect, FileSystem, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { type Options, serve } from "../../../src/layers/api/memory/ApiServerHttp.ts"
import { kubeconfig } from "../../../src/layers/api/memory/kubeconfig.ts"
import * as MemoryApi from "../../../src/layers/api/memory/MemoryApi.ts"

export interface Output {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

const text = <E>(bytes: Stream.Stream<Uint8Array, E>) => Stream.mkString(Stream.decodeText(bytes))

/** A `kubectl` with the kubeconfig at `config`; `home` is where it keeps what it knows. */
export const kubectlWith = (config: string, home: string) => {
  const spawn = (args: ReadonlyArray<string>, input = "") =>
    ChildProcess.make("kubectl", args, {
      env: { HOME: home, KUBECONFIG: config, PATH: process.env["PATH"] ?? "" },
      extendEnv: false,
      stdin: { stream: Stream.make(new TextEncoder().encode(input)) },
      forceKillAfter: "5 seconds"
    })
  /** Runs to the end. */
  const run = Effect.fnUntraced(
    function*(args: ReadonlyArray<string>, input?: string) {
      const child = yield* spawn(args, input)
      const [stdout, stderr, exitCode] = yield* Effect.all([text(child.stdout), text(child.stderr), child.exitCode], {
        concurrency: "unbounded"
      })
      const output: Output = { exitCode: Number(exitCode), stdout, stderr }
      return output
    },
    Effect.scoped,
    Effect.timeout("30 seconds")
  )
  /** Runs to an end that must be good; the answer is what it printed. */
  const ok = Effect.fnUntraced(function*(args: ReadonlyArray<string>, input?: string) {
    const { exitCode, stderr, stdout } = yield* run(args, input)
    if (exitCode !== 0) return yield* Effect.die(new Error(`kubectl ${args.join(" ")}: ${stderr}`))
    return stdout
  })
  /** The lines that it prints, as they come. */
  const lines = (args: ReadonlyArray<string>) =>
    Stream.unwrap(Effect.map(spawn(args), (child) => child.stdout)).pipe(Stream.decodeText, Stream.splitLines)
  return { run, ok, lines }
}

/** A server and a `kubectl` that talks to it; both end with the scope. */
export const start = Effect.fn("kubectl.start")(function*(
  options: { readonly api?: MemoryApi.Options; readonly serve?: Options } = {}
) {
  const fs = yield* FileSystem.FileSystem
  const home = yield* fs.makeTempDirectoryScoped({ prefix: "kubeffect-kubectl-" })
  const api = yield* MemoryApi.make(options.api)
  const serving = yield* serve(api, options.serve)
  const config = `${home}/config`
  yield* fs.writeFileString(config, kubeconfig(serving))
  return { api, serving, ...kubectlWith(config, home) }
}, (effect) => Effect.provide(effect, NodeServices.layer))
