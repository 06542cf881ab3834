/** Opens a TCP connection and closes it. */
import { Effect } from "effect"
import * as net from "node:net"
import { dialTooLate, type Wire } from "../wire.ts"
import { dialError } from "./dialError.ts"

export const connect: Wire["connect"] = ({ host, port }, timeoutMs) =>
  Effect.callback<void, string>((resume) => {
    const socket = net.connect({ host, port })
    // What happens after the answer is nobody's business, but an unheard error would end the process.
    socket.on("error", (error) => resume(Effect.fail(dialError(host, error))))
    socket.on("connect", () => {
      resume(Effect.void)
      socket.destroy()
    })
    return Effect.sync(() => socket.destroy())
  }).pipe(Effect.timeoutOrElse({ duration: timeoutMs, orElse: () => Effect.fail(dialTooLate) }))
