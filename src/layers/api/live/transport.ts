/**
 * The connections to one API server. They are replaced as a whole when certificates change (A12) and dropped as a whole
 * when the path to the server looks dead (B15); requests under way on replaced connections finish on them, watches move.
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Agent, type Dispatcher, ProxyAgent, Socks5ProxyAgent } from "@effect/platform-node/Undici"
import { Deferred, Effect } from "effect"
import type { HttpClient } from "effect/http"
import type { ServerAccess } from "../Kubeconfig.ts"
import type { TlsMaterial } from "./credentials.ts"

interface Pool {
  readonly tls: TlsMaterial
  readonly dispatcher: Dispatcher
  readonly client: HttpClient.HttpClient
  readonly replaced: Deferred.Deferred<void>
}

export interface Line {
  readonly client: HttpClient.HttpClient
  /** Ends when what the connections present is no longer what is to be presented. */
  readonly replaced: Effect.Effect<void>
}

export interface Transport {
  /** Connections that present `tls`. */
  readonly line: (tls: TlsMaterial) => Effect.Effect<Line>
  /** The line of before moves to these, unless there was none. */
  readonly move: (tls: TlsMaterial) => Effect.Effect<void>
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

const handOverMs = 1_000
/** Longer than any call may take. */
const lastCallMs = 60_000

const sameTls = (a: TlsMaterial, b: TlsMaterial): boolean => a.ca === b.ca && a.cert === b.cert && a.key === b.key

const open = Effect.fnUntraced(function*(access: ServerAccess, tls: TlsMaterial, connections: number | undefined) {
  const dispatcher = dispatcherOf(access, tls, connections)
  const client = yield* Effect.provideService(NodeHttpClient.makeUndici, NodeHttpClient.Dispatcher, dispatcher)
  const pool: Pool = { tls, dispatcher, client, replaced: yield* Deferred.make<void>() }
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
    Deferred.succeed(pool.replaced, undefined).pipe(
      // Who took this line a moment ago is about to use it.
      Effect.andThen(Effect.sleep(handOverMs)),
      Effect.andThen(Effect.promise(() => pool.dispatcher.close())),
      Effect.timeoutOption(lastCallMs),
      Effect.andThen(destroy(pool)),
      Effect.andThen(Effect.sync(() => pools.delete(pool))),
      Effect.forkIn(scope)
    )
  const lineOf = ({ client, replaced }: Pool): Line => ({ client, replaced: Deferred.await(replaced) })
  const transport: Transport = {
    line: Effect.fnUntraced(function*(tls) {
      const current = newest
      if (current !== undefined && sameTls(current.tls, tls)) return lineOf(current)
      const next = yield* open(access, tls, connections)
      pools.add(next)
      newest = next
      if (current !== undefined) yield* retire(current)
      return lineOf(next)
    }),
    move: (tls) => Effect.suspend(() => newest === undefined ? Effect.void : Effect.asVoid(transport.line(tls))),
    drop
  }
  return transport
})
