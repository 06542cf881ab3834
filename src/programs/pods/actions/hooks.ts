/** Lifecycle hooks: a command in the container, an HTTP request to it, or a pause (parity D13). */
import { Effect, Schema } from "effect"
import type { Container, HTTPGetAction, LifecycleHandler } from "../../../domain/k8s/container.ts"
import { podLabel } from "../../../domain/pod/spec.ts"
import { httpTarget } from "../../../domain/probes/target.ts"
import { Cri } from "../../../layers/cri/Cri.ts"
import { Prober } from "../../../layers/probes/Prober.ts"
import type { ActionContext } from "../PodActions.ts"

/** A hook did not succeed. */
export class HookError extends Schema.TaggedError<HookError>()("HookError", {
  container: Schema.String,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.detail
  }
}

export interface HookCall extends ActionContext {
  readonly containerId: string
  readonly container: Container
  readonly hook: LifecycleHandler
}

/** An HTTP hook that gets no answer in this time has failed; commands and pauses are bounded by their caller. */
const httpTimeoutMs = 30_000

/** The kubelet's sentence about a failed hook; it ends in the container's waiting message. */
const failed = ({ container, pod }: HookCall, hook: string, error: string, output: string, cause?: unknown) =>
  new HookError({
    container: container.name,
    detail:
      `${hook} for Container ${JSON.stringify(container.name)} in Pod ${JSON.stringify(podLabel(pod))} failed - ` +
      `error: ${error}, message: ${JSON.stringify(output)}`,
    ...(cause === undefined ? {} : { cause })
  })

const decoder = new TextDecoder()

const runCommand = Effect.fnUntraced(function*(call: HookCall, command: ReadonlyArray<string>) {
  const cri = yield* Cri
  const hook = `Exec lifecycle hook ([${command.join(" ")}])`
  const answer = yield* cri.execSync({ containerId: call.containerId, cmd: [...command], timeout: 0n }).pipe(
    Effect.mapError((cause) => failed(call, hook, cause.detail, "", cause))
  )
  if (answer.exitCode === 0) return
  const stderr = decoder.decode(answer.stderr)
  const output = decoder.decode(answer.stdout) + stderr
  return yield* failed(call, hook, `command '${command.join(" ")}' exited with ${answer.exitCode}: ${stderr}`, output)
})

const runRequest = Effect.fnUntraced(function*(call: HookCall, action: HTTPGetAction) {
  const prober = yield* Prober
  const hook = `HTTP lifecycle hook (${action.path ?? ""})`
  const podIP = call.observed.sandboxes[0]?.ips[0] ?? "127.0.0.1"
  const target = yield* Effect.mapError(
    Effect.fromResult(httpTarget(action, call.container, podIP)),
    (detail) => failed(call, hook, detail, "")
  )
  const reply = yield* prober.hook(target, httpTimeoutMs).pipe(
    Effect.mapError((cause) => failed(call, hook, cause.detail, "", cause))
  )
  if (reply.result === "failure") return yield* failed(call, hook, reply.output, "")
})

/** Ends when the hook has succeeded. */
export const runHook = Effect.fn("PodActions.runHook")(function*(call: HookCall) {
  const { hook } = call
  if (hook.exec !== undefined) return yield* runCommand(call, hook.exec.command ?? [])
  if (hook.sleep !== undefined) return yield* Effect.sleep(hook.sleep.seconds * 1000)
  if (hook.httpGet !== undefined) return yield* runRequest(call, hook.httpGet)
  return yield* failed(call, "Lifecycle hook", "invalid handler: nothing that can be run", "")
})
