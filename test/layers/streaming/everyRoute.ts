/**
 * Every route of the node's server with what it takes to use it. A route that is not listed here fails a test, so that
 * nobody adds one without saying who may use it.
 */
import { Effect, Layer } from "effect"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import { Cgroups } from "../../../src/layers/host/Cgroups.ts"
import { HostFiles } from "../../../src/layers/host/HostFiles.ts"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import { NodeFacts } from "../../../src/layers/host/NodeFacts.ts"
import * as NodeServerLive from "../../../src/layers/streaming/NodeServerLive.ts"
import { bareMachine, model, options, runningPod } from "./fixture.ts"

export interface KnownRoute {
  readonly pattern: string
  /** A request for it. */
  readonly ask: `${"GET" | "POST" | "PUT"} /${string}`
  /** Each of these is enough: a verb and a subresource of the Node (O2). */
  readonly rights: readonly [string, ...ReadonlyArray<string>]
}

const proxied = (verb: string, own?: string): KnownRoute["rights"] =>
  own === undefined ? [`${verb} proxy`] : [`${verb} ${own}`, `${verb} proxy`]

export const everyRoute: ReadonlyArray<KnownRoute> = [
  { pattern: "/healthz", ask: "GET /healthz", rights: proxied("get", "healthz") },
  { pattern: "/healthz/{name}", ask: "GET /healthz/ping", rights: proxied("get", "healthz") },
  { pattern: "/pods", ask: "GET /pods", rights: proxied("get", "pods") },
  { pattern: "/runningpods", ask: "GET /runningpods/", rights: proxied("get", "pods") },
  { pattern: "/configz", ask: "GET /configz", rights: proxied("get", "configz") },
  { pattern: "/statusz", ask: "GET /statusz", rights: proxied("get", "statusz") },
  { pattern: "/flagz", ask: "GET /flagz", rights: proxied("get") },
  { pattern: "/metrics", ask: "GET /metrics", rights: ["get metrics"] },
  { pattern: "/metrics/probes", ask: "GET /metrics/probes", rights: ["get metrics"] },
  { pattern: "/metrics/slis", ask: "GET /metrics/slis", rights: ["get metrics"] },
  { pattern: "/metrics/resource", ask: "GET /metrics/resource", rights: ["get metrics"] },
  { pattern: "/metrics/cadvisor", ask: "GET /metrics/cadvisor", rights: ["get metrics"] },
  { pattern: "/stats/summary", ask: "GET /stats/summary", rights: ["get stats"] },
  { pattern: "/logs/*", ask: "GET /logs/", rights: ["get log"] },
  { pattern: "/containerLogs/{namespace}/{pod}/{container}", ask: "GET /containerLogs/ns/a/c", rights: proxied("get") },
  {
    pattern: "/checkpoint/{namespace}/{pod}/{container}",
    ask: "POST /checkpoint/ns/a/c",
    rights: ["create checkpoint"]
  },
  { pattern: "/run/{namespace}/{pod}/{container}", ask: "POST /run/ns/a/c?cmd=id", rights: proxied("create") },
  {
    pattern: "/run/{namespace}/{pod}/{uid}/{container}",
    ask: "POST /run/ns/a/a-uid/c?cmd=id",
    rights: proxied("create")
  },
  {
    pattern: "/exec/{namespace}/{pod}/{container}",
    ask: "POST /exec/ns/a/c?command=id&output=1",
    rights: proxied("create")
  },
  {
    pattern: "/exec/{namespace}/{pod}/{uid}/{container}",
    ask: "POST /exec/ns/a/a-uid/c?command=id&output=1",
    rights: proxied("create")
  },
  { pattern: "/attach/{namespace}/{pod}/{container}", ask: "POST /attach/ns/a/c?output=1", rights: proxied("create") },
  {
    pattern: "/attach/{namespace}/{pod}/{uid}/{container}",
    ask: "POST /attach/ns/a/a-uid/c?output=1",
    rights: proxied("create")
  },
  { pattern: "/portForward/{namespace}/{pod}", ask: "POST /portForward/ns/a", rights: proxied("create") },
  { pattern: "/portForward/{namespace}/{pod}/{uid}", ask: "POST /portForward/ns/a/a-uid", rights: proxied("create") },
  { pattern: "/debug/pprof/*", ask: "GET /debug/pprof/profile", rights: proxied("get") },
  { pattern: "/debug/flags/*", ask: "PUT /debug/flags/v", rights: proxied("update") }
]

/** Whose connections are handed over once they are let in. */
export const isStream = ({ pattern }: KnownRoute): boolean => /^\/(exec|attach|portForward)\//.test(pattern)

/** A server that has everything there is, on a folder of the test's own. */
export const everything = (folder: string): NodeServerLive.NodeServerOptions => ({
  ...options,
  systemLogs: folder,
  checkpoints: `${folder}/checkpoints`,
  zpages: { version: "v1.36.0", flags: {} }
})

/** The patterns of the routes that a server really has. */
export const servedPatterns = (folder: string) =>
  Effect.gen(function*() {
    const services = {
      model: model([runningPod("a")]),
      cri: yield* Cri,
      files: yield* HostFiles,
      cgroups: yield* Cgroups,
      facts: yield* NodeFacts
    }
    const { healthz, main, readOnly } = NodeServerLive.portRoutes(services, everything(folder))
    const patterns = (routes: ReadonlyArray<{ readonly pattern: string }>) =>
      [...new Set(routes.map(({ pattern }) => pattern))].sort()
    return { main: patterns(main), readOnly: patterns(readOnly), healthz: patterns(healthz) }
  }).pipe(Effect.provide(Layer.mergeAll(Layer.mock(Cri)({}), HostFilesLive.layer, bareMachine)))
