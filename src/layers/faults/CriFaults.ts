/** Faults of the container runtime: of its calls, and of the hints it gives. */
import { create, isMessage, type Message } from "@bufbuild/protobuf"
import { Context, Effect, Layer, Schedule, Stream } from "effect"
import type { Failing, OutsideCall } from "../../domain/chaos/fault.ts"
import { ImageService, RuntimeService } from "../../gen/cri/api_pb.ts"
import { targetOf, timeoutMsOf } from "../cri/callTraits.ts"
import { Cri, CriError, GrpcCode } from "../cri/Cri.ts"
import { RuntimeEvents } from "../cri/RuntimeEvents.ts"
import { failureOf } from "../grpc/failureOf.ts"
import { Faults } from "./Faults.ts"
import { strikeCall, strikeEvery, strikeStream } from "./strike.ts"

const requestTimeoutMs = 120_000
/** What a caller without a deadline is told after the connection has proved dead. */
const deadConnectionMs = 600_000

const errorOf = (how: Failing, { method, target }: OutsideCall): CriError => {
  const late = how === "lost" || how === "timeout"
  const code = late ? GrpcCode.DeadlineExceeded : how === "unavailable" ? GrpcCode.Unavailable : GrpcCode.Unknown
  const network = "failed to set up or tear down the network of the sandbox"
  const detail = late ? "context deadline exceeded" : how === "network" ? network : `made up: ${how}`
  const reach = late ? "sent" : how === "unavailable" ? "unsent" : "answered"
  return new CriError({ op: method, target, reason: failureOf(code, reach), code, detail, cause: new Error(detail) })
}

const methods = new Map([...RuntimeService.methods, ...ImageService.methods].map((each) => [each.localName, each]))

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

/** Callers write requests with what matters in them; the rest is as the wire has it. */
const requestOf = (method: string, init: unknown): Message | undefined => {
  const described = methods.get(method)
  if (described === undefined || !isObject(init)) return undefined
  return isMessage(init, described.input) ? init : create(described.input, { ...init })
}

const deadlineOf = (request: Message | undefined): number =>
  request === undefined ? requestTimeoutMs : timeoutMsOf(request, requestTimeoutMs)

const given = (options: unknown): number | undefined => {
  const ms: unknown = typeof options === "object" && options !== null ? Reflect.get(options, "timeoutMs") : undefined
  return typeof ms === "number" ? ms : undefined
}

const times: ReadonlySet<string> = new Set(["createdAt", "startedAt", "finishedAt"])
const nanosPerMs = 1_000_000n

/** The runtime goes by the clock of its machine, too: its records say what that clock said then. */
const onWall = (answer: unknown, wallMs: (outsideMs: number) => number): unknown => {
  if (Array.isArray(answer)) return answer.map((item: unknown) => onWall(item, wallMs))
  if (typeof answer !== "object" || answer === null || answer instanceof Uint8Array) return answer
  return Object.fromEntries(
    Object.entries(answer).map(([key, value]: [string, unknown]) => [
      key,
      typeof value === "bigint" && times.has(key) && value > 0n
        ? BigInt(wallMs(Number(value / nanosPerMs))) * nanosPerMs
        : onWall(value, wallMs)
    ])
  )
}

const tellTimes: ReadonlySet<string> = new Set([
  "containerStatus",
  "podSandboxStatus",
  "listContainers",
  "listPodSandbox"
])

export const layer: Layer.Layer<Cri | RuntimeEvents, never, Cri | RuntimeEvents | Faults> = Layer.effectContext(
  Effect.gen(function*() {
    const faults = yield* Faults
    const cri = yield* Cri
    const events = yield* RuntimeEvents
    const calls = strikeEvery(cri, (method, [init, options], effect) => {
      const call: OutsideCall = { service: "Cri", method, target: isObject(init) ? targetOf(init) : "" }
      const { wallMs } = faults
      const told = wallMs === undefined || !tellTimes.has(method)
        ? effect
        : Effect.map(effect, (answer) => onWall(answer, wallMs))
      return strikeCall(faults, call, told, {
        errorOf,
        // Few calls hang: only for those is it worth to know the whole request.
        get deadlineMs() {
          return Math.min(deadConnectionMs, given(options) ?? deadlineOf(requestOf(method, init)))
        }
      })
    })
    const stream: OutsideCall = { service: "RuntimeEvents", method: "listen", target: "" }
    return Context.make(Cri, calls).pipe(
      Context.add(
        RuntimeEvents,
        RuntimeEvents.of({
          ...events,
          // A stream that was silent for a while is listened to again; it never ends by itself.
          events: Stream.repeat(
            strikeStream(faults, stream, events.events, { errorOf, deadlineMs: requestTimeoutMs }),
            Schedule.forever
          )
        })
      )
    )
  })
)
