/** Commands in simulated containers, and the URLs of streams into them. */
import { Effect } from "effect"
import { GrpcCode } from "../Cri.ts"
import { type Call, findContainer, findSandbox, now, type Part, pause, refuse, work } from "./call.ts"
import { evaluate } from "./program.ts"
import type { ContainerRecord } from "./records.ts"
import type { ExecReply } from "./script.ts"
import type { SimRuntime } from "./SimRuntime.ts"

type ExecCalls = Part<"execSync" | "exec" | "attach" | "portForward">

const encoder = new TextEncoder()

/** Nothing listens there: streams into simulated containers are the business of a simulated server. */
const streamHost = "cri-sim.invalid"

export const execCalls = (runtime: SimRuntime): ExecCalls => {
  let tokens = 0
  const url = (kind: string) => {
    tokens += 1
    return { url: `http://${streamHost}/${kind}/${tokens.toString(36).padStart(8, "0")}` }
  }
  const running = Effect.fnUntraced(function*(call: Call, containerId: string) {
    const container = yield* findContainer(runtime, call, containerId)
    if (container.state === "Running") return container
    const word = container.state === "Exited" ? "EXITED" : "CREATED"
    return yield* refuse(call, GrpcCode.Unknown, `container is in CONTAINER_${word} state`)
  })
  return {
    execSync: Effect.fnUntraced(function*({ cmd, containerId, timeout }, call) {
      const container = yield* running(call, containerId)
      yield* work(call, runtime.options.latencies.execSync)
      const reply = replyOf(runtime, container, cmd, yield* now)
      if ("startError" in reply) {
        const detail = `failed to exec in container: failed to start exec "${runtime.newId()}": OCI runtime exec ` +
          `failed: exec failed: unable to start container process: ${reply.startError}`
        return yield* refuse(call, GrpcCode.Unknown, detail)
      }
      const { exitCode = 0, stderr = "", stdout = "", tookMs = 0 } = reply
      const limitMs = timeout > 0n ? Number(timeout) * 1000 : Number.POSITIVE_INFINITY
      if (tookMs > limitMs) {
        yield* pause(call, limitMs)
        const detail = `failed to exec in container: timeout ${timeout}s exceeded: context deadline exceeded`
        return yield* refuse(call, GrpcCode.DeadlineExceeded, detail)
      }
      if (tookMs === Number.POSITIVE_INFINITY && call.deadlineAt === Number.POSITIVE_INFINITY) {
        return yield* Effect.never
      }
      yield* pause(call, tookMs)
      return { stdout: encoder.encode(stdout), stderr: encoder.encode(stderr), exitCode }
    }),

    exec: Effect.fnUntraced(function*({ containerId }, call) {
      yield* running(call, containerId)
      return url("exec")
    }),

    attach: Effect.fnUntraced(function*({ containerId }, call) {
      yield* running(call, containerId)
      return url("attach")
    }),

    portForward: Effect.fnUntraced(function*({ podSandboxId }, call) {
      const sandbox = yield* findSandbox(runtime, call, podSandboxId)
      if (!sandbox.ready) {
        return yield* refuse(call, GrpcCode.Unknown, `sandbox container "${podSandboxId}" is not running`)
      }
      return url("portforward")
    })
  }
}

const replyOf = (
  runtime: SimRuntime,
  container: ContainerRecord,
  command: ReadonlyArray<string>,
  now: number
): ExecReply | { readonly startError: string } => {
  const moment = { ageMs: now - container.startedAtMs, attempt: container.attempt }
  const scripted = container.script.exec?.(command, moment)
  if (scripted !== undefined) return scripted
  const { program, server } = runtime.programs(command)
  // A program nobody described does its work without a word.
  if (server) return {}
  if (program.startError !== undefined) return { startError: program.startError }
  const { files, ...reply } = evaluate(program, container.process.files)
  container.process.files = files
  return reply
}
