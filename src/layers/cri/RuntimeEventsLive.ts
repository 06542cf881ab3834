/**
 * Events of a real runtime: CRI's own where it has them (containerd 2, CRI-O), else those of containerd's event service
 * on the same socket, else none. Renews a subscription that breaks, and asks again when there is none to be had.
 */
import { Effect, Layer, Ref, Stream } from "effect"
import { Events } from "../../gen/containerd/service_pb.ts"
import { openChannel } from "../grpc/connect.ts"
import { Cri, type CriCalls, CriError } from "./Cri.ts"
import { containerdFilter, fromContainerdEvent, fromCriEvent } from "./eventMapping.ts"
import { type RuntimeEvent, RuntimeEvents, type RuntimeEventSource } from "./RuntimeEvents.ts"

export interface RuntimeEventsOptions {
  /** `containerRuntimeEndpoint`: where containerd's event service would be. */
  readonly endpoint: string
}

/** A subscription that was not refused within this time, the runtime answering meanwhile, holds. */
const probationMs = 100
const renewAfterMs = 250
/** A runtime without events is asked again this often: it may have been replaced by a newer one. */
const askAgainMs = 60_000

export const layer = (options: RuntimeEventsOptions): Layer.Layer<RuntimeEvents, never, Cri> =>
  Layer.effect(
    RuntimeEvents,
    Effect.gen(function*() {
      const cri = yield* Cri
      const source = yield* Ref.make<RuntimeEventSource>("none")
      const channel = yield* openChannel({ address: options.endpoint })
      const containerd = channel.client(Events, {
        name: "ContainerdEvents",
        metadata: { "containerd-namespace": "k8s.io" },
        timeoutMs: () => Number.POSITIVE_INFINITY,
        mapError: (error, method) =>
          new CriError({
            op: method.name,
            target: options.endpoint,
            reason: error.reason,
            code: error.code,
            detail: error.detail,
            cause: error.cause
          })
      })

      const fromCri = cri.getContainerEvents({}).pipe(Stream.map(fromCriEvent), announced(cri, source, "cri"))
      const fromContainerd = containerd.subscribe({ filters: [containerdFilter] }).pipe(
        Stream.map(fromContainerdEvent),
        Stream.filter((event) => event !== undefined),
        announced(cri, source, "containerd")
      )
      const fromNone = Stream.fromEffectDrain(Effect.sleep(askAgainMs))

      const subscription = fromCri.pipe(
        Stream.catchReason("CriError", "Unimplemented", () => fromContainerd),
        Stream.catchReason("CriError", "Unimplemented", () => fromNone),
        Stream.catch((error) => Stream.fromEffectDrain(Effect.logDebug("Runtime events interrupted", error))),
        Stream.ensuring(Ref.set(source, "none"))
      )
      return RuntimeEvents.of({
        events: subscription.pipe(
          Stream.concat(Stream.fromEffectDrain(Effect.sleep(renewAfterMs))),
          Stream.forever
        ),
        source: Ref.get(source)
      })
    })
  )

/** Adds the `Unknown` that opens a subscription, once it holds, and notes its source. */
const announced =
  (cri: CriCalls, source: Ref.Ref<RuntimeEventSource>, name: RuntimeEventSource) =>
  (events: Stream.Stream<RuntimeEvent, CriError>): Stream.Stream<RuntimeEvent, CriError> =>
    Stream.merge(
      events,
      Stream.fromEffect(
        // Only the runtime's answer shows that we are connected: a stream that is silent could be waiting for that.
        cri.version({}).pipe(
          Effect.andThen(Effect.sleep(probationMs)),
          Effect.andThen(Ref.set(source, name)),
          Effect.as<RuntimeEvent>({ containerId: "", kind: "Unknown" })
        )
      ),
      { haltStrategy: "left" }
    )
