/** Opens a TCP connection and closes it. */
import { Effect } from "effect"
import * as net from "node:net"
import type { ProbeReply, SocketTarget } from "../Prober.ts"
import { dialError, dialTimeout } from "./dialError.ts"

export const dial = ({ host, port }: SocketTarget, timeoutMs: number): Effect.Effect<ProbeReply> =>
  Effect.callback<ProbeReply>((resume) => {
    const socket = net.connect({ host, port })
    // What happens after the answer is nobody's business, but an unheard error would end the process.
    socket.on("error", (error) => resume(Effect.succeed({ result: "failure", output: dialError(host, port, error) })))
    socket.on("connect", () => {
      resume(Effect.succeed({ result: "success", output: "" }))
      socket.destroy()
    })
    return Effect.sync(() => socket.destroy())
  }).pipe(
    Effect.timeoutOrElse({
      duration: timeoutMs,
      orElse: () => Effect.succeed<ProbeReply>({ result: "failure", output: dialTimeout(host, port) })
    })
  )
