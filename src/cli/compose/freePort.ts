/** A port for a server whose number has to be known before it listens. */
import { Effect, Schema } from "effect"
import { createServer } from "node:net"

/** There is no free port, or not for this user. */
export class NoPort extends Schema.TaggedError<NoPort>()("NoPort", {
  address: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `cannot listen on ${this.address}: ${this.cause instanceof Error ? this.cause.message : ""}`
  }
}

/** One that was free a moment ago. */
export const freePort = (address: string): Effect.Effect<number, NoPort> =>
  Effect.callback<number, NoPort>((resume) => {
    const server = createServer()
    server.on("error", (cause) => resume(Effect.fail(new NoPort({ address, cause }))))
    server.listen(0, address, () => {
      const bound = server.address()
      const port = typeof bound === "object" && bound !== null ? bound.port : 0
      server.close(() => resume(Effect.succeed(port)))
    })
  })
