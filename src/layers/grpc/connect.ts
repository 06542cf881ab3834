/**
 * gRPC clients over a unix socket (or any address that grpc-js knows). A channel connects by itself, now and after the
 * peer restarts; a call that is interrupted is cancelled at the peer; and every failure says whether the peer may have
 * acted.
 */
import { create, type DescMethod, type DescService, fromBinary, type Message, toBinary } from "@bufbuild/protobuf"
import * as NodeStream from "@effect/platform-node/NodeStream"
import { type ChannelOptions, Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js"
import { Effect, Option, type Scope, Stream, Tracer } from "effect"
import { failureOf, type Reach } from "./failureOf.ts"
import { GrpcCode, GrpcError, type GrpcMethods } from "./Grpc.ts"

export interface ChannelSettings {
  /** `unix:///run/x.sock`, or the path of a socket, or `host:port`. */
  readonly address: string
  /** The largest message either way; the CRI and CSI agree on 16 MiB. */
  readonly maxMessageBytes?: number
  /** Put before the library's own name in the header `user-agent`, which calls cannot set by themselves. */
  readonly userAgent?: string
}

export interface ClientSettings<E> {
  /** What spans of calls are named after: `Cri` gives `Cri.runPodSandbox`. */
  readonly name: string
  /** How long a call may take where its caller does not say; `Infinity` for ever. Streams are not bounded by it. */
  readonly timeoutMs: (method: DescMethod, request: Message) => number
  readonly mapError: (error: GrpcError, method: DescMethod, request: Message) => E
  /** Headers of every call. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Of a method: wraps every unary call of it, to count and to time it. */
  readonly observe?: (method: DescMethod) => <A>(call: Effect.Effect<A, E>) => Effect.Effect<A, E>
}

export interface GrpcChannel {
  readonly client: <S extends Service, E = GrpcError>(service: S, settings: ClientSettings<E>) => GrpcMethods<S, E>
}

type Service = Omit<DescService, "method"> & { readonly method: Record<string, DescMethod> }

const defaultMaxMessageBytes = 16 * 1024 * 1024

/**
 * Without a cap grpc-js waits up to two minutes between attempts to connect, and a runtime that came back would be
 * out of reach as long.
 */
const reconnectMs = { initial: 100, max: 1000 }

/** A socket's path becomes `unix:path`; everything else is taken as written. */
export const grpcTarget = (address: string): string => address.startsWith("/") ? `unix:${address}` : address

/** Opens a channel that lives as long as the scope. Connecting happens with the first call, and again when needed. */
export const openChannel = Effect.fnUntraced(
  function*(settings: ChannelSettings): Effect.fn.Return<GrpcChannel, never, Scope.Scope> {
    const maxMessageBytes = settings.maxMessageBytes ?? defaultMaxMessageBytes
    const options: ChannelOptions = {
      "grpc.max_receive_message_length": maxMessageBytes,
      "grpc.max_send_message_length": maxMessageBytes,
      "grpc.initial_reconnect_backoff_ms": reconnectMs.initial,
      "grpc.max_reconnect_backoff_ms": reconnectMs.max,
      // A pool shared by the process would keep the connection of a closed channel, and its back-off, alive.
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_http_proxy": 0,
      ...(settings.userAgent === undefined ? {} : { "grpc.primary_user_agent": settings.userAgent })
    }
    const connection = yield* Effect.acquireRelease(
      Effect.sync(() => new Client(grpcTarget(settings.address), credentials.createInsecure(), options)),
      (client) => Effect.sync(() => client.close())
    )
    return { client: (service, clientSettings) => makeClient(connection, settings.address, service, clientSettings) }
  }
)

const makeClient = <S extends Service, E>(
  connection: Client,
  address: string,
  service: S,
  settings: ClientSettings<E>
): GrpcMethods<S, E> => {
  const methods: Record<string, unknown> = {}
  for (const method of service.methods) {
    const wire = wireMethod(connection, address, method, settings.metadata ?? {})
    const span = `${settings.name}.${method.localName}`
    if (method.methodKind === "unary") {
      const observe = settings.observe?.(method)
      const traced = Effect.fn(span, { kind: "client", attributes: rpcAttributes(method) })
      methods[method.localName] = traced((init: Message, options?: { readonly timeoutMs?: number }) => {
        const request = create(method.input, init)
        const timeoutMs = options?.timeoutMs ?? settings.timeoutMs(method, request)
        const call = Effect.mapError(
          Effect.flatMap(traceParent, (trace) => wire.unary(request, timeoutMs, trace)),
          (error) => settings.mapError(error, method, request)
        )
        return observe === undefined ? call : observe(call)
      })
    } else if (method.methodKind === "server_streaming") {
      methods[method.localName] = (init: Message, options?: { readonly timeoutMs?: number }) => {
        const request = create(method.input, init)
        return Stream.mapError(
          wire.serverStreaming(request, options?.timeoutMs ?? Number.POSITIVE_INFINITY),
          (error) => settings.mapError(error, method, request)
        )
      }
    }
  }
  // The loop above is the only constructor of what `GrpcMethods` describes; TypeScript cannot follow it.
  return methods as GrpcMethods<S, E>
}

/** As OpenTelemetry names them. */
const rpcAttributes = (method: DescMethod) => ({
  "rpc.system": "grpc",
  "rpc.service": method.parent.typeName,
  "rpc.method": method.name
})

/** The W3C header that lets the peer's spans join the trace (parity T3); undefined where nobody keeps it. */
const traceParent = Effect.map(
  Effect.serviceOption(Tracer.ParentSpan),
  (span) =>
    Option.isSome(span) && span.value.sampled
      ? `00-${span.value.traceId.padStart(32, "0")}-${span.value.spanId}-01`
      : undefined
)

/** One method on the wire. Interruption cancels the call. */
const wireMethod = (
  connection: Client,
  address: string,
  method: DescMethod,
  headers: Readonly<Record<string, string>>
) => {
  const op = `${method.parent.typeName}/${method.name}`
  const path = `/${op}`
  const serialize = (message: Message) => {
    const bytes = toBinary(method.input, message)
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
  const deserialize = (bytes: Buffer) => fromBinary(method.output, bytes)
  const metadata = (trace?: string) => {
    const all = new Metadata()
    for (const [key, value] of Object.entries(headers)) all.set(key, value)
    if (trace !== undefined) all.set("traceparent", trace)
    return all
  }
  const toError = (error: ServiceError, reach: Reach) =>
    new GrpcError({
      op,
      target: address,
      reason: failureOf(error.code, reach),
      code: error.code,
      detail: detailOf(error, reach, address),
      cause: error
    })

  const unary = (request: Message, timeoutMs: number, trace: string | undefined) =>
    Effect.callback<Message, GrpcError>((resume) => {
      let answered = false
      const call = connection.makeUnaryRequest(path, serialize, deserialize, request, metadata(trace), {
        deadline: deadline(timeoutMs)
      }, (error, response) => {
        if (error === null && response !== undefined) return resume(Effect.succeed(response))
        if (error !== null) resume(Effect.fail(toError(error, reachOf(address, call, error, answered))))
      })
      call.on("metadata", () => {
        answered = true
      })
      return Effect.sync(() => call.cancel())
    })

  const serverStreaming = (request: Message, timeoutMs: number) =>
    Stream.unwrap(Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => {
          const open = { answered: false }
          const call = connection.makeServerStreamRequest(path, serialize, deserialize, request, metadata(), {
            deadline: deadline(timeoutMs)
          })
          call.on("metadata", () => {
            open.answered = true
          })
          // Cancelling after the reader has gone raises an error that nobody else listens to.
          call.on("error", () => {})
          return { call, open }
        }),
        ({ call }) => Effect.sync(() => call.cancel())
      ),
      ({ call, open }) =>
        NodeStream.fromReadable<Message, GrpcError>({
          evaluate: () => call,
          onError: (error) => {
            const serviceError = asServiceError(error)
            return toError(serviceError, reachOf(address, call, serviceError, open.answered))
          }
        })
    ))

  return { unary, serverStreaming }
}

