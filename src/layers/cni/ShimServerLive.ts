/** The unix socket of the shims. Only root may connect, for what it asks is done as root. */
import { Effect, FiberSet, Layer } from "effect"
import { chmod, mkdir, rm } from "node:fs/promises"
import { createServer, type Server, type Socket } from "node:net"
import { dirname } from "node:path"
import {
  decodeRequest,
  encodeAnswer,
  requestLength,
  type ShimAnswer,
  type ShimRequest
} from "../../domain/cni/shimRequest.ts"
import { ShimServer, ShimServerError } from "./ShimServer.ts"

const maxRequestBytes = 1024 * 1024

/** Calls `told` with the one request of a connection; drops a connection that sends anything else. */
const onRequest = (socket: Socket, told: (request: ShimRequest) => void) => {
  let received = Buffer.alloc(0)
  let whole = false
  socket.on("data", (part) => {
    if (whole) return
    received = Buffer.concat([received, part])
    const length = requestLength(received)
    if ((length ?? 0) > maxRequestBytes || received.length > maxRequestBytes) return void socket.destroy()
    if (length === undefined || received.length < length) return
    whole = true
    const request = decodeRequest(received)
    if (request === undefined) socket.destroy()
    else told(request)
  })
}

const listen = (server: Server, path: string) =>
  Effect.tryPromise({
    try: async () => {
      await mkdir(dirname(path), { recursive: true, mode: 0o755 })
      // Of an agent that was killed.
      await rm(path, { force: true })
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject)
        server.listen(path, resolve)
      })
      await chmod(path, 0o600)
    },
    catch: (cause) => new ShimServerError({ path, detail: String(cause), cause })
  })

const close = (server: Server, sockets: ReadonlySet<Socket>) =>
  Effect.callback<void>((resume) => {
    for (const socket of sockets) socket.destroy()
    server.close(() => resume(Effect.void))
  })

const serveOn = (path: string): ShimServer["Service"]["serve"] =>
  Effect.fn("ShimServer.serve")(function*<R>(handle: (request: ShimRequest) => Effect.Effect<ShimAnswer, never, R>) {
    const run = yield* FiberSet.makeRuntime<R>()
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      // Writing to a shim that has gone is no news: its end is.
      socket.on("error", () => undefined)
      socket.once("close", () => sockets.delete(socket))
      onRequest(socket, (request) => {
        const fiber = run(
          Effect.flatMap(handle(request), (answer) => Effect.sync(() => void socket.end(encodeAnswer(answer))))
        )
        socket.once("close", () => fiber.interruptUnsafe())
      })
    })
    yield* Effect.acquireRelease(listen(server, path), () => close(server, sockets))
  })

export const layer = (socketPath: string): Layer.Layer<ShimServer> =>
  Layer.succeed(ShimServer, ShimServer.of({ socketPath, serve: serveOn(socketPath) }))
