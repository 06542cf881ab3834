/** `kubelet_http_*` (T2): how many requests, how long, how many at once, by method, path and port. */
import { Clock, Effect, Metric } from "effect"

// prometheus.DefBuckets
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const requests = Metric.counter("kubelet_http_requests_total", {
  description: "Number of the http requests received since the server started",
  incremental: true
})
const durations = Metric.histogram("kubelet_http_requests_duration_seconds", {
  description: "Duration in seconds to serve http requests",
  boundaries
})
const inflight = Metric.gauge("kubelet_http_inflight_requests", {
  description: "Number of the inflight http requests"
})

// Labels come from requests: only these values, or a scanner would make a series for every path it tries.
const knownMethods = new Set(["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT"])
const knownPaths = new Set([
  "attach",
  "checkpoint",
  "configz",
  "containerLogs",
  "debug",
  "exec",
  "flagz",
  "healthz",
  "logs",
  "metrics",
  "metrics/cadvisor",
  "metrics/probes",
  "metrics/resource",
  "pods",
  "portForward",
  "run",
  "runningpods",
  "stats",
  "statusz"
])
const longRunning = new Set(["exec", "attach", "portForward", "debug"])

const bucketOf = (path: string): string => {
  const [first = "", second] = path.slice(1).split("/")
  const bucket = first === "metrics" && second !== undefined ? `${first}/${second}` : first
  return knownPaths.has(bucket) ? bucket : "other"
}

/** Counts and times `self` as the handling of one request. */
export const measured = (
  request: { readonly method: string; readonly path: string },
  server: "readonly" | "readwrite"
) =>
<A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  const path = bucketOf(request.path)
  const labels = {
    method: knownMethods.has(request.method) ? request.method : "other",
    path,
    server_type: server,
    long_running: String(longRunning.has(path))
  }
  const count = Metric.withAttributes(requests, labels)
  const time = Metric.withAttributes(durations, labels)
  const open = Metric.withAttributes(inflight, labels)
  return Effect.flatMap(Clock.currentTimeMillis, (started) =>
    Metric.update(count, 1).pipe(
      Effect.andThen(Metric.modify(open, 1)),
      Effect.andThen(self),
      Effect.ensuring(
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Effect.andThen(Metric.modify(open, -1), Metric.update(time, (now - started) / 1000)))
      )
    ))
}
