/** Connections to a server, straight to it: HTTP/1.1 with keep-alive, by Node's own client. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Schedule } from "effect"
import type { HttpClient } from "effect/http"
import * as http from "node:http"
import * as https from "node:https"
import type { TlsMaterial } from "./credentials.ts"

export interface ConnectionOptions {
  readonly tls: TlsMaterial & { readonly rejectUnauthorized: boolean; readonly servername?: string }
  /** How many there are at most, where the requests that find none free wait; absent: as many as requests. */
  readonly limit: number | undefined
}

/** Shorter than any server's or load balancer's own, so that a write seldom meets a closing connection. */
export const idleMs = 30_000
/** Of a silent connection, before the kernel asks whether the other side is there. */
export const keepAliveMs = 15_000

/** Connections that were opened with the same certificates. */
export interface Connections {
  readonly client: HttpClient.HttpClient
  /** Closes each as soon as no request uses it; ends when the last is closed. */
  readonly close: Effect.Effect<void>
  /** Breaks all of them. */
  readonly destroy: Effect.Effect<void>
}

/** One request per connection: a watch must not share its fate, or its window, with other calls. */
export const openDirect = Effect.fnUntraced(function*({ limit, tls }: ConnectionOptions) {
  const options = {
    keepAlive: true,
    keepAliveMsecs: keepAliveMs,
    timeout: idleMs,
    ...(limit !== undefined && { maxSockets: limit })
  }
  const agent = { http: new http.Agent(options), https: new https.Agent({ ...options, ...tls }) }
  const both: ReadonlyArray<http.Agent> = [agent.http, agent.https]
  const closeUnused = () => {
    for (const one of both) {
      one.maxFreeSockets = 0
      for (const sockets of Object.values(one.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
    }
    return both.every(({ sockets }) => Object.keys(sockets).length === 0)
  }
  const connections: Connections = {
    client: yield* Effect.provideService(NodeHttpClient.makeNodeHttp, NodeHttpClient.HttpAgent, agent),
    close: Effect.sync(closeUnused).pipe(
      Effect.repeat({ schedule: Schedule.spaced("1 second"), until: (unused) => unused }),
      Effect.asVoid
    ),
    destroy: Effect.sync(() => {
      for (const one of both) one.destroy()
    })
  }
  return connections
})
