/** One call of the simulated runtime: how long it may take, how it waits, how it is refused. */
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf"
import { Clock, Effect, Random } from "effect"
import type { ImageService, RuntimeService } from "../../../gen/cri/api_pb.ts"
import { failureOf } from "../../grpc/failureOf.ts"
import { CriError, GrpcCode } from "../Cri.ts"
import type { Latency } from "./options.ts"
import type { ContainerRecord, SandboxRecord } from "./records.ts"
import type { SimRuntime } from "./SimRuntime.ts"

export interface Call {
  readonly op: string
  readonly target: string
  readonly deadlineAt: number
}

type Handler<M> = M extends
  { methodKind: "unary"; input: infer I extends DescMessage; output: infer O extends DescMessage }
  ? (request: MessageShape<I>, call: Call) => Effect.Effect<MessageInitShape<O>, CriError>
  : never

type Unary<S> = { [K in keyof S as S[K] extends { methodKind: "unary" } ? K : never]: Handler<S[K]> }

/** What answers each method. A method that nothing answers is one that this runtime does not implement. */
export type Handlers = Partial<Unary<(typeof RuntimeService)["method"]> & Unary<(typeof ImageService)["method"]>>

/** A part of the runtime's methods. */
export type Part<K extends keyof Handlers> = Required<Pick<Handlers, K>>

/** One method of a runtime. */
export type Method<K extends keyof Handlers> = (runtime: SimRuntime) => Required<Handlers>[K]

export const refuse = (call: Call, code: number, detail: string): CriError =>
  new CriError({
    op: call.op,
    target: call.target,
    reason: failureOf(code, "answered"),
    code,
    detail,
    cause: new Error(detail)
  })

/** The caller's deadline passed while the runtime was at it. */
export const tooLate = (call: Call): CriError =>
  new CriError({
    op: call.op,
    target: call.target,
    reason: failureOf(GrpcCode.DeadlineExceeded, "sent"),
    code: GrpcCode.DeadlineExceeded,
    detail: "context deadline exceeded",
    cause: new Error("context deadline exceeded")
  })

/** Takes `ms`, or fails at the deadline. */
export const pause = (call: Call, ms: number): Effect.Effect<void, CriError> =>
  ms <= 0 ? Effect.void : Effect.clockWith((clock) => {
    const leftMs = call.deadlineAt - clock.currentTimeMillisUnsafe()
    return ms <= leftMs
      ? Effect.sleep(ms)
      : Effect.andThen(Effect.sleep(Math.max(0, leftMs)), Effect.suspend(() => Effect.fail(tooLate(call))))
  })

/** Takes what such a call takes. */
export const work = (call: Call, [min, max]: Latency): Effect.Effect<void, CriError> =>
  max > min ? Effect.flatMap(Random.nextIntBetween(min, max + 1), (ms) => pause(call, ms)) : pause(call, min)

export const now = Clock.currentTimeMillis

/** containerd's words, and its codes. */
export const findContainer = (
  runtime: SimRuntime,
  call: Call,
  id: string
): Effect.Effect<ContainerRecord, CriError> => {
  const container = runtime.containers.get(id)
  if (container !== undefined) return Effect.succeed(container)
  const detail = `an error occurred when try to find container "${id}": not found`
  return Effect.fail(refuse(call, GrpcCode.NotFound, detail))
}

export const findSandbox = (runtime: SimRuntime, call: Call, id: string): Effect.Effect<SandboxRecord, CriError> => {
  const sandbox = runtime.sandboxes.get(id)
  if (sandbox !== undefined) return Effect.succeed(sandbox)
  return Effect.fail(refuse(call, GrpcCode.NotFound, "an error occurred when try to find sandbox: not found"))
}

/** Holds a name for what is being made; given back when that fails or is interrupted. */
export const reserving = <A, E>(
  runtime: SimRuntime,
  call: Call,
  what: { readonly kind: "sandbox" | "container"; readonly name: string; readonly id: string },
  make: Effect.Effect<A, E>
): Effect.Effect<A, E | CriError> =>
  Effect.suspend((): Effect.Effect<A, E | CriError> => {
    const holder = runtime.names.get(what.name)
    if (holder !== undefined) {
      const detail =
        `failed to reserve ${what.kind} name "${what.name}": name "${what.name}" is reserved for "${holder}"`
      return Effect.fail(refuse(call, GrpcCode.Unknown, detail))
    }
    runtime.names.set(what.name, what.id)
    return Effect.onError(make, () => Effect.sync(() => runtime.names.delete(what.name)))
  })
