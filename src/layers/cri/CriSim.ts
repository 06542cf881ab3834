/**
 * The simulated runtime: the whole `Cri` and its events over state in memory, on whatever clock the fiber has. The state
 * is a handle of its own, so that agents come and go on one runtime as they do on a node.
 */
import { create, type DescMethodUnary, type Message, type MessageInitShape } from "@bufbuild/protobuf"
import { Clock, Context, Effect, Latch, Layer, Queue, Semaphore, Stream } from "effect"
import {
  type ContainerEventResponse,
  ContainerEventResponseSchema,
  ContainerEventType,
  ImageService,
  RuntimeService
} from "../../gen/cri/api_pb.ts"
import type { GrpcCallOptions } from "../grpc/Grpc.ts"
import { HostFiles } from "../host/HostFiles.ts"
import { targetOf, timeoutMsOf } from "./callTraits.ts"
import type { ContainerOutput, OutputPart } from "./ContainerOutput.ts"
import { Cri, type CriCalls, type CriError, GrpcCode } from "./Cri.ts"
import { type RuntimeEvent, RuntimeEvents } from "./RuntimeEvents.ts"
import { containerStatusOf, nanos, sandboxStatusOf } from "./sim/answers.ts"
import { type Call, refuse } from "./sim/call.ts"
import { containerCalls } from "./sim/containers.ts"
import { execCalls } from "./sim/execs.ts"
import { imageCalls } from "./sim/imageCalls.ts"
import { nodeCalls } from "./sim/nodeCalls.ts"
import type { SimOptions } from "./sim/options.ts"
import type { RuntimeHappening } from "./sim/records.ts"
import { sandboxCalls } from "./sim/sandboxes.ts"
import { SimRuntime } from "./sim/SimRuntime.ts"

export { adopt } from "./sim/adopt.ts"
export type { Registry } from "./sim/images.ts"
export { containerdLatencies } from "./sim/options.ts"
export type { Latencies, Latency, SimOptions } from "./sim/options.ts"
export type { ContainerScript, ExecReply, Workload, Workloads } from "./sim/script.ts"
export { SimRuntime } from "./sim/SimRuntime.ts"

/** A runtime with nothing on it but the images it begins with. */
export const make = (options: Partial<SimOptions> = {}): SimRuntime => new SimRuntime(options)

/** What a container prints from now on. */
export const outputOf = (runtime: SimRuntime): ContainerOutput => (containerId) =>
  Stream.callback<OutputPart>((queue) => {
    const read = (stream: OutputPart["stream"], text: string) => Queue.offerUnsafe(queue, { stream, text })
    return Effect.acquireRelease(
      Effect.sync(() => {
        const readers = runtime.readers.get(containerId) ?? new Set()
        runtime.readers.set(containerId, readers.add(read))
      }),
      () =>
        Effect.sync(() => {
          const readers = runtime.readers.get(containerId)
          readers?.delete(read)
          if (readers?.size === 0) runtime.readers.delete(containerId)
        })
    )
  }, { bufferSize: hintsMax, strategy: "sliding" })

/** The kubelet's default. */
const requestTimeoutMs = 120_000
/** Hints that nobody takes are dropped, oldest first. */
const hintsMax = 4096

/** `Cri` and `RuntimeEvents` of the runtime; what its processes write goes to `HostFiles`. */
export const layer = (runtime: SimRuntime): Layer.Layer<Cri | RuntimeEvents, never, HostFiles> =>
  Layer.effectContext(Effect.gen(function*() {
    const settle = yield* makeSettle(runtime)
    yield* Effect.forkScoped(drive(runtime, settle))
    return Context.make(Cri, Cri.of(makeCalls(runtime, settle))).pipe(
      Context.add(RuntimeEvents, makeEvents(runtime))
    )
  }))

/** Lets happen what was due by then. What comes back is left to be done before that shows on the host; mostly nothing. */
type Settle = (nowMs: number) => Effect.Effect<void> | undefined

/** Lets happen what was due, and puts on the host what processes wrote by then, in order. */
const makeSettle = Effect.fnUntraced(function*(runtime: SimRuntime) {
  const files = yield* HostFiles
  const one = yield* Semaphore.make(1)
  const flush = Effect.uninterruptible(
    one.withPermits(1)(Effect.suspend(() => {
      const writes = runtime.writes
      runtime.writes = []
      return Effect.forEach(
        writes,
        ({ append, path, text }) =>
          (append ? files.append(path, text) : files.writeFile(path, text)).pipe(
            // As a runtime on a full disk does: the line is lost, the process goes on.
            Effect.catch((error) => Effect.logDebug("Output of a container lost", error))
          ),
        { discard: true }
      )
    }))
  )
  const settle: Settle = (nowMs) => {
    runtime.settle(nowMs)
    return runtime.writes.length === 0 ? undefined : flush
  }
  return settle
})

/** Wakes up whenever something is due: one fiber, however many containers. */
const drive = Effect.fnUntraced(function*(runtime: SimRuntime, settle: Settle) {
  const alarm = Latch.makeUnsafe()
  const ring = () => alarm.openUnsafe()
  yield* Effect.acquireRelease(
    Effect.sync(() => runtime.alarms.add(ring)),
    () => Effect.sync(() => runtime.alarms.delete(ring))
  )
  const clock = yield* Clock.Clock
  while (true) {
    yield* settle(clock.currentTimeMillisUnsafe()) ?? Effect.void
    // Closed before looking, so that a timer set meanwhile is seen or rings.
    alarm.closeUnsafe()
    const next = runtime.nextAt
    if (next === undefined) {
      yield* alarm.await
      continue
    }
    const waitMs = next - clock.currentTimeMillisUnsafe()
    if (waitMs > 0) yield* Effect.raceFirst(Effect.sleep(Math.ceil(waitMs)), alarm.await)
  }
})

