/** The node's server over `node:http(s)`: which port offers what (O1, O10), and to whom. */
import { Effect, Layer, Option, Schedule, type Scope } from "effect"
import { Cri } from "../cri/Cri.ts"
import { Cgroups } from "../host/Cgroups.ts"
import { HostFiles } from "../host/HostFiles.ts"
import { NodeFacts } from "../host/NodeFacts.ts"
import { Access } from "./Access.ts"
import { checkpointRoute } from "./live/checkpoint.ts"
import { containerLogsRoute } from "./live/containerLogs.ts"
import { healthzRoutes } from "./live/healthz.ts"
import { listen, type ListenError, type TlsOptions } from "./live/listen.ts"
import { metricsRoutes } from "./live/metrics.ts"
import { configzRoute, podsRoute, runningPodsRoute } from "./live/pods.ts"
import { mapRoute, refuse, type ResponseRoute, type Route, route } from "./live/route.ts"
import { runRoutes } from "./live/run.ts"
import { type Door, serve } from "./live/serve.ts"
import { statsRoutes } from "./live/stats.ts"
import { makeStatsReader, type StatsServices } from "./live/statsReader.ts"
import { streamRoots, streamRoutes, type StreamTarget } from "./live/streamTarget.ts"
import { systemLogsRoute } from "./live/systemLogs.ts"
import { tunnel } from "./live/tunnel.ts"
import { type ZPages, zpagesRoutes } from "./live/zpages.ts"
import { NodeReadModel } from "./NodeReadModel.ts"
import { NodeServer } from "./NodeServer.ts"
import { ServingCertificate } from "./ServingCertificate.ts"

export { ListenError } from "./live/listen.ts"

export interface NodeServerOptions {
  readonly address: string
  /** 10250; 0 takes any that is free. */
  readonly port: number
  readonly readOnlyPort: Option.Option<number>
  readonly healthz: Option.Option<{ readonly address: string; readonly port: number }>
  readonly enableDebuggingHandlers: boolean
  /** Gate PodLogsQuerySplitStreams. */
  readonly splitStreams: boolean
  /** What `/logs/` serves (`/var/log`); absent: nothing, as with `enableSystemLogHandler: false`. */
  readonly systemLogs?: string
  /** Where checkpoints are written (`R/checkpoints`); absent: none are made. */
  readonly checkpoints?: string
  /** `/statusz` and `/flagz`. */
  readonly zpages?: ZPages
  /** Whose file system `/stats/summary` counts as the node's (`R`). */
  readonly rootDir?: string
  /** Where the runtime writes the logs of pods. */
  readonly podLogsDir?: string
  /** How long a client may take over the header of a request (20 s). */
  readonly headerTimeoutMs?: number
}

const defaultHeaderTimeoutMs = 20_000
const healthzRetry = "5 seconds"

type Needs = Access | Cgroups | Cri | HostFiles | NodeFacts | NodeReadModel

/** Over TLS, as a node in a cluster serves. */
export const layer = (
  options: NodeServerOptions & Omit<TlsOptions, "certificate">
): Layer.Layer<NodeServer, ListenError, Needs | ServingCertificate> =>
  Layer.effect(NodeServer)(
    Effect.flatMap(ServingCertificate, (certificate) => make(options, Option.some({ ...options, certificate })))
  )

/** Over plain HTTP, for tests and simulated nodes. */
export const layerPlain = (options: NodeServerOptions): Layer.Layer<NodeServer, ListenError, Needs> =>
  Layer.effect(NodeServer)(make(options, Option.none()))

