/** One run of a probe: tried up to three times while it cannot be tried, told to users when it goes wrong (parity H2, H7). */
import { Clock, Effect, Result } from "effect"
import { Permanent } from "../../domain/failure.ts"
import type { Probe } from "../../domain/k8s/container.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { Slot } from "../../domain/pod/spec.ts"
import { type RunOutcome, triesPerRun } from "../../domain/probes/course.ts"
import { probeErrored, probeFailed, probeWarned } from "../../domain/probes/events.ts"
import { type ProbeKind, settingsOf } from "../../domain/probes/settings.ts"
import { execCommand, grpcTarget, httpTarget, tcpTarget } from "../../domain/probes/target.ts"
import { Cri, type CriError, GrpcCode } from "../../layers/cri/Cri.ts"
import { ProbeError, Prober, type ProbeReply, type SocketTarget } from "../../layers/probes/Prober.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import type { ProbeMetrics } from "./probeMetrics.ts"

export interface ProbeRun {
  readonly pod: Pod
  readonly slot: Slot
  readonly containerId: string
  /** Empty when the pod has none yet. */
  readonly podIp: string
  readonly kind: ProbeKind
  readonly probe: Probe
  readonly metrics: ProbeMetrics
}

/** What is kept of a command's output (parity H5). */
const maxOutputBytes = 10 * 1024

const outputOf = (stdout: Uint8Array, stderr: Uint8Array): string => {
  const all = new Uint8Array(stdout.byteLength + stderr.byteLength)
  all.set(stdout)
  all.set(stderr, stdout.byteLength)
  return new TextDecoder().decode(all.subarray(0, maxOutputBytes))
}

const impossible = ({ kind, slot }: ProbeRun, detail: string) =>
  new ProbeError({ op: kind, target: slot.name, reason: new Permanent(), detail })

const exec = Effect.fnUntraced(function*(run: ProbeRun, command: ReadonlyArray<string>, timeoutMs: number) {
  const cri = yield* Cri
  const cmd = [...execCommand(command, run.slot.container)]
  const seconds = Math.ceil(timeoutMs / 1000)
  return yield* cri.execSync({ containerId: run.containerId, cmd, timeout: BigInt(seconds) }).pipe(
    Effect.map(({ exitCode, stderr, stdout }): ProbeReply => ({
      result: exitCode === 0 ? "success" : "failure",
      output: outputOf(stdout, stderr)
    })),
    Effect.catchIf(
      ({ code }) => code === GrpcCode.DeadlineExceeded,
      () =>
        Effect.succeed<ProbeReply>({
          result: "failure",
          output: `command timed out: ${JSON.stringify(cmd.join(" "))} timed out after ${seconds}s`
        })
    )
  )
})

/** The target of a probe over the network, once it is known. */
const located = <T extends SocketTarget>(run: ProbeRun, target: Result.Result<T, string>) =>
  Effect.fromResult(
    Result.flatMap(target, (found) => found.host === "" ? Result.fail("the pod has no IP") : Result.succeed(found))
  ).pipe(Effect.mapError((detail) => impossible(run, detail)))

const once = Effect.fnUntraced(function*(run: ProbeRun): Effect.fn.Return<
  ProbeReply,
  CriError | ProbeError,
  Cri | Prober
> {
  const { podIp, probe, slot } = run
  const { timeoutMs } = settingsOf(probe)
  const prober = yield* Prober
  if (probe.exec !== undefined) return yield* exec(run, probe.exec.command ?? [], timeoutMs)
  if (probe.httpGet !== undefined) {
    return yield* prober.http(yield* located(run, httpTarget(probe.httpGet, slot.container, podIp)), timeoutMs)
  }
  if (probe.tcpSocket !== undefined) {
    return yield* prober.tcp(yield* located(run, tcpTarget(probe.tcpSocket, slot.container, podIp)), timeoutMs)
  }
  if (probe.grpc !== undefined) {
    return yield* prober.grpc(yield* located(run, Result.succeed(grpcTarget(probe.grpc, podIp))), timeoutMs)
  }
  return yield* impossible(run, "missing probe handler")
})

/** Never fails: that the probe could not be tried is an outcome of its own. */
export const runProbe = Effect.fnUntraced(function*(run: ProbeRun) {
  const events = yield* EventRecorder
  const { kind, metrics, pod, slot } = run
  const timed = Effect.gen(function*() {
    const startedAt = yield* Clock.currentTimeMillis
    const reply = yield* once(run)
    yield* metrics.took((yield* Clock.currentTimeMillis) - startedAt)
    return reply
  })
  const outcome: RunOutcome = yield* timed.pipe(
    Effect.retry({ times: triesPerRun - 1 }),
    Effect.flatMap((reply): Effect.Effect<RunOutcome> => {
      switch (reply.result) {
        case "success":
          return Effect.succeed("success")
        case "warning":
          return Effect.as(events.recordPod(pod, probeWarned(slot, kind, reply.output)), "success")
        case "failure":
          return Effect.as(events.recordPod(pod, probeFailed(slot, kind, reply.output)), "failure")
      }
    }),
    Effect.catch((error) => Effect.as(events.recordPod(pod, probeErrored(slot, kind, error.detail)), "error" as const))
  )
  yield* metrics.count(outcome)
  return outcome
})
