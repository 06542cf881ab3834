/** The certificate the node's server shows, and the CAs it checks those of its clients against (A13, A14). */
import { Context, type Effect, type Option, type Stream } from "effect"
import type { KeyPair } from "./ServingKeyPair.ts"

/** All in PEM. */
export interface TlsMaterial {
  /** None: nobody can be shown who this is, so that no connection comes about. */
  readonly pair: Option.Option<KeyPair>
  /** None: client certificates are not for proving anything. */
  readonly clientCa: Option.Option<string>
}

export class ServingCertificate extends Context.Service<ServingCertificate, {
  /** What new connections use now. */
  readonly current: Effect.Effect<TlsMaterial>
  /** What they use from then on, whenever it changes. Never ends, never fails: bad material is reported and not used. */
  readonly changes: Stream.Stream<TlsMaterial>
}>()("kubeffect/layers/streaming/ServingCertificate") {}
