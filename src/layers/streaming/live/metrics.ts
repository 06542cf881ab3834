/** `/metrics` and `/metrics/probes`: what the agent counts, in Prometheus' text format. */
import { Effect } from "effect"
import { contentType, type Family, renderFamilies } from "../../../domain/stats/exposition.ts"
import { processFamilies, startTimeFamily } from "./processMetrics.ts"
import { registered } from "./registry.ts"
import { type ResponseRoute, route, text } from "./route.ts"

// Probe results have an endpoint of their own: a series for each container would bury the rest.
const isProbe = (name: string): boolean => name.startsWith("prober_")

export const exposition = (families: ReadonlyArray<Family>) => text(renderFamilies(families), contentType)

export const metricsRoutes: ReadonlyArray<ResponseRoute> = [
  route(["GET", "HEAD"], "/metrics", () =>
    Effect.map(
      Effect.all([registered((name) => !isProbe(name)), processFamilies]),
      (families) => exposition(families.flat())
    )),
  route(
    ["GET", "HEAD"],
    "/metrics/probes",
    () => Effect.map(registered(isProbe), (probes) => exposition([...probes, startTimeFamily]))
  )
]
