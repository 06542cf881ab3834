/**
 * The certificate by which the API server knows the node (A11, A12). What is kept in the folder is what the connections
 * to the server present; here it is asked for, renewed, and given up when it cannot be had.
 */
import { Clock, Context, Effect, Layer, Ref, Schema, Stream } from "effect"
import { isLost } from "../../domain/certificates/rotation.ts"
import { clientTemplate } from "../../domain/certificates/template.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import * as Store from "./certificateStore.ts"
import { keepCertificate, longestSleepMs } from "./keepCertificate.ts"

/** The node has had no valid certificate for too long, from a server that does answer. */
export class ClientCertificateLost extends Schema.TaggedError<ClientCertificateLost>()("ClientCertificateLost", {
  lastValidMs: Schema.Number
}) {
  override get message(): string {
    return "no valid client certificate since " + new Date(this.lastValidMs).toISOString() +
      " and the API server is responsive: a new start may bootstrap one"
  }
}

export class ClientCertificate extends Context.Service<ClientCertificate, {
  /** Keeps the certificate valid. Never ends but by failing, for then only a new start with other credentials helps. */
  readonly keep: Effect.Effect<never, ClientCertificateLost>
}>()("kubeffect/programs/certificates/ClientCertificate") {}

/** For nodes whose credentials are kept by somebody else. */
export const layerNone = Layer.succeed(ClientCertificate)(ClientCertificate.of({ keep: Effect.never }))

export interface Options {
  readonly nodeName: string
  readonly place: Store.Place
  /** The current one came with the kubeconfig. */
  readonly adopted: boolean
  /** Who asks while there is no valid certificate; the node itself when absent. */
  readonly bootstrap?: KubeApi["Service"]
}

/** How often a node without a certificate looks whether it has waited long enough. */
const lookMs = 10_000

export const layer = (options: Options): Layer.Layer<ClientCertificate, never, KubeApi | Store.Needs> =>
  Layer.effect(
    ClientCertificate,
    Effect.gen(function*() {
      const own = yield* KubeApi
      const context = yield* Effect.context<Store.Needs>()
      const initial = yield* Store.readCurrent(options.place)
      const held = yield* Ref.make(initial)
      const serverAnswers = yield* Ref.make(false)
      const keeping = keepCertificate({
        purpose: "client",
        place: options.place,
        templates: Stream.concat(Stream.succeed(clientTemplate(options.nodeName)), Stream.never),
        initial,
        adopted: options.adopted,
        api: (valid) => Effect.succeed(valid ? own : options.bootstrap ?? own),
        use: (next) => Ref.update(held, (last) => next ?? last),
        answered: (answered) => Ref.set(serverAnswers, answered)
      })
      const watchdog = Effect.gen(function*() {
        const startedMs = yield* Clock.currentTimeMillis
        while (true) {
          const nowMs = yield* Clock.currentTimeMillis
          const notAfterMs = (yield* Ref.get(held))?.facts.notAfterMs ?? 0
          const lastValidMs = Math.min(nowMs, Math.max(startedMs, notAfterMs))
          if (isLost({ lastValidMs, serverAnswers: yield* Ref.get(serverAnswers), nowMs })) {
            return yield* new ClientCertificateLost({ lastValidMs })
          }
          yield* Effect.sleep(Math.min(Math.max(notAfterMs - nowMs, lookMs), longestSleepMs))
        }
      })
      return ClientCertificate.of({
        keep: Effect.raceFirst(keeping, watchdog).pipe(Effect.scoped, Effect.provide(context))
      })
    })
  )
