/** A port for a server whose number has to be known before it listens. */
import { Effect, Random, Schema } from "effect"
import { createServer } from "node:net"

/** There is no free port, or not for this user. */
export class NoPort extends Schema.TaggedError<NoPort>()("NoPort", {
  address: Schema.String,
  port: Schema.Int,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `cannot listen on ${this.address}:${this.port}: ${this.cause instanceof Error ? this.cause.message : ""}`
  }
}

/** Above those of well-known servers, below those that Linux gives to connections (`net.ipv4.ip_local_port_range`). */
const [lowest, highest] = [10_000, 32_767]

/** A port in use is one of few: this many others are not all in use as well. */
const tries = 20

const isFree = (address: string, port: number): Effect.Effect<void, NoPort> =>
  Effect.callback<void, NoPort>((resume) => {
    const server = createServer()
    server.on("error", (cause) => resume(Effect.fail(new NoPort({ address, port, cause }))))
    server.listen(port, address, () => server.close(() => resume(Effect.void)))
  })

/**
 * One that was free a moment ago. Any that the kernel names may be a connection's before a server listens on it: among
 * thousands of nodes on one machine one in ten was. Those who look at the same time give numbers of their own, so that
 * they do not come upon the same port before either listens.
 */
export const freePort = (address: string, own?: number): Effect.Effect<number, NoPort> => {
  const tryPort = (port: number) => Effect.as(isFree(address, port), port)
  const any = Effect.retry(Effect.flatMap(Random.nextIntBetween(lowest, highest), tryPort), { times: tries })
  return own === undefined ? any : Effect.catch(tryPort(lowest + (own % (highest - lowest))), () => any)
}
