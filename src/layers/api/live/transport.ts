/**
 * The connections to one API server. They are replaced as a whole when certificates change (A12) and dropped as a whole
 * when the path to the server looks dead (B15); requests under way on replaced connections finish on them.
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Agent, type Dispatcher, ProxyAgent, Socks5ProxyAgent } from "@effect/platform-node/Undici"
import { Effect } from "effect"
import type { HttpClient } from "effect/http"
import type { ServerAccess } from "../Kubeconfig.ts"
import type { TlsMaterial } from "./credentials.ts"

interface Pool {
  readonly tls: TlsMaterial
  readonly dispatcher: Dispatcher
  readonly client: HttpClient.HttpClient
}

export interface Transport {
  /** A client whose connections present `tls`. */
  readonly client: (tls: TlsMaterial) => Effect.Effect<HttpClient.HttpClient>
  /** Breaks every connection; the next request opens a new one. */
  readonly drop: Effect.Effect<void>
}

const dispatcherOf = (access: ServerAccess, tls: TlsMaterial, connections: number | undefined): Dispatcher => {
  const connect = {
    ...tls,
    rejectUnauthorized: !access.insecure,
    timeout: 10_000,
    keepAlive: true,
    keepAliveInitialDelay: 15_000,
    ...(access.serverName !== undefined && { servername: access.serverName })
  }
  const options = {
    // One request per connection: a watch must not share its fate, or its window, with other calls.
    allowH2: false,
    // Shorter than any server's or load balancer's own, so that a write seldom meets a closing connection.
    keepAliveTimeout: 30_000,
    ...(connections !== undefined && { connections })
  }
  if (access.proxyUrl === undefined) return new Agent({ ...options, connect })
  return access.proxyUrl.startsWith("socks5:")
    ? new Socks5ProxyAgent(access.proxyUrl, { ...options, requestTls: connect })
    : new ProxyAgent({ ...options, uri: access.proxyUrl, requestTls: connect })
}

const sameTls = (a: TlsMaterial, b: TlsMaterial): boolean => a.ca === b.ca && a.cert === b.cert && a.key === b.key

const open = Effect.fnUntraced(function*(access: ServerAccess, tls: TlsMaterial, connections: number | undefined) {
  const dispatcher = dispatcherOf(access, tls, connections)
  const client = yield* Effect.provideService(NodeHttpClient.makeUndici, NodeHttpClient.Dispatcher, dispatcher)
  const pool: Pool = { tls, dispatcher, client }
  return pool
})

/** `connections`: how many there are at most, where the requests that find none free wait; absent: as many as requests. */
export const make = Effect.fnUntraced(function*(access: ServerAccess, connections?: number) {
  const scope = yield* Effect.scope
  // The newest is last; older ones only finish what they began.
  const pools = new Set<Pool>()
  let newest: Pool | undefined
  const destroy = (pool: Pool) => Effect.promise(() => pool.dispatcher.destroy())
  const drop = Effect.suspend(() => {
    const dropped = [...pools]
    pools.clear()
    newest = undefined
    return Effect.forEach(dropped, destroy, { discard: true, concurrency: "unbounded" })
  })
  yield* Effect.addFinalizer(() => drop)
  const retire = (pool: Pool) =>
    Effect.promise(() => pool.dispatcher.close()).pipe(
      Effect.andThen(Effect.sync(() => pools.delete(pool))),
      Effect.forkIn(scope)
    )
  const transport: Transport = {
    client: Effect.fnUntraced(function*(tls) {
      const current = newest
      if (current !== undefined && sameTls(current.tls, tls)) return current.client
      const next = yield* open(access, tls, connections)
      pools.add(next)
      newest = next
      if (current !== undefined) yield* retire(current)
      return next.client
    }),
    drop
  }
  return transport
})
