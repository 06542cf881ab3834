/** A node's server over TLS that believes the certificates of one authority, and nobody else. */
import { Effect, Layer, Option, References, Stream } from "effect"
import * as https from "node:https"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import * as AccessLive from "../../../src/layers/streaming/AccessLive.ts"
import { NodeReadModel } from "../../../src/layers/streaming/NodeReadModel.ts"
import { NodeServer } from "../../../src/layers/streaming/NodeServer.ts"
import * as NodeServerLive from "../../../src/layers/streaming/NodeServerLive.ts"
import { ServingCertificate } from "../../../src/layers/streaming/ServingCertificate.ts"
import { bareMachine, model, type Reply, runningPod } from "./fixture.ts"
import { authority } from "./pki.ts"

export const tlsNode = Effect.fnUntraced(function*(options: NodeServerLive.NodeServerOptions, clientCa: string) {
  const serving = yield* authority("servers")
  const pair = Option.some(yield* serving.sign({ name: "CN=node-1", usage: "server" }))
  const needs = Layer.mergeAll(
    Layer.succeed(ServingCertificate)(ServingCertificate.of({
      current: Effect.succeed({ pair, clientCa: Option.some(clientCa) }),
      changes: Stream.never
    })),
    Layer.succeed(NodeReadModel)(model([runningPod("a")])),
    Layer.mock(Cri)({}),
    AccessLive.layerLocal({ anonymous: false }),
    bareMachine,
    HostFilesLive.layer
  )
  const context = yield* Layer.build(
    NodeServerLive.layer({ ...options, minVersion: Option.none(), cipherSuites: [], curves: [] }).pipe(
      Layer.provide(needs)
    )
  ).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  return { port: (yield* Effect.provide(NodeServer, context)).ports.main, serving }
})

export const askTls = (port: number, request: https.RequestOptions) =>
  Effect.callback<Reply, Error>((resume) => {
    const outgoing = https.request({ host: "127.0.0.1", port, agent: false, ...request }, (response) => {
      const parts: Array<Buffer> = []
      response.on("data", (part: Buffer) => parts.push(part))
      response.on("end", () => {
        const bytes = Buffer.concat(parts)
        const { headers, statusCode = 0 } = response
        resume(Effect.succeed({ status: statusCode, headers, body: bytes.toString(), bytes }))
      })
    })
    outgoing.on("error", (error) => resume(Effect.fail(error)))
    outgoing.end()
  })
