/** Probes over the real network. Every try is a connection of its own, closed after it. */
import { Layer } from "effect"
import { health } from "./live/grpc.ts"
import { get } from "./live/http.ts"
import { connect } from "./live/tcp.ts"
import { Prober } from "./Prober.ts"
import { makeProber } from "./wire.ts"

export const layer: Layer.Layer<Prober> = Layer.succeed(Prober, Prober.of(makeProber({ get, connect, health })))