const make = Effect.fnUntraced(function*(
  options: NodeServerOptions,
  tls: Option.Option<TlsOptions>
): Effect.fn.Return<NodeServer["Service"], ListenError, Needs | Scope.Scope> {
  const services: StatsServices = {
    model: yield* NodeReadModel,
    cri: yield* Cri,
    files: yield* HostFiles,
    cgroups: yield* Cgroups,
    facts: yield* NodeFacts
  }
  const routes = portRoutes(services, options)
  const { headerTimeoutMs = defaultHeaderTimeoutMs } = options
  const { nodeName } = services.model
  const guarded: Door = { nodeName, access: Option.some(yield* Access) }
  const open: Door = { nodeName, access: Option.none() }
  const streams = options.enableDebuggingHandlers ? streamRoutes(services) : disabledRoutes
  const main = yield* listen({
    address: options.address,
    port: options.port,
    tls,
    headerTimeoutMs,
    app: serve(guarded, routes.main),
    upgrades: Option.some({
      isFor: (url) => streamRoots.has(url.split(/[/?]/, 2)[1] ?? ""),
      handle: (event) => tunnel(guarded, streams, event)
    })
  })
  const plain = (address: string, port: number, routes: ReadonlyArray<ResponseRoute>) =>
    listen({ address, port, tls: Option.none(), headerTimeoutMs, app: serve(open, routes), upgrades: Option.none() })
  const readOnly = yield* whenSome(
    options.readOnlyPort,
    (port) => plain(options.address, port, routes.readOnly)
  )
  const openHealthz = whenSome(
    options.healthz,
    ({ address, port }) => plain(address, port, routes.healthz)
  )
  const healthz = yield* Effect.catch(
    openHealthz,
    (error) =>
      Effect.logError("The health port cannot be opened; trying again every 5 seconds", error).pipe(
        // Whoever has the port may leave it (A15); the node itself works without.
        Effect.andThen(
          openHealthz.pipe(
            Effect.andThen(Effect.never),
            Effect.scoped,
            Effect.retry(Schedule.spaced(healthzRetry)),
            Effect.delay(healthzRetry),
            Effect.forkScoped
          )
        ),
        Effect.as(Option.none<number>())
      )
  )
  return NodeServer.of({ ports: { main, readOnly, healthz } })
})

const whenSome = <A, B, E, R>(option: Option.Option<A>, use: (value: A) => Effect.Effect<B, E, R>) =>
  Option.match(option, { onNone: () => Effect.succeedNone, onSome: (value) => Effect.asSome(use(value)) })

/** All that there is to ask for, by port. Who may ask on the main one is decided before a route is looked for. */
export const portRoutes = (services: StatsServices, options: NodeServerOptions) => {
  const common = commonRoutes(services, options)
  return {
    main: [...common, ...(options.enableDebuggingHandlers ? debugRoutes(services, options) : disabledRoutes)],
    readOnly: [...common, ...disabledRoutes],
    healthz: healthzRoutes(services.model)
  }
}

/** On the read-only port as well as on the main one. */
const commonRoutes = (services: StatsServices, options: NodeServerOptions): ReadonlyArray<ResponseRoute> => {
  const read = makeStatsReader(services, {
    rootDir: options.rootDir ?? "/var/lib/kubelet",
    podLogsDir: options.podLogsDir ?? "/var/log/pods"
  })
  return [
    ...healthzRoutes(services.model),
    podsRoute(services.model),
    ...metricsRoutes(services.model, options.zpages?.version ?? ""),
    ...statsRoutes(read, { cadvisorVersion: "", kubeletVersion: options.zpages?.version ?? "" })
  ]
}

/** What `enableDebuggingHandlers` stands for: all that acts on containers or shows their output. */
const debugRoutes = (services: StatsServices, options: NodeServerOptions): ReadonlyArray<ResponseRoute> => [
  ...streamRoutes(services).map((stream) =>
    mapRoute<StreamTarget, never>(stream, () => Effect.fail(refuse(400, "Upgrade request required")))
  ),
  ...runRoutes(services),
  containerLogsRoute(services, options),
  runningPodsRoute(services.model),
  configzRoute(services.model),
  options.systemLogs === undefined ? closed("/logs/*", "logs") : systemLogsRoute(services.files, options.systemLogs),
  ...(options.checkpoints === undefined ? [] : [checkpointRoute(services, options.checkpoints)]),
  ...(options.zpages === undefined ? [] : zpagesRoutes(options.zpages)),
  // Go's profiles; Node has its own tools for the same.
  closed("/debug/pprof/*", "profiling"),
  closed("/debug/flags/*", "flags")
]

const closed = (pattern: `/${string}`, name: string): ResponseRoute =>
  route(["*"], pattern, () => Effect.fail(refuse(405, `${name} endpoint is disabled.\n`)))

const disabledRoutes: ReadonlyArray<Route<never>> = ([
  "/run/*",
  "/exec/*",
  "/attach/*",
  "/portForward/*",
  "/containerLogs/*",
  "/runningpods/*",
  "/debug/pprof/*",
  "/logs/*"
] as const).map((pattern) =>
  route<never, typeof pattern>(["*"], pattern, () => Effect.fail(refuse(405, "Debug endpoints are disabled.\n")))
)
