/**
 * `KubeApi` over HTTP: JSON with keep-alive connections, TLS and credentials of a kubeconfig, a rate limit and a deadline
 * for every call. Provides the heartbeat profile too, over connections of its own (A5, B15).
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Context, Effect, Layer, Option, Stream } from "effect"
import { HeartbeatApi } from "./HeartbeatApi.ts"
import { KubeApi } from "./KubeApi.ts"
import type { ServerAccess } from "./Kubeconfig.ts"
import * as Credentials from "./live/credentials.ts"
import { makeLimit, makeSender, type SenderOptions } from "./live/send.ts"
import * as Transport from "./live/transport.ts"
import { makeVerbs } from "./live/verbs.ts"
import { makeWatch } from "./live/watch.ts"

export interface Options {
  /** Requests a second; 0 or less means no limit. */
  readonly qps: number
  readonly burst: number
  /** For a whole call, and for the headers of a watch. */
  readonly timeoutMs: number
  /** Lease duration or status period, the shorter one. */
  readonly heartbeatTimeoutMs: number
  readonly userAgent: string
  readonly pageSize: number
  /** The server closes a watch after a random time between these. */
  readonly watchSeconds: readonly [min: number, max: number]
}

const architectures: Readonly<Record<string, string>> = { x64: "amd64" }

export const defaults: Options = {
  qps: 50,
  burst: 100,
  timeoutMs: 30_000,
  heartbeatTimeoutMs: 10_000,
  userAgent: `kubelet/v1.36.0 (linux/${architectures[process.arch] ?? process.arch}) kubeffect`,
  pageSize: 500,
  watchSeconds: [300, 600]
}

type Profile = Pick<SenderOptions, "transport" | "limit" | "timeoutMs" | "onPath"> & {
  /** Watches never end, so they must not take the connections of calls. */
  readonly watches: Transport.Transport
}

/** A handshake costs more than a dozen calls: when fifty pods report at once, most wait for a connection instead. */
const callConnections = 8

/** Talks to the server of `access`; `options` override `defaults`. */
export const layer = (
  access: ServerAccess,
  options: Partial<Options> = {}
): Layer.Layer<KubeApi | HeartbeatApi> =>
  Layer.effectContext(Effect.gen(function*() {
    const settings: Options = { ...defaults, ...options }
    const credentials = yield* Credentials.make(access)
    const client = ({ watches, ...profile }: Profile) => {
      const options: SenderOptions = { access, credentials, userAgent: settings.userAgent, ...profile }
      const watching = makeSender({ ...options, transport: watches })
      return KubeApi.of({ ...makeVerbs(makeSender(options), settings), watch: makeWatch(watching, settings) })
    }
    const calls = yield* Transport.make(access, callConnections)
    const watches = yield* Transport.make(access)
    const heartbeats = yield* Transport.make(access)

    // A heartbeat without an answer suspects its own connections; the second in a row suspects the whole path.
    let unanswered = 0
    const onHeartbeat = (answered: boolean) =>
      Effect.suspend(() => {
        unanswered = answered ? 0 : unanswered + 1
        if (unanswered === 0) return Effect.void
        if (unanswered < 2) return heartbeats.drop
        return Effect.all([heartbeats.drop, calls.drop, watches.drop], { discard: true })
      })
    const kubeApi = client({
      transport: calls,
      watches,
      limit: yield* makeLimit(settings),
      timeoutMs: settings.timeoutMs,
      onPath: () => Effect.void
    })
    const heartbeat = client({
      transport: heartbeats,
      watches: heartbeats,
      limit: Effect.void,
      timeoutMs: settings.heartbeatTimeoutMs,
      onPath: onHeartbeat
    })
    const lines = [calls, watches, heartbeats]
    yield* credentials.hints.pipe(
      Stream.mapEffect(() => Effect.andThen(credentials.refresh, Effect.option(credentials.current))),
      Stream.filter(Option.isSome),
      Stream.runForEach(({ value }) => Effect.forEach(lines, (line) => line.move(value.tls), { discard: true })),
      Effect.forkScoped
    )
    return Context.make(KubeApi, kubeApi).pipe(Context.add(HeartbeatApi, heartbeat))
  })).pipe(Layer.provide(NodeServices.layer))
