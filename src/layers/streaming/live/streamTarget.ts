/**
 * What a request for a stream means (O5): the container or sandbox it is for, the streams it wants, and how the runtime
 * is asked to serve them.
 */
import { Effect, Option } from "effect"
import { type Cri, type CriError, GrpcCode } from "../../cri/Cri.ts"
import type { ContainerTarget, NodeReadModel, PodTarget } from "../NodeReadModel.ts"
import { containersOf } from "./podContainers.ts"
import { type NodeRequest, type Refusal, refuse, type Route, route } from "./route.ts"

export interface StreamServices {
  readonly cri: Cri["Service"]
  readonly model: NodeReadModel["Service"]
}

export interface StreamsWanted {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

export interface StreamTarget {
  readonly kind: "exec" | "attach" | "portForward"
  readonly streams: StreamsWanted
  /** Asks the runtime where it will serve the stream: a URL that is good for one use. */
  readonly open: Effect.Effect<URL, Refusal>
}

/** First segments of the paths whose connections are handed over. */
export const streamRoots: ReadonlySet<string> = new Set<StreamTarget["kind"]>(["exec", "attach", "portForward"])

/** The routes of streams, each giving what the request is for. */
export const streamRoutes = (services: StreamServices): ReadonlyArray<Route<StreamTarget>> => {
  // A WebSocket handshake is a GET, SPDY clients send POST; both are taken for either.
  const methods = ["GET", "POST"]
  const shell = (kind: "exec" | "attach") => (target: ContainerTarget, { target: { query } }: NodeRequest) =>
    shellTarget(services, kind, target, query)
  return [
    route(methods, "/exec/{namespace}/{pod}/{container}", shell("exec")),
    route(methods, "/exec/{namespace}/{pod}/{uid}/{container}", shell("exec")),
    route(methods, "/attach/{namespace}/{pod}/{container}", shell("attach")),
    route(methods, "/attach/{namespace}/{pod}/{uid}/{container}", shell("attach")),
    route(methods, "/portForward/{namespace}/{pod}", (target, request) => forwardTarget(services, target, request)),
    route(
      methods,
      "/portForward/{namespace}/{pod}/{uid}",
      (target, request) => forwardTarget(services, target, request)
    )
  ]
}

const wanted = (query: URLSearchParams, ...names: ReadonlyArray<string>): boolean =>
  names.some((name) => query.get(name) === "1" || query.get(name) === "true")

const shellTarget = Effect.fnUntraced(function*(
  { cri, model }: StreamServices,
  kind: "exec" | "attach",
  target: ContainerTarget,
  query: URLSearchParams
): Effect.fn.Return<StreamTarget, Refusal> {
  const asked = {
    stdin: wanted(query, "input", "stdin"),
    stdout: wanted(query, "output", "stdout"),
    stderr: wanted(query, "error", "stderr"),
    tty: wanted(query, "tty")
  }
  const pod = yield* findPod(model, target)
  // Whether an attached process has a terminal was decided when it started.
  const tty = kind === "exec"
    ? asked.tty
    : containersOf(pod).find(({ name }) => name === target.container)?.tty === true
  // A terminal has one output: the runtime refuses both.
  const streams = { ...asked, tty, stderr: asked.stderr && !tty }
  if (!streams.stdin && !streams.stdout && !streams.stderr) {
    return yield* refuse(400, "you must specify at least 1 of stdin, stdout, stderr")
  }
  const { containerId } = yield* model.findContainer(target).pipe(
    Effect.mapError((error) =>
      error.what === "pod" ? noPod : refuse(500, `container not found (${JSON.stringify(target.container)})`)
    )
  )
  const request = { containerId, ...streams }
  const call = kind === "exec" ? cri.exec({ ...request, cmd: query.getAll("command") }) : cri.attach(request)
  return { kind, streams, open: urlOf(call) }
})

const forwardTarget = Effect.fnUntraced(function*(
  { cri, model }: StreamServices,
  target: PodTarget,
  { headers, target: { query } }: NodeRequest
): Effect.fn.Return<StreamTarget, Refusal> {
  const port = yield* portsOf(headers, query)
  const { uid, ...named } = target
  const pod = yield* findPod(model, named)
  if (uid !== undefined && pod.metadata.uid !== uid) {
    return yield* refuse(404, "pod not found")
  }
  const podSandboxId = yield* model.findSandbox(target).pipe(
    Effect.mapError(() => refuse(500, `pod not found (${JSON.stringify(`${target.pod}_${target.namespace}`)})`))
  )
  const streams = { stdin: false, stdout: false, stderr: false, tty: false }
  return { kind: "portForward", streams, open: urlOf(cri.portForward({ podSandboxId, port: [...port] })) }
})

const noPod = refuse(404, "pod does not exist")

const findPod = Effect.fnUntraced(function*(model: NodeReadModel["Service"], target: PodTarget) {
  const found = (yield* model.pods).find(({ metadata }) =>
    metadata.name === target.pod && metadata.namespace === target.namespace
  )
  return found ?? (yield* noPod)
})

// SPDY names the port of each stream in its headers; a WebSocket names them all in its URL.
const portsOf = Effect.fnUntraced(function*(
  headers: NodeRequest["headers"],
  query: URLSearchParams
): Effect.fn.Return<ReadonlyArray<number>, Refusal> {
  const protocols = headers["sec-websocket-protocol"] ?? ""
  if (headers["upgrade"]?.toLowerCase() !== "websocket" || protocols.includes("SPDY/3.1+portforward.k8s.io")) {
    return []
  }
  const given = [...query.getAll("port"), ...query.getAll("ports")]
  if (given.length === 0) {
    return yield* refuse(400, `query parameter "port" is required`)
  }
  const ports: Array<number> = []
  for (const value of given) {
    if (value === "") {
      return yield* refuse(400, `query parameter "port" cannot be empty`)
    }
    for (const part of value.split(",")) {
      const port = /^\d{1,5}$/.test(part) ? Number(part) : Number.NaN
      if (!(port <= 65535)) {
        return yield* refuse(400, `unable to parse ${JSON.stringify(value)} as a port`)
      }
      if (port < 1) {
        return yield* refuse(400, `port ${JSON.stringify(value)} must be > 0`)
      }
      ports.push(port)
    }
  }
  return ports
})

const urlOf = (call: Effect.Effect<{ readonly url: string }, CriError>): Effect.Effect<URL, Refusal> =>
  call.pipe(
    Effect.mapError(streamRefusal),
    Effect.flatMap(({ url }) =>
      Option.match(parseUrl(url), {
        onNone: () => Effect.fail(refuse(500, `the runtime gave no usable streaming URL: ${JSON.stringify(url)}`)),
        onSome: Effect.succeed
      })
    )
  )

const parseUrl = Option.liftThrowable((url: string) => new URL(url))

// The runtime limits how many streams may wait to be picked up; they expire after a minute.
const streamRefusal = (error: CriError): Refusal =>
  error.code === GrpcCode.NotFound
    ? refuse(404, error.detail)
    : error.code === GrpcCode.ResourceExhausted
    ? refuse(429, error.detail, { "retry-after": "60" })
    : refuse(500, error.detail)
