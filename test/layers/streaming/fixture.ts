/** A node's server over plain HTTP on a free port of loopback, with an agent and a runtime that only answer. */
import { Effect, Layer, Option, References } from "effect"
import * as http from "node:http"
import type { Socket } from "node:net"
import * as net from "node:net"
import { NotFound } from "../../../src/domain/failure.ts"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import { Cri, type CriCalls } from "../../../src/layers/cri/Cri.ts"
import { CgroupError, Cgroups } from "../../../src/layers/host/Cgroups.ts"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import { NodeFacts, NodeFactsError } from "../../../src/layers/host/NodeFacts.ts"
import type { Access } from "../../../src/layers/streaming/Access.ts"
import * as AccessLive from "../../../src/layers/streaming/AccessLive.ts"
import { NodeReadModel, NotOnNode } from "../../../src/layers/streaming/NodeReadModel.ts"
import { NodeServer } from "../../../src/layers/streaming/NodeServer.ts"
import * as NodeServerLive from "../../../src/layers/streaming/NodeServerLive.ts"

export const pod = (name: string, extra: Partial<Pod> = {}): Pod => ({
  metadata: { name, namespace: "ns", uid: `${name}-uid` },
  spec: { containers: [{ name: "c" }] },
  ...extra
})

export const runningPod = (name: string): Pod =>
  pod(name, {
    status: { containerStatuses: [{ name: "c", containerID: `fake://${name}-c`, state: { running: {} } }] }
  })

export const model = (
  pods: ReadonlyArray<Pod>,
  overrides: Partial<NodeReadModel["Service"]> = {}
): NodeReadModel["Service"] => {
  const find = (target: { readonly namespace: string; readonly pod: string; readonly uid?: string }) =>
    pods.find(({ metadata }) =>
      metadata.name === target.pod && metadata.namespace === target.namespace
      && (target.uid === undefined || target.uid === metadata.uid)
    )
  return NodeReadModel.of({
    nodeName: "node",
    pods: Effect.succeed(pods),
    runtimePods: Effect.succeed(pods),
    findContainer: (target) => {
      const found = find(target)
      if (found === undefined) {
        return Effect.fail(new NotOnNode({ what: "pod", name: target.pod }))
      }
      return found.spec.containers.some(({ name }) => name === target.container)
        ? Effect.succeed({
          containerId: `${target.pod}-${target.container}`,
          sandboxId: `${target.pod}-sandbox`,
          podUid: found.metadata.uid,
          state: "Running"
        })
        : Effect.fail(new NotOnNode({ what: "container", name: target.container }))
    },
    findSandbox: (target) =>
      find(target) === undefined
        ? Effect.fail(new NotOnNode({ what: "pod", name: target.pod }))
        : Effect.succeed(`${target.pod}-sandbox`),
    awaitContainerEnd: () => Effect.never,
    config: Effect.succeed({ kind: "KubeletConfiguration", maxPods: 110 }),
    health: Effect.succeed([
      { name: "log", problem: Option.none() },
      { name: "syncloop", problem: Option.none() }
    ]),
    capacity: Effect.succeed({ cpus: 2, memoryBytes: 1024 }),
    podCgroup: () => Option.none(),
    systemGroups: Effect.succeed([]),
    volumeUsage: () => Effect.succeed([]),
    ...overrides
  })
}

export const options: NodeServerLive.NodeServerOptions = {
  address: "127.0.0.1",
  port: 0,
  readOnlyPort: Option.some(0),
  healthz: Option.some({ address: "127.0.0.1", port: 0 }),
  enableDebuggingHandlers: true,
  splitStreams: false
}

export interface ServerSetup {
  readonly model: NodeReadModel["Service"]
  readonly cri?: Partial<CriCalls>
  readonly options?: Partial<NodeServerLive.NodeServerOptions>
  readonly access?: Layer.Layer<Access>
  /** The machine; one that tells nothing when absent. */
  readonly machine?: Layer.Layer<Cgroups | NodeFacts>
}

const away = new NotFound()

