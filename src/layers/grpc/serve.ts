/**
 * gRPC services on a unix socket: handlers are Effects and Streams over a generated service descriptor. A call that its
 * client cancels interrupts its handler; a handler that is missing answers Unimplemented.
 */
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary
} from "@bufbuild/protobuf"
import * as Grpc from "@grpc/grpc-js"
import { Cause, Effect, Exit, FiberSet, Schema, type Scope, Stream } from "effect"
import { GrpcCode, GrpcServeError } from "./Grpc.ts"

/** What a handler answers a call with when it has no result. */
export class GrpcStatus extends Schema.TaggedError<GrpcStatus>()("GrpcStatus", {
  /** One of `GrpcCode`, not `Ok`. */
  code: Schema.Number,
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

type Handler<M> = M extends
  { methodKind: "unary"; input: infer I extends DescMessage; output: infer O extends DescMessage }
  ? (request: MessageShape<I>) => Effect.Effect<MessageInitShape<O>, GrpcStatus>
  : M extends
    { methodKind: "server_streaming"; input: infer I extends DescMessage; output: infer O extends DescMessage }
    ? (request: MessageShape<I>) => Stream.Stream<MessageInitShape<O>, GrpcStatus>
  : never

export type GrpcHandlers<S extends { readonly method: object }> = {
  readonly [K in keyof S["method"]]?: Handler<S["method"][K]>
}

export interface ServedService {
  readonly service: Omit<DescService, "method">
  readonly handlers: Readonly<Record<string, unknown>>
}

/** Pairs a service with its handlers. */
export const implement = <S extends Omit<DescService, "method"> & { readonly method: object }>(
  service: S,
  handlers: GrpcHandlers<S>
): ServedService => ({ service, handlers: { ...handlers } })

/** Serves until the scope ends; then running calls are interrupted. The socket's folder must exist, a stale socket not. */
export const serveGrpc = Effect.fn("serveGrpc")(function*(
  options: { readonly socketPath: string; readonly services: ReadonlyArray<ServedService> }
): Effect.fn.Return<void, GrpcServeError, Scope.Scope> {
  const run = yield* FiberSet.makeRuntime<never, void, never>()
  const server = yield* Effect.acquireRelease(
    Effect.sync(() => new Grpc.Server({ "grpc.max_receive_message_length": 16 * 1024 * 1024 })),
    (each) => Effect.sync(() => each.forceShutdown())
  )
  for (const { handlers, service } of options.services) {
    const definition: Record<string, Grpc.MethodDefinition<Message, Message>> = {}
    const implementation: Grpc.UntypedServiceImplementation = {}
    for (const method of service.methods) {
      const handler = handlers[method.localName]
      if (typeof handler !== "function") continue
      definition[method.localName] = methodDefinition(method)
      implementation[method.localName] = method.methodKind === "unary"
        ? unaryHandler(method, handler as UntypedUnary, run)
        : streamHandler(method, handler as UntypedStreaming, run)
    }
    // grpc-js takes no empty service, and answers Unimplemented for one that it does not know.
    if (Object.keys(definition).length > 0) server.addService(definition, implementation)
  }
  yield* Effect.callback<void, GrpcServeError>((resume) => {
    server.bindAsync(`unix:${options.socketPath}`, Grpc.ServerCredentials.createInsecure(), (cause) =>
      resume(
        cause === null ? Effect.void : Effect.fail(new GrpcServeError({ target: options.socketPath, cause }))
      ))
  })
})

// `implement` has checked these against the service; here they are looked up by name.
type UntypedUnary = (request: Message) => Effect.Effect<MessageInitShape<DescMessage>, GrpcStatus>
type UntypedStreaming = (request: Message) => Stream.Stream<MessageInitShape<DescMessage>, GrpcStatus>
type Run = (effect: Effect.Effect<void>) => { readonly interruptUnsafe: () => void }

const methodDefinition = (method: DescMethod): Grpc.MethodDefinition<Message, Message> => {
  const encode = (schema: DescMessage) => (message: Message) => {
    const bytes = toBinary(schema, message)
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: false,
    responseStream: method.methodKind === "server_streaming",
    requestSerialize: encode(method.input),
    requestDeserialize: (bytes) => fromBinary(method.input, bytes),
    responseSerialize: encode(method.output),
    responseDeserialize: (bytes) => fromBinary(method.output, bytes)
  }
}

const unaryHandler =
  (method: DescMethod, handler: UntypedUnary, run: Run): Grpc.handleUnaryCall<Message, Message> => (call, respond) => {
    const fiber = run(
      Effect.suspend(() => handler(call.request)).pipe(
        Effect.exit,
        Effect.map((exit) =>
          Exit.isSuccess(exit) ? respond(null, create(method.output, exit.value)) : respond(statusOf(exit.cause))
        )
      )
    )
    call.on("cancelled", () => fiber.interruptUnsafe())
  }

const streamHandler =
  (method: DescMethod, handler: UntypedStreaming, run: Run): Grpc.handleServerStreamingCall<Message, Message> =>
  (call) => {
    const write = (init: MessageInitShape<DescMessage>) =>
      Effect.callback<void>((resume) => {
        if (call.write(create(method.output, init))) return resume(Effect.void)
        call.once("drain", () => resume(Effect.void))
      })
    const fiber = run(
      Stream.runForEach(Stream.suspend(() => handler(call.request)), write).pipe(
        Effect.exit,
        Effect.map((exit) => Exit.isSuccess(exit) ? void call.end() : void call.emit("error", statusOf(exit.cause)))
      )
    )
    call.on("cancelled", () => fiber.interruptUnsafe())
  }

const statusOf = (cause: Cause.Cause<GrpcStatus>) => {
  const failure = Cause.squash(cause)
  return Object.assign(new Error(String(failure)), {
    code: failure instanceof GrpcStatus ? failure.code : GrpcCode.Internal,
    details: failure instanceof GrpcStatus ? failure.detail : Cause.pretty(cause)
  })
}
