/** Connections to a server through a proxy. Loaded only where there is one: the library that can do it is large. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { ProxyAgent, Socks5ProxyAgent } from "@effect/platform-node/Undici"
import { Effect } from "effect"
import { type ConnectionOptions, type Connections, idleMs, keepAliveMs } from "./connections.ts"

export const openProxied = Effect.fnUntraced(function*(proxyUrl: string, { limit, tls }: ConnectionOptions) {
  const options = {
    allowH2: false,
    keepAliveTimeout: idleMs,
    ...(limit !== undefined && { connections: limit }),
    requestTls: { ...tls, timeout: 10_000, keepAlive: true, keepAliveInitialDelay: keepAliveMs }
  }
  const dispatcher = proxyUrl.startsWith("socks5:")
    ? new Socks5ProxyAgent(proxyUrl, options)
    : new ProxyAgent({ ...options, uri: proxyUrl })
  const connections: Connections = {
    client: yield* Effect.provideService(NodeHttpClient.makeUndici, NodeHttpClient.Dispatcher, dispatcher),
    close: Effect.promise(() => dispatcher.close()),
    destroy: Effect.promise(() => dispatcher.destroy())
  }
  return connections
})
