/** Opens a TCP connection and closes it. */
import { Effect } from "effect"
import * as net from "node:net"
import type { SocketTarget } from "../Prober.ts"
import { dialError } from "./dialError.ts"

export const connect = ({ host, port }: SocketTarget): Effect.Effect<void, string> =>
  Effect.callback<void, string>((resume) => {
    const socket = net.connect({ host, port })
    // What happens after the answer is nobody's business, but an unheard error would end the process.
    socket.on("error", (error) => resume(Effect.fail(dialError(host, error))))
    socket.on("connect", () => {
      resume(Effect.void)
      socket.destroy()
    })
    return Effect.sync(() => socket.destroy())
  })
