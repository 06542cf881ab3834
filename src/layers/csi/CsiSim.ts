/** CSI drivers without processes: each answers at a path, and is gone from it when it dies. Unknown paths refuse. */
import { create, type DescMessage, type Message, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf"
import { Effect, Layer } from "effect"
import { isFinal } from "../../domain/csi/outcome.ts"
import { Identity, Node } from "../../gen/csi/csi_pb.ts"
import { failureOf } from "../grpc/failureOf.ts"
import { GrpcCode } from "../grpc/Grpc.ts"
import type { HostFiles } from "../host/HostFiles.ts"
import type { Mounts } from "../host/Mounts.ts"
import { callTimeoutMs } from "./callTraits.ts"
import { Csi, type CsiDriver, CsiError } from "./Csi.ts"
import { type DriverCall, type DriverFault, type DriverRefusal, type DriverSettings, simDriver } from "./sim/driver.ts"

export interface SimDriver {
  readonly settings: DriverSettings
  readonly calls: Array<DriverCall>
  /** By method; stays until it is deleted. */
  readonly faults: Map<string, DriverFault>
}

/** By the path of their socket. */
export type SimDrivers = Map<string, SimDriver>

export const makeDriver = (settings: DriverSettings): SimDriver => ({ settings, calls: [], faults: new Map() })

const errorOf = (op: string, target: string, code: number, detail: string): CsiError => {
  const reach = code === GrpcCode.Unavailable ? "unsent" : "answered"
  return new CsiError({ op, target, code, detail, reason: failureOf(code, reach), final: isFinal(code), cause: detail })
}

type Handler = (request: Message) => Effect.Effect<MessageInitShape<DescMessage>, DriverRefusal, HostFiles | Mounts>

const answer = Effect.fnUntraced(function*(drivers: SimDrivers, endpoint: string, method: string, request: Message) {
  const driver = drivers.get(endpoint)
  const refused = errorOf(method, endpoint, GrpcCode.Unavailable, `cannot connect to ${endpoint}: no such file`)
  if (driver === undefined) return yield* refused
  const dead = errorOf(method, endpoint, GrpcCode.Unavailable, `connection to ${endpoint} lost during the call`)
  const handlers: Readonly<Record<string, unknown>> = simDriver(driver.settings, {
    called: (call) => Effect.sync(() => void driver.calls.push(call)),
    fault: (name) => Effect.sync(() => driver.faults.get(name)),
    die: Effect.suspend(() => {
      drivers.delete(endpoint)
      return Effect.die(dead)
    })
  })
  // By the name of the method in the same generated service that made the call.
  const handler = handlers[`${method.charAt(0).toLowerCase()}${method.slice(1)}`] as Handler
  return yield* handler(request).pipe(
    Effect.mapError(({ code, detail }) => errorOf(method, endpoint, code, detail)),
    Effect.catchDefect((defect) => defect === dead ? Effect.fail(dead) : Effect.die(defect)),
    Effect.timeoutOrElse({
      duration: callTimeoutMs,
      orElse: () => Effect.fail(errorOf(method, endpoint, GrpcCode.DeadlineExceeded, "context deadline exceeded"))
    })
  )
})

export const layer = (drivers: SimDrivers): Layer.Layer<Csi, never, HostFiles | Mounts> =>
  Layer.effect(
    Csi,
    Effect.gen(function*() {
      const context = yield* Effect.context<HostFiles | Mounts>()
      const open = (endpoint: string) => {
        const methods: Record<string, unknown> = {}
        for (const method of [...Identity.methods, ...Node.methods]) {
          methods[method.localName] = (init: MessageInitShape<DescMessage>) =>
            answer(drivers, endpoint, method.name, create(method.input, init)).pipe(
              Effect.map((result): MessageShape<DescMessage> => create(method.output, result)),
              Effect.provideContext(context)
            )
        }
        // The loop above is the only constructor of what `CsiDriver` describes; TypeScript cannot follow it.
        return methods as CsiDriver
      }
      return Csi.of({ open: (endpoint) => Effect.sync(() => open(endpoint)) })
    })
  )