const makeCalls = (runtime: SimRuntime, settle: Settle): CriCalls => {
  const handlers: Record<string, unknown> = {
    ...nodeCalls(runtime),
    ...sandboxCalls(runtime),
    ...containerCalls(runtime),
    ...execCalls(runtime),
    ...imageCalls(runtime)
  }
  const calls: Record<string, unknown> = {}
  for (const service of [RuntimeService, ImageService]) {
    for (const method of service.methods) {
      calls[method.localName] = method.methodKind === "unary"
        // `Handlers` pairs names with methods; the pairing is lost in the loop.
        ? unary(runtime, settle, method, handlers[method.localName] as UnaryHandler | undefined)
        : method.localName === "getContainerEvents"
        ? () => Stream.map(happenings(runtime), toCriEvent)
        : () => Stream.fail(unimplemented({ op: method.name, target: "", deadlineAt: 0 }))
    }
  }
  if (!isWhole(calls)) throw new Error("the simulated runtime does not have all methods of the CRI")
  return calls
}

/** Every method of both services has its call. */
const isWhole = (calls: object): calls is CriCalls =>
  [...RuntimeService.methods, ...ImageService.methods].every(({ localName }) => localName in calls)

type UnaryHandler = (request: Message, call: Call) => Effect.Effect<Record<string, unknown>, CriError>

const unimplemented = (call: Call) =>
  refuse(call, GrpcCode.Unimplemented, `unknown method ${call.op} for service runtime.v1.RuntimeService`)

const unary = (
  runtime: SimRuntime,
  settle: Settle,
  method: Pick<DescMethodUnary, "name" | "input" | "output">,
  handle: UnaryHandler | undefined
) =>
(init: MessageInitShape<typeof method.input>, options?: GrpcCallOptions): Effect.Effect<Message, CriError> =>
  // Not a generator: a world of nodes makes these calls by the million.
  Effect.clockWith((clock) => {
    const request = create(method.input, init)
    const now = clock.currentTimeMillisUnsafe()
    const target = targetOf(request)
    const deadlineAt = now + (options?.timeoutMs ?? timeoutMsOf(request, requestTimeoutMs))
    const call: Call = { op: method.name, target, deadlineAt }
    if (runtime.options.recordCalls) runtime.calls.push({ atMs: now, method: method.name, target })
    const before = settle(now)
    const answered = handle === undefined
      ? unimplemented(call)
      : Effect.flatMap(handle(request, call), (answer) => {
        // What the call did to processes is on the host before its caller goes on.
        const after = settle(clock.currentTimeMillisUnsafe())
        const told = Effect.succeed(create(method.output, answer))
        return after === undefined ? told : Effect.andThen(after, told)
      })
    return before === undefined ? answered : Effect.andThen(before, answered)
  })

/** Everything that happens from now on, for one listener. */
const happenings = (runtime: SimRuntime): Stream.Stream<RuntimeHappening> =>
  Stream.callback<RuntimeHappening>((queue) => {
    const listener = (happening: RuntimeHappening) => Queue.offerUnsafe(queue, happening)
    return Effect.acquireRelease(
      Effect.sync(() => runtime.listeners.add(listener)),
      () => Effect.sync(() => runtime.listeners.delete(listener))
    )
  }, { bufferSize: hintsMax, strategy: "sliding" })

const makeEvents = (runtime: SimRuntime): RuntimeEvents["Service"] => {
  const unknown: RuntimeEvent = { containerId: "", kind: "Unknown" }
  const events = Stream.callback<RuntimeEvent>((queue) => {
    const listener = (happening: RuntimeHappening) => Queue.offerUnsafe(queue, toEvent(happening))
    return Effect.acquireRelease(
      Effect.sync(() => {
        runtime.listeners.add(listener)
        Queue.offerUnsafe(queue, unknown)
      }),
      () => Effect.sync(() => runtime.listeners.delete(listener))
    )
  }, { bufferSize: hintsMax, strategy: "sliding" })
  return RuntimeEvents.of({
    events,
    source: Effect.sync(() => runtime.listeners.size > 0 ? "cri" : "none")
  })
}

const toEvent = ({ atMs, container, id, kind, sandbox }: RuntimeHappening): RuntimeEvent => ({
  containerId: id,
  sandboxId: sandbox.id,
  podUid: sandbox.uid,
  kind,
  occurredAtMs: atMs,
  ...(kind === "Stopped" && container !== undefined && { exitCode: container.exitCode })
})

const eventTypes = {
  Created: ContainerEventType.CONTAINER_CREATED_EVENT,
  Started: ContainerEventType.CONTAINER_STARTED_EVENT,
  Stopped: ContainerEventType.CONTAINER_STOPPED_EVENT,
  Deleted: ContainerEventType.CONTAINER_DELETED_EVENT
}

const toCriEvent = ({ atMs, id, kind, sandbox }: RuntimeHappening): ContainerEventResponse =>
  create(ContainerEventResponseSchema, {
    containerId: id,
    containerEventType: eventTypes[kind],
    createdAt: nanos(atMs),
    podSandboxStatus: sandboxStatusOf(sandbox),
    containersStatuses: [...sandbox.containers].map(containerStatusOf)
  })
