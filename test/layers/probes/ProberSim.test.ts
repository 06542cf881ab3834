import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import type { NetworkReply, NetworkRequest } from "../../../src/domain/probes/network.ts"
import { Prober } from "../../../src/layers/probes/Prober.ts"
import * as ProberSim from "../../../src/layers/probes/ProberSim.ts"
import { proberContract, ProbeServers } from "../../contract/ProberContract.ts"

type Answer = (request: NetworkRequest) => NetworkReply

const host = "127.0.0.1"

/** A network of one host whose ports tests fill. */
const ports = new Map<number, Answer>()
let nextPort = 1000

const open = (answer: Answer) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      ports.set(++nextPort, answer)
      return { host, port: nextPort }
    }),
    ({ port }) => Effect.sync(() => ports.delete(port))
  )

const headersOf = (request: NetworkRequest & { readonly kind: "http" }) => ({
  host: `${host}:${request.port}`,
  ...Object.fromEntries(
    Object.entries(request.headers).map(([name, values]) => [name.toLowerCase(), values.join(", ")])
  )
})

const servers = Layer.succeed(
  ProbeServers,
  ProbeServers.of({
    http: (answer, options) =>
      open((request) =>
        request.kind === "http"
          ? {
            listening: true,
            scheme: options?.tls === true ? "https" : "http",
            ...answer({ path: request.path, headers: headersOf(request) })
          }
          : { listening: true }
      ),
    tcp: open(() => ({ listening: true, tookMs: Number.POSITIVE_INFINITY })),
    grpc: (services) =>
      open((request) => ({
        listening: true,
        implemented: services !== undefined,
        knowsService: request.kind === "grpc" && services?.[request.service] !== undefined,
        serving: request.kind === "grpc" && services?.[request.service] === true
      })),
    closed: Effect.succeed({ host, port: 1 })
  })
)

const network: ProberSim.SimNetwork = (at, request) => () =>
  at === host ? ports.get(request.port)?.(request) ?? { listening: false } : undefined

proberContract("sim", Layer.merge(ProberSim.layer({ network }), servers))

describe("ProberSim", () => {
  const target = { scheme: "http" as const, host: "10.0.0.7", port: 80, path: "/", headers: [] }

  it.effect("answers after its time on the virtual clock", () =>
    Effect.gen(function*() {
      const prober = yield* Prober
      const fiber = yield* Effect.forkChild(prober.http(target, 5000))
      yield* TestClock.adjust(3009)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(11)
      assert.strictEqual((yield* Fiber.join(fiber)).result, "success")
    }).pipe(
      Effect.provide(ProberSim.layer({ network: () => () => ({ listening: true, tookMs: 3000 }), latencyMs: [10, 20] }))
    ))

  it.effect("what a server says may depend on the time", () =>
    Effect.gen(function*() {
      const prober = yield* Prober
      const early = yield* prober.http(target, 1000)
      yield* TestClock.adjust(5000)
      const late = yield* prober.http(target, 1000)
      assert.deepStrictEqual([early.result, late.result], ["failure", "success"])
    }).pipe(
      Effect.provide(
        ProberSim.layer({
          network: () => (nowMs) => ({ listening: true, status: nowMs < 5000 ? 503 : 200 })
        })
      )
    ))

  it.effect("an address nobody has is too late for most, and unreachable for the patient", () =>
    Effect.gen(function*() {
      const prober = yield* Prober
      const hasty = yield* Effect.forkChild(prober.tcp(target, 1000))
      const patient = yield* Effect.forkChild(prober.tcp(target, 10_000))
      yield* TestClock.adjust(10_000)
      assert.strictEqual((yield* Fiber.join(hasty)).output, "dial tcp 10.0.0.7:80: i/o timeout")
      assert.strictEqual((yield* Fiber.join(patient)).output, "dial tcp 10.0.0.7:80: connect: no route to host")
    }).pipe(Effect.provide(ProberSim.layer({ network: () => () => undefined }))))
})
