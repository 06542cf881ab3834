/** `kubeffect up`: the command line of it. */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { textOrNone, toggle } from "../flags.ts"

export const up = Command.make(
  "up",
  {
    demo: toggle("demo", "apply examples/hello.yaml, and show the pod reach Running and its log"),
    exit: toggle("exit", "end after that, with 0 when it went well"),
    endpoint: textOrNone(
      "container-runtime-endpoint",
      "use this runtime, such as unix:///run/containerd/containerd.sock; pods it has are removed"
    ),
    simulated: toggle("simulated", "play the containers, even where real ones could run")
  },
  Effect.fnUntraced(function*(wish) {
    // Loaded when asked for: the daemon, which is the same bundle, has no need of an API server in memory.
    const { up: run } = yield* Effect.promise(() => import("./run.ts"))
    yield* run({ ...wish, searchPath: process.env["PATH"] ?? "" })
  })
).pipe(Command.withDescription("A node for one person: API server in memory, agent, and a container runtime"))
