/** `kubeffect up`: the command line of it. */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"

export const up = Command.make(
  "up",
  {
    demo: Flag.Boolean("demo").pipe(
      Flag.withDescription("apply examples/hello.yaml, and show the pod reach Running and its log"),
      Flag.withDefault(false)
    ),
    exit: Flag.Boolean("exit").pipe(
      Flag.withDescription("end after that, with 0 when it went well"),
      Flag.withDefault(false)
    ),
    endpoint: Flag.String("container-runtime-endpoint").pipe(
      Flag.withDescription("use this runtime, such as unix:///run/containerd/containerd.sock; pods it has are removed"),
      Flag.optional
    ),
    simulated: Flag.Boolean("simulated").pipe(
      Flag.withDescription("play the containers, even where real ones could run"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function*({ demo, endpoint, exit, simulated }) {
    // Loaded when asked for: the daemon, which is the same bundle, has no need of an API server in memory.
    const { up: run } = yield* Effect.promise(() => import("./run.ts"))
    yield* run({
      demo,
      exit,
      simulated,
      endpoint: Option.getOrUndefined(endpoint),
      searchPath: process.env["PATH"] ?? ""
    })
  })
).pipe(Command.withDescription("A node for one person: API server in memory, agent, and a container runtime"))
