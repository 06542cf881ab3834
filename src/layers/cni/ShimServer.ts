/** Where the shim plugins come with the requests of the container runtime. */
import { Context, type Effect, Schema, type Scope } from "effect"
import type { ShimAnswer, ShimRequest } from "../../domain/cni/shimRequest.ts"

/** The socket cannot be served. */
export class ShimServerError extends Schema.TaggedError<ShimServerError>()("ShimServerError", {
  path: Schema.String,
  detail: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `serve ${this.path}: ${this.detail}`
  }
}

export class ShimServer extends Context.Service<ShimServer, {
  /** Where shims find it. */
  readonly socketPath: string
  /**
   * Answers requests until the scope ends, each in a fiber of its own. A shim that goes away, as when the runtime has given
   * up, interrupts its handler; one that is sent no answer asks again.
   */
  readonly serve: <R>(
    handle: (request: ShimRequest) => Effect.Effect<ShimAnswer, never, R>
  ) => Effect.Effect<void, ShimServerError, R | Scope.Scope>
}>()("kubeffect/layers/cni/ShimServer") {}
