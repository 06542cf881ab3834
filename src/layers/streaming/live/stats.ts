/** `/stats/summary`, `/metrics/resource` and `/metrics/cadvisor` (O6, O7): one reading, three forms. */
import { Effect, Result } from "effect"
import { cadvisorFamilies } from "../../../domain/stats/cadvisorMetrics.ts"
import { resourceFamilies } from "../../../domain/stats/resourceMetrics.ts"
import { summaryOf } from "../../../domain/stats/summary.ts"
import { exposition } from "./metrics.ts"
import { json, refuse, type ResponseRoute, route } from "./route.ts"
import type { ReadStats } from "./statsReader.ts"

export const statsRoutes = (
  read: ReadStats,
  version: Readonly<Record<string, string>>
): ReadonlyArray<ResponseRoute> => [
  route(["GET", "POST"], "/stats/summary", (_, { target: { query } }) => {
    const short = query.get("only_cpu_and_memory") ?? "false"
    if (!/^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(short)) {
      return Effect.fail(refuse(400, "parse only_cpu_and_memory parameter failed"))
    }
    return read.pipe(
      Effect.map((reading) => json(summaryOf(reading, /^(1|t)/i.test(short)))),
      Effect.catch((error) => Effect.fail(refuse(500, `Internal Error: ${error.message}`)))
    )
  }),
  route(
    ["GET", "HEAD"],
    "/metrics/resource",
    () =>
      Effect.map(
        Effect.result(read),
        (reading) => exposition(resourceFamilies(Result.isSuccess(reading) ? reading.success : undefined))
      )
  ),
  route(["GET", "HEAD"], "/metrics/cadvisor", () =>
    read.pipe(
      Effect.map((reading) => exposition(cadvisorFamilies(reading, version))),
      Effect.catch((error) => Effect.fail(refuse(500, `Internal Error: ${error.message}`)))
    ))
]
