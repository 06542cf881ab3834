/** gRPC over unix sockets, our client against our server: what arrives, what is cancelled, what failures mean. */
import { assert, it } from "@effect/vitest"
import * as Grpc from "@grpc/grpc-js"
import { Clock, Deferred, Effect, Exit, Fiber, Queue, Schedule, Scope, Stream, Tracer } from "effect"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe } from "vitest"
import { RuntimeService } from "../../../src/gen/cri/api_pb.ts"
import { Health, HealthCheckResponse_ServingStatus } from "../../../src/gen/health/health_pb.ts"
import { openChannel } from "../../../src/layers/grpc/connect.ts"
import { GrpcCode, type GrpcError } from "../../../src/layers/grpc/Grpc.ts"
import { type GrpcHandlers, GrpcStatus, implement, serveGrpc } from "../../../src/layers/grpc/serve.ts"

const socket = Effect.map(
  Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "kubeffect-grpc-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true }))
  ),
  (folder) => join(folder, "s.sock")
)

const clientOf = Effect.fnUntraced(function*(socketPath: string, timeoutMs = 5000) {
  const channel = yield* openChannel({ address: socketPath })
  const settings = { name: "Test", timeoutMs: () => timeoutMs, mapError: (error: GrpcError) => error }
  return { ...channel.client(Health, settings), ...channel.client(RuntimeService, settings) }
})

/** A client of a server with these handlers. */
const served = Effect.fnUntraced(
  function*(health: GrpcHandlers<typeof Health>, runtime: GrpcHandlers<typeof RuntimeService> = {}) {
    const socketPath = yield* socket
    yield* serveGrpc({ socketPath, services: [implement(Health, health), implement(RuntimeService, runtime)] })
    return yield* clientOf(socketPath)
  }
)