/** A machine that has no control groups, and says nothing of itself. */
export const bareMachine: Layer.Layer<Cgroups | NodeFacts> = Layer.mergeAll(
  Layer.mock(Cgroups)({
    stats: (path) => Effect.fail(new CgroupError({ op: "stats", path, reason: away, code: "ENOENT", detail: "none" })),
    children: () => Effect.succeed([])
  }),
  Layer.mock(NodeFacts)({
    read: Effect.fail(new NodeFactsError({ op: "read", target: "machine", reason: away }))
  })
)

/** Starts the server for the scope; gives its ports. */
export const start = Effect.fnUntraced(function*(setup: ServerSetup) {
  const needs = Layer.mergeAll(
    Layer.succeed(NodeReadModel)(setup.model),
    Layer.mock(Cri)(setup.cri ?? {}),
    HostFilesLive.layer,
    setup.machine ?? bareMachine,
    setup.access ?? AccessLive.layerLocal({ anonymous: true })
  )
  const context = yield* Layer.build(
    NodeServerLive.layerPlain({ ...options, ...setup.options }).pipe(Layer.provide(needs))
  ).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  return (yield* Effect.provide(NodeServer, context)).ports
})

export interface Reply {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
  /** The body as it came. */
  readonly bytes: Buffer
}

export const ask = (
  port: number,
  path: string,
  request: http.RequestOptions = {}
): Effect.Effect<Reply, Error> =>
  Effect.callback<Reply, Error>((resume) => {
    const outgoing = http.request({ host: "127.0.0.1", port, path, agent: false, ...request }, (response) => {
      const parts: Array<Buffer> = []
      response.on("data", (part: Buffer) => parts.push(part))
      response.on("error", (error) => resume(Effect.fail(error)))
      response.on("end", () => {
        const bytes = Buffer.concat(parts)
        resume(Effect.succeed({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: bytes.toString(),
          bytes
        }))
      })
    })
    outgoing.on("error", (error) => resume(Effect.fail(error)))
    outgoing.end()
    return Effect.sync(() => outgoing.destroy())
  })

export interface Upgraded {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly socket: Socket
}

/** Asks for an upgrade; fails with the reply when it is refused. The socket is closed with the scope. */
export const upgrade = (port: number, path: string, headers: http.OutgoingHttpHeaders = {}, method = "POST") =>
  Effect.acquireRelease(
    Effect.callback<Upgraded, Omit<Reply, "bytes">>((resume) => {
      const outgoing = http.request({
        host: "127.0.0.1",
        port,
        path,
        method,
        agent: false,
        headers: { connection: "Upgrade", upgrade: "SPDY/3.1", ...headers },
        createConnection: () => net.connect({ host: "127.0.0.1", port, allowHalfOpen: true })
      })
      outgoing.on("upgrade", (response, socket, head) => {
        if (head.length > 0) {
          socket.unshift(head)
        }
        socket.on("error", () => socket.destroy())
        resume(
          Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, socket: socket as Socket })
        )
      })
      outgoing.on("response", (response) => {
        let body = ""
        response.on("data", (part) => body += String(part))
        response.on(
          "end",
          () => resume(Effect.fail({ status: response.statusCode ?? 0, headers: response.headers, body }))
        )
      })
      outgoing.on("error", (error) => resume(Effect.fail({ status: 0, headers: {}, body: error.message })))
      outgoing.end()
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

/** The next `length` bytes. */
export const take = (socket: Socket, length: number): Effect.Effect<Buffer> =>
  Effect.callback<Buffer>((resume) => {
    const parts: Array<Buffer> = []
    let have = 0
    const more = () => {
      for (let part: Buffer | null; have < length && (part = socket.read() as Buffer | null) !== null;) {
        parts.push(part)
        have += part.length
      }
      if (have >= length || socket.readableEnded) {
        socket.off("readable", more)
        socket.off("end", more)
        const all = Buffer.concat(parts)
        if (all.length > length) {
          socket.unshift(all.subarray(length))
        }
        resume(Effect.succeed(all.subarray(0, length)))
      }
    }
    socket.on("readable", more)
    socket.on("end", more)
    more()
  })

export const closed = (socket: Socket): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    socket.resume()
    socket.once("close", () => resume(Effect.void))
    if (socket.destroyed) {
      resume(Effect.void)
    }
  })

/** The peer has nothing more to say. */
export const ended = (socket: Socket): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    socket.resume()
    socket.once("end", () => resume(Effect.void))
    if (socket.readableEnded) {
      resume(Effect.void)
    }
  })
