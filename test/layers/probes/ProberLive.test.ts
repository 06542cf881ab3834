import { create, fromBinary, toBinary } from "@bufbuild/protobuf"
import { assert, describe, it } from "@effect/vitest"
import { type Metadata, Server, ServerCredentials, status } from "@grpc/grpc-js"
import { Deferred, Effect, Fiber, Layer } from "effect"
import * as http from "node:http"
import * as https from "node:https"
import * as net from "node:net"
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema
} from "../../../src/gen/health/health_pb.ts"
import { Prober } from "../../../src/layers/probes/Prober.ts"
import * as ProberLive from "../../../src/layers/probes/ProberLive.ts"
import { type HttpAnswer, type HttpRequestSeen, proberContract, ProbeServers } from "../../contract/ProberContract.ts"
import { makeAuthority } from "../api/live/certificates.ts"

const host = "127.0.0.1"

/** A server and its connections live as long as the scope. */
const listen = (make: () => net.Server) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
      const server = make()
      const sockets = new Set<net.Socket>()
      server.on("connection", (socket: net.Socket) => {
        sockets.add(socket)
        socket.on("error", () => socket.destroy())
      })
      const close = () => {
        server.close()
        for (const socket of sockets) socket.destroy()
      }
      server.listen(0, host, () => {
        const address = server.address()
        resume(Effect.succeed({ port: typeof address === "object" && address !== null ? address.port : 0, close }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

const respond =
  (answer: (request: HttpRequestSeen) => HttpAnswer) =>
  (request: http.IncomingMessage, response: http.ServerResponse) => {
    const headers = Object.fromEntries(
      Object.entries(request.headers).map((
        [name, value]
      ) => [name, Array.isArray(value) ? value.join(", ") : value ?? ""])
    )
    const { body = "", location, status = 200, tookMs = 0 } = answer({ path: request.url ?? "", headers })
    if (tookMs === Number.POSITIVE_INFINITY) return
    response.writeHead(status, location === undefined ? {} : { location })
    response.end(body)
  }

const serveHealth = (
  services: Readonly<Record<string, boolean>> | undefined,
  seen: (userAgent: string) => void = () => {}
) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly server: Server; readonly port: number }>((resume) => {
      const server = new Server()
      const path = `/${Health.typeName}/Check`
      if (services !== undefined) {
        const definition = {
          path,
          requestStream: false,
          responseStream: false,
          requestSerialize: (value: Buffer) => value,
          requestDeserialize: (value: Buffer) => value,
          responseSerialize: (value: Buffer) => value,
          responseDeserialize: (value: Buffer) => value
        } as const
        server.addService({ check: definition }, {
          check: (
            call: { readonly request: Buffer; readonly metadata: Metadata },
            done: (error: { readonly code: number; readonly details: string } | null, value?: Buffer) => void
          ) => {
            seen(String(call.metadata.get("user-agent")[0]))
            const { service } = fromBinary(HealthCheckRequestSchema, call.request)
            const serving = services[service]
            if (serving === undefined) return done({ code: status.NOT_FOUND, details: "unknown service" })
            const { NOT_SERVING, SERVING } = HealthCheckResponse_ServingStatus
            const answer = create(HealthCheckResponseSchema, { status: serving ? SERVING : NOT_SERVING })
            done(null, Buffer.from(toBinary(HealthCheckResponseSchema, answer)))
          }
        })
      }
      server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (_, port) =>
        resume(Effect.succeed({ server, port })))
    }),
    ({ server }) =>
      Effect.sync(() =>
        server.forceShutdown()
      )
  )

const servers = Layer.effect(
  ProbeServers,
  Effect.gen(function*() {
    const pair = yield* (yield* makeAuthority("probes")).issue("CN=nobody", ["nobody.example"])
    return ProbeServers.of({
      http: (answer, options) =>
        Effect.map(
          listen(() =>
            options?.tls === true ? https.createServer(pair, respond(answer)) : http.createServer(respond(answer))
          ),
          ({ port }) => ({ host, port })
        ),
      tcp: Effect.map(listen(() => net.createServer()), ({ port }) => ({ host, port })),
      grpc: (services) => Effect.map(serveHealth(services), ({ port }) => ({ host, port })),
      closed: Effect.scoped(Effect.map(listen(() => net.createServer()), ({ port }) => ({ host, port })))
    })
  })
)

proberContract("live", Layer.merge(ProberLive.layer, servers))

describe("ProberLive", () => {
  it.live("closes its connection when it is interrupted", () =>
    Effect.gen(function*() {
      const prober = yield* Prober
      const opened = yield* Deferred.make<void>()
      const closed = yield* Deferred.make<void>()
      const { port } = yield* listen(() =>
        net.createServer((socket) => {
          Deferred.doneUnsafe(opened, Effect.void)
          socket.resume()
          socket.on("close", () => Deferred.doneUnsafe(closed, Effect.void))
        })
      )
      const fiber = yield* Effect.forkChild(
        prober.http({ scheme: "http", host, port, path: "/", headers: [] }, 10_000)
      )
      yield* Deferred.await(opened)
      yield* Fiber.interrupt(fiber)
      yield* Deferred.await(closed)
    }).pipe(Effect.scoped, Effect.provide(ProberLive.layer)))

  it.live("speaks gRPC as kube-probe", () =>
    Effect.gen(function*() {
      const prober = yield* Prober
      const agents: Array<string> = []
      const { port } = yield* serveHealth({ "": true }, (agent) => agents.push(agent))
      yield* prober.grpc({ host, port, service: "" }, 2000)
      assert.deepStrictEqual(agents.map((agent) => agent.split(" ")[0]), ["kube-probe/1.36"])
    }).pipe(Effect.scoped, Effect.provide(ProberLive.layer)))

  it.live.each([
    { name: "Bad Name", value: "x" },
    { name: "X-A", value: "line\nbreak" }
  ])("H4: a header that cannot be sent is a failure, not a defect: $name", (header) =>
    Effect.gen(function*() {
      const reply = yield* (yield* Prober).http({ scheme: "http", host, port: 1, path: "/", headers: [header] }, 1000)
      assert.strictEqual(reply.result, "failure")
      assert.include(reply.output, "net/http: invalid header field")
    }).pipe(Effect.provide(ProberLive.layer)))

  it.live("names a host that nobody knows", () =>
    Effect.gen(function*() {
      const prober = yield* Prober
      const reply = yield* prober.http(
        { scheme: "http", host: "nobody.invalid", port: 80, path: "/", headers: [] },
        5000
      )
      assert.strictEqual(reply.result, "failure")
      assert.include(reply.output, "lookup nobody.invalid")
    }).pipe(Effect.provide(ProberLive.layer)))
})
