/** Probes over the real network. Every try is a connection of its own, closed after it. */
import { Effect, Layer } from "effect"
import { checkHealth } from "./live/grpc.ts"
import { getOnce, type HttpAnswer } from "./live/http.ts"
import { dial } from "./live/tcp.ts"
import { Prober } from "./Prober.ts"

const probeAgent = { name: "User-Agent", value: "kube-probe/1.36" }
const hookAgent = { name: "User-Agent", value: "kube-lifecycle/1.36" }

/** 200–399 is a success; a redirect that leaves the host is one too, but worth telling (parity H4). */
const judge = (answer: HttpAnswer) => {
  if (answer.leftHost !== undefined) {
    return { result: "warning", output: `Probe terminated redirects, Response body: ${answer.body}` } as const
  }
  return answer.status >= 200 && answer.status < 400
    ? { result: "success", output: answer.body } as const
    : { result: "failure", output: `HTTP probe failed with statuscode: ${answer.status}` } as const
}

/** The server speaks plain HTTP on a port that was asked for as https. */
const isPlainHttp = (output: string): boolean => output.includes("server gave HTTP response to HTTPS client")

export const layer: Layer.Layer<Prober> = Layer.succeed(
  Prober,
  Prober.of({
    http: Effect.fn("Prober.http")(function*(target, timeoutMs) {
      const answer = yield* getOnce(target, { timeoutMs, defaults: [probeAgent, { name: "Accept", value: "*/*" }] })
      return "failed" in answer ? { result: "failure" as const, output: answer.failed } : judge(answer)
    }),
    tcp: Effect.fn("Prober.tcp")((target, timeoutMs) => dial(target, timeoutMs)),
    grpc: Effect.fn("Prober.grpc")((target, timeoutMs) => checkHealth(target, timeoutMs)),
    hook: Effect.fn("Prober.hook")(function*(target, timeoutMs) {
      const options = { timeoutMs, defaults: [hookAgent] }
      const first = yield* getOnce(target, options)
      const answer = "failed" in first && target.scheme === "https" && isPlainHttp(first.failed)
        ? yield* getOnce({ ...target, scheme: "http" as const }, options)
        : first
      if ("failed" in answer) return { result: "failure" as const, output: answer.failed }
      return answer.status < 400
        ? { result: "success" as const, output: answer.body }
        : { result: "failure" as const, output: `HTTP hook failed with statuscode: ${answer.status}` }
    })
  })
)
