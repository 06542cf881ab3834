/** `/healthz` (O10): is the agent alive, as a whole or check by check. Why a check fails is for the log only. */
import { Effect, Option } from "effect"
import type { HealthReport, NodeReadModel } from "../NodeReadModel.ts"
import { refuse, type ResponseRoute, route, text } from "./route.ts"

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
  for (const { name, problem } of reports) {
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