const deadline = (timeoutMs: number) => timeoutMs === Number.POSITIVE_INFINITY ? timeoutMs : Date.now() + timeoutMs

/**
 * Where the status came from. Until a connection takes a call, its peer is the target itself; and a status of the peer
 * brings headers, which those that grpc-js makes up do not.
 */
const reachOf = (
  address: string,
  call: { readonly getPeer: () => string },
  error: ServiceError,
  answered: boolean
): Reach => {
  if (answered || Object.keys(error.metadata.getMap()).length > 0) return "answered"
  return call.getPeer() === grpcTarget(address) ? "unsent" : "sent"
}

/** The peer's own words; for a status that grpc-js made up, what users know from Go's client. */
const detailOf = (error: ServiceError, reach: Reach, address: string): string => {
  if (reach === "answered") return error.details
  if (error.code === GrpcCode.DeadlineExceeded) return "context deadline exceeded"
  if (reach === "sent") return `connection to ${address} lost during the call: ${error.details}`
  return `cannot connect to ${address}: ${
    error.details.replace(/^.*Last error: (?:Error: )?/, "").replace(/\. Resolution note:.*$/, "")
  }`
}

const isServiceError = (error: unknown): error is ServiceError =>
  error instanceof Error && "code" in error && "details" in error && "metadata" in error

/** A stream fails only with statuses; anything else is a fault on this side. */
const asServiceError = (error: unknown): ServiceError =>
  isServiceError(error)
    ? error
    : Object.assign(new Error(String(error), { cause: error }), {
      code: GrpcCode.Internal,
      details: String(error),
      metadata: new Metadata()
    })