/** Without our own server: what arrives besides the message. */
const rawVersionServer = (socketPath: string, see: (metadata: Grpc.Metadata) => void) =>
  Effect.acquireRelease(
    Effect.callback<Grpc.Server>((resume) => {
      const server = new Grpc.Server()
      const empty = () => Buffer.alloc(0)
      server.addService({
        version: {
          path: "/runtime.v1.RuntimeService/Version",
          requestStream: false,
          responseStream: false,
          requestSerialize: empty,
          requestDeserialize: () => ({}),
          responseSerialize: empty,
          responseDeserialize: () => ({})
        }
      }, {
        version: (call: Grpc.ServerUnaryCall<object, object>, respond: Grpc.sendUnaryData<object>) => {
          see(call.metadata)
          respond(null, {})
        }
      })
      server.bindAsync(`unix:${socketPath}`, Grpc.ServerCredentials.createInsecure(), () =>
        resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() =>
        server.forceShutdown()
      )
  )

const serving = { status: HealthCheckResponse_ServingStatus.SERVING }

describe("gRPC call", () => {
  it.live("carries request and answer", () =>
    Effect.gen(function*() {
      const client = yield* served({}, {
        version: ({ version }) => Effect.succeed({ version: `got ${version}`, runtimeName: "test" })
      })
      const answer = yield* client.version({ version: "v1" })
      assert.strictEqual(answer.version, "got v1")
      assert.strictEqual(answer.runtimeName, "test")
    }))

  it.live("T3: tells the peer which trace the call belongs to, when somebody keeps it", () =>
    Effect.gen(function*() {
      const socketPath = yield* socket
      const seen: Array<Grpc.MetadataValue | undefined> = []
      yield* rawVersionServer(socketPath, (metadata) => seen.push(metadata.get("traceparent")[0]))
      const client = yield* clientOf(socketPath)
      const parent = Tracer.externalSpan({ traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" })
      yield* client.version({}).pipe(Effect.withParentSpan(parent))
      yield* client.version({}).pipe(Effect.withParentSpan({ ...parent, sampled: false }))
      yield* client.version({}).pipe(Effect.withTracerEnabled(false))
      assert.match(String(seen[0]), /^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/)
      assert.deepStrictEqual(seen.slice(1), [undefined, undefined])
    }))

  it.live("D22: carries up to 16 MiB", () =>
    Effect.gen(function*() {
      const stdout = new Uint8Array(15 * 1024 * 1024).fill(7)
      const client = yield* served({}, { execSync: () => Effect.succeed({ stdout }) })
      assert.strictEqual((yield* client.execSync({})).stdout.length, stdout.length)
    }))

  it.live("fails with the peer's code and words", () =>
    Effect.gen(function*() {
      const client = yield* served({
        check: ({ service }) => Effect.fail(new GrpcStatus({ code: GrpcCode.NotFound, detail: `no ${service}` }))
      })
      const error = yield* Effect.flip(client.check({ service: "db" }))
      assert.strictEqual(error.op, "grpc.health.v1.Health/Check")
      assert.strictEqual(error.code, GrpcCode.NotFound)
      assert.strictEqual(error.detail, "no db")
      assert.strictEqual(error.reason._tag, "NotFound")
    }))

  it.live("to a method that the peer lacks is Unimplemented", () =>
    Effect.gen(function*() {
      const client = yield* served({})
      assert.strictEqual((yield* Effect.flip(client.check({}))).reason._tag, "Unimplemented")
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(client.watch({})))).reason._tag, "Unimplemented")
    }))

  it.live("that no answer came to in time is Uncertain, and the peer is told to stop", () =>
    Effect.gen(function*() {
      const stopped = yield* Deferred.make<void>()
      const client = yield* served({
        check: () => Effect.never.pipe(Effect.onInterrupt(() => Deferred.succeed(stopped, undefined)))
      })
      const error = yield* Effect.flip(client.check({}, { timeoutMs: 50 }))
      assert.strictEqual(error.reason._tag, "Uncertain")
      assert.strictEqual(error.detail, "context deadline exceeded")
      yield* Deferred.await(stopped)
    }))

  it.live("that is interrupted is cancelled at the peer", () =>
    Effect.gen(function*() {
      const begun = yield* Deferred.make<void>()
      const stopped = yield* Deferred.make<void>()
      const client = yield* served({
        check: () =>
          Deferred.succeed(begun, undefined).pipe(
            Effect.andThen(Effect.never),
            Effect.onInterrupt(() => Deferred.succeed(stopped, undefined))
          )
      })
      const call = yield* Effect.forkChild(client.check({}))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(call)
      yield* Deferred.await(stopped)
    }))
})

describe("gRPC connection", () => {
  it.live("that cannot be made leaves the call undone: Retryable", () =>
    Effect.gen(function*() {
      const client = yield* clientOf(yield* socket)
      const error = yield* Effect.flip(client.check({}))
      assert.strictEqual(error.reason._tag, "Retryable")
      assert.match(error.detail, /^cannot connect to .*s\.sock: connect ENOENT/)
    }))

  it.live("that breaks during a call leaves it Uncertain", () =>
    Effect.gen(function*() {
      const socketPath = yield* socket
      const begun = yield* Deferred.make<void>()
      const server = yield* Scope.make()
      yield* Scope.provide(
        serveGrpc({
          socketPath,
          services: [
            implement(Health, { check: () => Effect.andThen(Deferred.succeed(begun, undefined), Effect.never) })
          ]
        }),
        server
      )
      const client = yield* clientOf(socketPath)
      const call = yield* Effect.forkChild(Effect.flip(client.check({})))
      yield* Deferred.await(begun)
      yield* Scope.close(server, Exit.void)
      assert.strictEqual((yield* Fiber.join(call)).reason._tag, "Uncertain")
    }))

  it.live("is made again within two seconds of the peer's return, however long it was away", () =>
    Effect.gen(function*() {
      const socketPath = yield* socket
      const client = yield* clientOf(socketPath)
      // Enough failures for an uncapped back-off to be at several seconds.
      yield* Effect.flip(client.check({})).pipe(
        Effect.repeat(Schedule.spaced("50 millis").pipe(Schedule.upTo({ duration: "4 seconds" })))
      )
      yield* serveGrpc({ socketPath, services: [implement(Health, { check: () => Effect.succeed(serving) })] })
      const before = yield* Clock.currentTimeMillis
      yield* Effect.retry(
        client.check({}),
        Schedule.spaced("20 millis").pipe(Schedule.upTo({ duration: "10 seconds" }))
      )
      assert.isBelow((yield* Clock.currentTimeMillis) - before, 2000)
    }))
})

describe("gRPC stream", () => {
  it.live("gives each message as it comes, and ends when the peer ends it", () =>
    Effect.gen(function*() {
      const feed = yield* Queue.unbounded<HealthCheckResponse_ServingStatus>()
      const client = yield* served({
        watch: () => Stream.fromQueue(feed).pipe(Stream.map((status) => ({ status })), Stream.take(2))
      })
      const seen = yield* Queue.unbounded<number>()
      const reading = yield* Effect.forkChild(
        Stream.runForEach(client.watch({}), ({ status }) => Queue.offer(seen, status))
      )
      for (const status of [HealthCheckResponse_ServingStatus.SERVING, HealthCheckResponse_ServingStatus.NOT_SERVING]) {
        yield* Queue.offer(feed, status)
        assert.strictEqual(yield* Queue.take(seen), status)
      }
      yield* Fiber.join(reading)
    }))

  it.live("that fails half-way gives what came before", () =>
    Effect.gen(function*() {
      const client = yield* served({
        watch: () =>
          Stream.concat(
            Stream.make({ status: 1 }),
            Stream.fail(new GrpcStatus({ code: GrpcCode.Unavailable, detail: "going down" }))
          )
      })
      const seen: Array<number> = []
      const error = yield* Effect.flip(
        Stream.runForEach(client.watch({}), ({ status }) => Effect.sync(() => seen.push(status)))
      )
      assert.deepEqual(seen, [1])
      assert.strictEqual(error.detail, "going down")
      assert.strictEqual(error.reason._tag, "Retryable")
    }))

  it.live("that its reader leaves is cancelled at the peer", () =>
    Effect.gen(function*() {
      const stopped = yield* Deferred.make<void>()
      const client = yield* served({
        watch: () =>
          Stream.concat(Stream.make(serving), Stream.never).pipe(
            Stream.ensuring(Deferred.succeed(stopped, undefined))
          )
      })
      yield* Stream.runDrain(Stream.take(client.watch({}), 1))
      yield* Deferred.await(stopped)
    }))
})
