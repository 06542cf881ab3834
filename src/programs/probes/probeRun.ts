/** One run of a probe: tried up to three times while it cannot be tried, told to users when it goes wrong (parity H2, H7). */
import { type Clock, type Context, Effect, Result } from "effect"
import { Permanent } from "../../domain/failure.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import { type RunOutcome, triesPerRun } from "../../domain/probes/course.ts"
import { probeErrored, probeFailed, probeWarned } from "../../domain/probes/events.ts"
import { type ProbeKind, probeOf, settingsOf } from "../../domain/probes/settings.ts"
import type { ProbeSubject } from "../../domain/probes/subjects.ts"
import { execCommand, grpcTarget, httpTarget, tcpTarget } from "../../domain/probes/target.ts"
import { type Cri, type CriError, GrpcCode } from "../../layers/cri/Cri.ts"
import { ProbeError, type Prober, type ProbeReply, type SocketTarget } from "../../layers/probes/Prober.ts"
import type { EventRecorder } from "../events/EventRecorder.ts"
import type { ProbeMetrics } from "./probeMetrics.ts"

/** What probes are made with. */
export interface ProbeTools {
  readonly cri: Cri["Service"]
  readonly prober: Prober["Service"]
  readonly events: EventRecorder["Service"]
  readonly clock: Clock.Clock
  /** In which runs are counted. */
  readonly context: Context.Context<never>
}

/** One try; the same for as long as the container and the address of its pod are. */
export type Attempt = Effect.Effect<ProbeReply, CriError | ProbeError>

/** What is kept of a command's output (parity H5). */
const maxOutputBytes = 10 * 1024

const outputOf = (stdout: Uint8Array, stderr: Uint8Array): string => {
  if (stdout.byteLength + stderr.byteLength === 0) return ""
  const all = new Uint8Array(stdout.byteLength + stderr.byteLength)
  all.set(stdout)
  all.set(stderr, stdout.byteLength)
  return new TextDecoder().decode(all.subarray(0, maxOutputBytes))
}

const exec = (cri: Cri["Service"], containerId: string, cmd: Array<string>, timeoutMs: number): Attempt => {
  const seconds = Math.ceil(timeoutMs / 1000)
  return cri.execSync({ containerId, cmd, timeout: BigInt(seconds) }).pipe(
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
}

/** `podIp` is empty when the pod has none yet. */
export const attemptOf = (
  { cri, prober }: ProbeTools,
  kind: ProbeKind,
  subject: ProbeSubject,
  podIp: string
): Attempt => {
  const { container: { id }, slot: { container, name } } = subject
  const probe = probeOf(container, kind) ?? {}
  const { timeoutMs } = settingsOf(probe)
  const impossible = (detail: string) =>
    Effect.fail(new ProbeError({ op: kind, target: name, reason: new Permanent(), detail }))
  const at = <T extends SocketTarget>(
    target: Result.Result<T, string>,
    ask: (target: T, timeoutMs: number) => Attempt
  ): Attempt =>
    Result.match(target, {
      onFailure: impossible,
      onSuccess: (found) => found.host === "" ? impossible("the pod has no IP") : ask(found, timeoutMs)
    })
  if (probe.exec !== undefined) return exec(cri, id, [...execCommand(probe.exec.command ?? [], container)], timeoutMs)
  if (probe.httpGet !== undefined) return at(httpTarget(probe.httpGet, container, podIp), prober.http)
  if (probe.tcpSocket !== undefined) return at(tcpTarget(probe.tcpSocket, container, podIp), prober.tcp)
  if (probe.grpc !== undefined) return at(Result.succeed(grpcTarget(probe.grpc, podIp)), prober.grpc)
  return impossible("missing probe handler")
}

export interface ProbeRun {
  readonly pod: Pod
  readonly subject: ProbeSubject
  readonly kind: ProbeKind
  readonly attempt: Attempt
  readonly metrics: ProbeMetrics
}

const succeeded: Effect.Effect<RunOutcome> = Effect.succeed("success")

/** What runs the probe, each time. Never fails: that the probe could not be tried is an outcome of its own. */
export const probeRunner = (
  { clock, context, events }: ProbeTools,
  { attempt, kind, metrics, pod, subject: { slot } }: ProbeRun
): () => Effect.Effect<RunOutcome> => {
  const answered = ({ output, result }: ProbeReply, tookMs: number): Effect.Effect<RunOutcome> => {
    metrics.ended(context, result === "failure" ? "failure" : "success", tookMs)
    switch (result) {
      case "success":
        return succeeded
      case "failure":
        return Effect.as(events.recordPod(pod, probeFailed(slot, kind, output)), "failure")
      case "warning":
        return Effect.as(events.recordPod(pod, probeWarned(slot, kind, output)), "success")
    }
  }
  // Not a generator: runs are the most frequent thing that a node does, and nearly all succeed at once.
  const tryOnce = (triesLeft: number): Effect.Effect<RunOutcome> => {
    const startedAtMs = clock.currentTimeMillisUnsafe()
    return Effect.matchEffect(attempt, {
      onSuccess: (reply) => answered(reply, clock.currentTimeMillisUnsafe() - startedAtMs),
      onFailure: ({ detail }) => {
        if (triesLeft > 1) return tryOnce(triesLeft - 1)
        metrics.ended(context, "error")
        return Effect.as(events.recordPod(pod, probeErrored(slot, kind, detail)), "error")
      }
    })
  }
  return () => tryOnce(triesPerRun)
}
