/** `/healthz` (O10): is the agent alive, as a whole or check by check. Why a check fails is for the log only. */
import { Effect, Metric, Option } from "effect"
import type { HealthReport, NodeReadModel } from "../NodeReadModel.ts"
import { refuse, type ResponseRoute, route, text } from "./route.ts"

/** What `/metrics/slis` shows: how each check went, each time that all were asked for. */
const result = Metric.gauge("kubernetes_healthcheck", {
  description: "This metric records the result of a single healthcheck."
})
const results = Metric.counter("kubernetes_healthchecks_total", {
  description: "This metric records the results of all healthcheck.",
  incremental: true
})

/** True for the metrics of health checks. */
export const isHealthMetric = (name: string): boolean => name.startsWith("kubernetes_healthcheck")

const count = Effect.fnUntraced(function*({ name, problem }: HealthReport) {
  const isWell = Option.isNone(problem)
  const labels = { name, type: "healthz" }
  yield* Metric.update(Metric.withAttributes(result, labels), isWell ? 1 : 0)
  yield* Metric.update(Metric.withAttributes(results, { ...labels, status: isWell ? "success" : "error" }), 1)
})

const ping: HealthReport = { name: "ping", problem: Option.none() }

export const healthzRoutes = (model: NodeReadModel["Service"]): ReadonlyArray<ResponseRoute> => {
  const reports = Effect.map(model.health, (others) => [ping, ...others.filter(({ name }) => name !== "ping")])
  const methods = ["GET", "HEAD"]
  return [
    route(methods, "/healthz", (_, { target: { query } }) =>
      Effect.flatMap(reports, (all) => {
        const excluded = new Set(query.getAll("exclude").filter((name) => name !== ""))
        const unknown = [...excluded].filter((name) => all.every((report) => report.name !== name))
        return verdict(all, excluded, unknown, query.has("verbose"))
      })),
    route(methods, "/healthz/{name}", ({ name }) =>
      Effect.flatMap(reports, (all) => {
        const report = all.find((candidate) => candidate.name === name)
        return report === undefined
          ? Effect.fail(refuse(404, "404: Page Not Found"))
          : Option.match(report.problem, {
            onNone: () => Effect.succeed(text("ok")),
            onSome: (problem) =>
              Effect.andThen(
                Effect.logInfo(`Health check ${name} failed: ${problem}`),
                Effect.fail(refuse(500, `internal server error: ${problem}\n`))
              )
          })
      }))
  ]
}

const verdict = Effect.fnUntraced(function*(
  reports: ReadonlyArray<HealthReport>,
  excluded: ReadonlySet<string>,
  unknown: ReadonlyArray<string>,
  verbose: boolean
) {
  let lines = ""
  const failed: Array<string> = []
  for (const report of reports) {
    const { name, problem } = report
    yield* count(report)
    if (excluded.has(name)) {
      lines += `[+]${name} excluded: ok\n`
    } else if (Option.isNone(problem)) {
      lines += `[+]${name} ok\n`
    } else {
      failed.push(name)
      lines += `[-]${name} failed: reason withheld\n`
      yield* Effect.logInfo(`Health check ${name} failed: ${problem.value}`)
    }
  }
  if (unknown.length > 0) {
    lines += `warn: some health checks cannot be excluded: no matches for ${
      unknown.map((name) => JSON.stringify(name)).join(", ")
    }\n`
  }
  return failed.length > 0
    ? yield* refuse(500, `${lines}healthz check failed\n`)
    : text(verbose ? `${lines}healthz check passed\n` : "ok")
})
