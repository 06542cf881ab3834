/**
 * The channel protocols of Kubernetes over WebSockets: every message begins with the number of the stream it is for, as
 * a byte, or in the base64 forms as a digit. Since v5 a message on channel 255 ends the stream it names.
 */
import { Effect, Option } from "effect"
import { Buffer } from "node:buffer"
import type { MessageSocket, WebSocketClosed } from "./WebSocketUpgrade.ts"

/** Newest first: the order in which a server prefers them. */
export const shellProtocols: ReadonlyArray<string> = [
  "v5.channel.k8s.io",
  "v4.channel.k8s.io",
  "v4.base64.channel.k8s.io",
  "channel.k8s.io",
  "base64.channel.k8s.io"
]

export const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const

export interface ChannelMessage {
  readonly channel: number
  readonly bytes: Buffer
}

export interface ChannelSocket {
  readonly protocol: string
  readonly read: Effect.Effect<Option.Option<ChannelMessage>>
  readonly write: (channel: number, bytes: Uint8Array) => Effect.Effect<void, WebSocketClosed>
}

export const make = (socket: MessageSocket): ChannelSocket => {
  const isBase64 = socket.protocol.includes("base64")
  return {
    protocol: socket.protocol,
    read: Effect.map(socket.read, Option.map((message) => decode(message, isBase64))),
    write: (to, bytes) =>
      socket.write(
        isBase64
          ? `${to}${Buffer.from(bytes).toString("base64")}`
          : Buffer.concat([Buffer.from([to]), bytes])
      )
  }
}

const digitZero = 0x30

const decode = (message: Buffer, isBase64: boolean): ChannelMessage => {
  const first = message[0] ?? 0
  const rest = message.subarray(1)
  return isBase64
    ? { channel: first - digitZero, bytes: Buffer.from(rest.toString("latin1"), "base64") }
    : { channel: first, bytes: rest }
}
