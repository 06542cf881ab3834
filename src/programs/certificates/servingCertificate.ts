/**
 * The certificate that the node's own server shows, asked of the cluster (`serverTLSBootstrap`, A13): for the addresses
 * that the node has, and anew when it has others. Until there is one the server shows none.
 */
import { Effect, Layer, Option, Stream, SubscriptionRef } from "effect"
import { servingTemplate } from "../../domain/certificates/template.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import { ServingKeyPair } from "../../layers/streaming/ServingKeyPair.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { NodeState } from "../node/NodeState.ts"
import { supervise } from "../supervise.ts"
import * as Store from "./certificateStore.ts"
import { keepCertificate } from "./keepCertificate.ts"

export interface Options {
  /** `--cert-dir` */
  readonly folder: string
  /** Gate AllowDNSOnlyNodeCSR. */
  readonly allowDnsOnly: boolean
}

export const layer = (
  { allowDnsOnly, folder }: Options
): Layer.Layer<ServingKeyPair, never, AgentConfig | KubeApi | NodeState | Store.Needs> =>
  Layer.effect(
    ServingKeyPair,
    Effect.gen(function*() {
      const { nodeName } = yield* AgentConfig
      const state = yield* NodeState
      const api = yield* KubeApi
      const place = { folder, name: "kubelet-server" }
      const shown = yield* SubscriptionRef.make(toPair(yield* Store.readCurrent(place)))
      const keep = Effect.gen(function*() {
        return yield* keepCertificate({
          purpose: "server",
          place,
          templates: Stream.map(
            state.nodeChanges,
            (node) => servingTemplate(nodeName, node?.status?.addresses ?? [], { allowDnsOnly })
          ),
          initial: yield* Store.readCurrent(place),
          adopted: false,
          api: () => Effect.succeed(api),
          use: (held) => SubscriptionRef.set(shown, toPair(held)),
          answered: () => Effect.void
        })
      })
      yield* Effect.forkScoped(supervise("serving certificate", Effect.scoped(keep)))
      return ServingKeyPair.of({
        current: SubscriptionRef.get(shown),
        changes: SubscriptionRef.changes(shown)
      })
    })
  )

const toPair = (held: Store.Held | undefined) =>
  Option.map(Option.fromUndefinedOr(held), ({ pem }) => ({ cert: pem, key: pem }))
