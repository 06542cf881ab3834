/** `/containerLogs` (O4): finds whose log is meant, and streams it. */
import { Clock, Effect, Option, Result, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { type LogQuery, parseLogQuery, sinceOf } from "../../../domain/logs/query.ts"
import type { LogFilter } from "../../../domain/logs/reading.ts"
import { logSource, runtimeIdOf } from "../../../domain/logs/source.ts"
import { ContainerState, type Cri } from "../../cri/Cri.ts"
import type { HostFiles } from "../../host/HostFiles.ts"
import type { NodeReadModel } from "../NodeReadModel.ts"
import { followLog, readLog } from "./logStream.ts"
import { containersOf } from "./podContainers.ts"
import { type NodeRequest, refuse, type ResponseRoute, route } from "./route.ts"

export interface LogServices {
  readonly model: NodeReadModel["Service"]
  readonly cri: Cri["Service"]
  readonly files: HostFiles["Service"]
}

export const containerLogsRoute = (
  services: LogServices,
  options: { readonly splitStreams: boolean }
): ResponseRoute => {
  const { cri, files, model } = services
  const handle = Effect.fnUntraced(function*(
    { container, namespace, pod: name }: {
      readonly namespace: string
      readonly pod: string
      readonly container: string
    },
    { target }: NodeRequest
  ) {
    const query = yield* Effect.fromResult(parseLogQuery(target.query, options)).pipe(
      Effect.mapError(({ message, status }) => refuse(status, message))
    )
    const pod = (yield* model.pods).find(({ metadata }) => metadata.name === name && metadata.namespace === namespace)
    if (pod === undefined) {
      return yield* refuse(404, `pod ${JSON.stringify(name)} does not exist`)
    }
    if (containersOf(pod).every((declared) => declared.name !== container)) {
      return yield* refuse(404, `container ${JSON.stringify(container)} not found in pod ${JSON.stringify(name)}`)
    }
    const id = yield* Effect.fromResult(
      Result.mapError(logSource(name, container, pod.status, query.previous), (message) => refuse(400, message))
    )
    const containerId = runtimeIdOf(id)
    const { status } = yield* cri.containerStatus({ containerId }).pipe(
      Effect.mapError(() => refuse(400, `unable to retrieve container logs for ${id}`))
    )
    const path = status?.logPath ?? ""
    // Opened now, while a failure can still be told by the answer's status.
    yield* files.stat(path).pipe(
      Effect.mapError(({ detail }) => refuse(400, `failed to open log file ${JSON.stringify(path)}: ${detail}`))
    )
    const source = { path, filter: filterOf(query, yield* Clock.currentTimeMillis), tailLines: query.tailLines }
    const isRunning = cri.containerStatus({ containerId }).pipe(
      Effect.map((answer) => answer.status?.state === ContainerState.CONTAINER_RUNNING),
      // A container that is gone does not run; a runtime that is away says nothing about it.
      Effect.catchReason("CriError", "NotFound", () => Effect.succeed(false)),
      Effect.orElseSucceed(() => true)
    )
    const bytes = query.follow
      ? followLog(files, source, { ended: model.awaitContainerEnd(containerId), isRunning })
      : readLog(files, source)
    return HttpServerResponse.stream(withFailure(bytes), {
      contentType: "text/plain; charset=utf-8",
      headers: { "x-content-type-options": "nosniff" }
    })
  })
  return route(["GET"], "/containerLogs/{namespace}/{pod}/{container}", handle)
}

const filterOf = (query: LogQuery, nowMs: number): LogFilter => ({
  since: sinceOf(query, nowMs),
  timestamps: query.timestamps,
  limitBytes: query.limitBytes,
  stream: query.stream,
  // What is written while the tail is read is not part of it.
  maxEntries: query.follow ? Option.none() : query.tailLines
})

// The status is long sent: as with the kubelet, the reader finds the reason where the log breaks off. The empty bytes
// send the headers, so that a follower of a silent container knows that it is connected.
const withFailure = <E extends { readonly message: string }>(bytes: Stream.Stream<Uint8Array, E>) =>
  Stream.concat(
    Stream.succeed(new Uint8Array(0)),
    bytes.pipe(
      Stream.catch((error) =>
        Stream.fromEffect(
          Effect.as(
            Effect.logWarning("Reading a container's log failed", error),
            new TextEncoder().encode(error.message)
          )
        )
      )
    )
  )
