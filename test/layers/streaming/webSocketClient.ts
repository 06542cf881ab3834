/** What browsers and newer `kubectl`s do: WebSockets with channels, and SPDY tunnelled through one. */
import { NodeWS } from "@effect/platform-node"
import { Effect } from "effect"
import type { Socket } from "node:net"
import { Duplex } from "node:stream"
import { upgrade } from "./fixture.ts"

export const connect = (port: number, path: string, protocols: Array<string>) =>
  Effect.acquireRelease(
    Effect.callback<NodeWS.WebSocket, Error>((resume) => {
      const socket = new NodeWS.WebSocket(`ws://127.0.0.1:${port}${path}`, protocols)
      socket.on("open", () => resume(Effect.succeed(socket)))
      socket.on("error", (error) => resume(Effect.fail(error)))
    }),
    (socket) => Effect.sync(() => socket.terminate())
  )

/** All that comes on each channel, until the server closes. */
export const collect = (socket: NodeWS.WebSocket) =>
  Effect.callback<ReadonlyMap<number, Buffer>>((resume) => {
    const channels = new Map<number, Buffer>()
    socket.on("message", (data: Buffer) => {
      const channel = data[0] ?? 0
      channels.set(channel, Buffer.concat([channels.get(channel) ?? Buffer.alloc(0), data.subarray(1)]))
    })
    socket.on("close", () => resume(Effect.succeed(channels)))
  })

/**
 * The bytes in a WebSocket's messages, from the client's end. The library does not ask for protocols with a slash in
 * their name, which `kubectl` does.
 */
const messages = (socket: Socket): Duplex => {
  let pending = Buffer.alloc(0)
  const duplex = new Duplex({
    read: () => void socket.resume(),
    write: (bytes: Buffer, _, done) => {
      // A mask of zeros leaves the bytes as they are.
      const head = Buffer.alloc(14)
      head.writeUInt8(0x82, 0)
      head.writeUInt8(0x80 | 127, 1)
      head.writeBigUInt64BE(BigInt(bytes.length), 2)
      socket.write(Buffer.concat([head, bytes]), done)
    }
  })
  socket.on("data", (bytes: Buffer) => {
    pending = Buffer.concat([pending, bytes])
    while (pending.length >= 2) {
      const short = (pending[1] ?? 0) & 0x7f
      const at = short === 127 ? 10 : short === 126 ? 4 : 2
      if (pending.length < at) break
      const length = short === 127
        ? Number(pending.readBigUInt64BE(2))
        : short === 126
        ? pending.readUInt16BE(2)
        : short
      if (pending.length < at + length) break
      if (!duplex.push(pending.subarray(at, at + length))) socket.pause()
      pending = pending.subarray(at + length)
    }
  })
  socket.on("close", () => duplex.destroy())
  return duplex
}

/** Asks for SPDY inside a WebSocket, as `kubectl port-forward` does since 1.31; gives the bytes inside. */
export const tunnel = Effect.fnUntraced(function*(port: number, path: string) {
  const { headers, socket } = yield* upgrade(port, path, {
    upgrade: "websocket",
    "sec-websocket-key": "x3JJHMbDL1EzLkh9GBhXDw==",
    "sec-websocket-version": "13",
    "sec-websocket-protocol": "SPDY/3.1+portforward.k8s.io"
  }, "GET")
  return { protocol: headers["sec-websocket-protocol"], bytes: messages(socket) }
})
