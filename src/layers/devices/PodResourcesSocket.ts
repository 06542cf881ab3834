/** The socket at which monitoring agents ask who has which device: `podresources/v1` (parity O11). */
import { Context, type Effect, type Scope } from "effect"
import type { PodResourcesInit } from "../../domain/devices/podResources.ts"
import type { GrpcServeError } from "../grpc/Grpc.ts"

export interface PodResourcesAnswers {
  readonly list: Effect.Effect<ReadonlyArray<PodResourcesInit>>
  /** Undefined: no such pod. */
  readonly get: (pod: { readonly namespace: string; readonly name: string }) => Effect.Effect<
    PodResourcesInit | undefined
  >
  readonly allocatable: Effect.Effect<NonNullable<NonNullable<PodResourcesInit["containers"]>[number]["devices"]>>
}

export class PodResourcesSocket extends Context.Service<PodResourcesSocket, {
  /**
   * Answers until the scope ends; whoever asks more than a hundred times in a second is refused. The folder must exist, a
   * stale socket not.
   */
  readonly serve: (socketPath: string, answers: PodResourcesAnswers) => Effect.Effect<void, GrpcServeError, Scope.Scope>
}>()("kubeffect/layers/devices/PodResourcesSocket") {}
