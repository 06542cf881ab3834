/** `/metrics`, `/metrics/probes` and `/metrics/slis`: what the agent counts, in Prometheus' text format. */
import { Effect } from "effect"
import { agentFamilies } from "../../../domain/stats/agentMetrics.ts"
import { contentType, type Family, renderFamilies } from "../../../domain/stats/exposition.ts"
import type { NodeReadModel } from "../NodeReadModel.ts"
import { isHealthMetric } from "./healthz.ts"
import { processFamilies, startTimeFamily } from "./processMetrics.ts"
import { registered } from "./registry.ts"
import { type ResponseRoute, route, text } from "./route.ts"

// Probe results have an endpoint of their own: a series for each container would bury the rest.
const isProbe = (name: string): boolean => name.startsWith("prober_")

export const exposition = (families: ReadonlyArray<Family>) => text(renderFamilies(families), contentType)

export const metricsRoutes = (model: NodeReadModel["Service"], version: string): ReadonlyArray<ResponseRoute> => [
  route(["GET", "HEAD"], "/metrics", () =>
    Effect.map(
      Effect.all([
        registered((name) => !isProbe(name) && !isHealthMetric(name)),
        processFamilies,
        readAgent(model, version)
      ]),
      (families) => exposition(families.flat())
    )),
  route(
    ["GET", "HEAD"],
    "/metrics/probes",
    () => Effect.map(registered(isProbe), (probes) => exposition([...probes, startTimeFamily]))
  ),
  route(["GET", "HEAD"], "/metrics/slis", () => Effect.map(registered(isHealthMetric), exposition))
]

const readAgent = Effect.fnUntraced(function*(model: NodeReadModel["Service"], version: string) {
  const pods = yield* model.pods
  const volumes = yield* Effect.forEach(pods, ({ metadata }) => model.volumeUsage(metadata.uid))
  return agentFamilies({
    nodeName: model.nodeName,
    version,
    pods,
    volumes: volumes.flat().map(({ measuredAtMs, ...volume }) => ({ ...volume, atMs: measuredAtMs }))
  })
})
