/**
 * The connections to one API server. They are replaced as a whole when certificates change (A12) and dropped as a whole
 * when the path to the server looks dead (B15); requests under way on replaced connections finish on them, watches move.
 */
import { Deferred, Effect } from "effect"
import type { HttpClient } from "effect/http"
import type { ServerAccess } from "../Kubeconfig.ts"
import { type Connections, openDirect } from "./connections.ts"
import type { TlsMaterial } from "./credentials.ts"

interface Pool {
  readonly tls: TlsMaterial
  readonly connections: Connections
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

const handOverMs = 1_000
/** Longer than any call may take. */
const lastCallMs = 60_000

const sameTls = (a: TlsMaterial, b: TlsMaterial): boolean => a.ca === b.ca && a.cert === b.cert && a.key === b.key

const open = Effect.fnUntraced(function*(access: ServerAccess, tls: TlsMaterial, limit: number | undefined) {
  const { proxyUrl, serverName } = access
  const options = {
    tls: { ...tls, rejectUnauthorized: !access.insecure, ...(serverName !== undefined && { servername: serverName }) },
    limit
  }
  const connections = proxyUrl === undefined
    ? yield* openDirect(options)
    : yield* (yield* Effect.promise(() => import("./proxied.ts"))).openProxied(proxyUrl, options)
  const pool: Pool = { tls, connections, replaced: yield* Deferred.make<void>() }
  return pool
})

/** `limit`: how many there are at most, where the requests that find none free wait; absent: as many as requests. */
export const make = Effect.fnUntraced(function*(access: ServerAccess, limit?: number) {
  const scope = yield* Effect.scope
  // The newest is last; older ones only finish what they began.
  const pools = new Set<Pool>()
  let newest: Pool | undefined
  const destroy = ({ connections }: Pool) => connections.destroy
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
      Effect.andThen(pool.connections.close),
      Effect.timeoutOption(lastCallMs),
      Effect.andThen(destroy(pool)),
      Effect.andThen(Effect.sync(() => pools.delete(pool))),
      Effect.forkIn(scope)
    )
  const lineOf = ({ connections, replaced }: Pool): Line => ({
    client: connections.client,
    replaced: Deferred.await(replaced)
  })
  const transport: Transport = {
    line: Effect.fnUntraced(function*(tls) {
      const current = newest
      if (current !== undefined && sameTls(current.tls, tls)) return lineOf(current)
      const next = yield* open(access, tls, limit)
      const latest = newest
      if (latest !== undefined && latest !== current && sameTls(latest.tls, tls)) {
        // Somebody else was quicker.
        yield* destroy(next)
        return lineOf(latest)
      }
      pools.add(next)
      newest = next
      if (latest !== undefined) yield* retire(latest)
      return lineOf(next)
    }),
    move: (tls) => Effect.suspend(() => newest === undefined ? Effect.void : Effect.asVoid(transport.line(tls))),
    drop
  }
  return transport
})
