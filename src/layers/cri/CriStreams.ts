/**
 * Streams into containers of a runtime that has none of its own, the simulated one: puts a streaming server in front of
 * it, so that `kubectl exec`, `attach` and `port-forward` work on simulated pods. All other calls pass through.
 */
import { Effect, Layer, Option, Stream } from "effect"
import { Buffer } from "node:buffer"
import type { ContainerOutput } from "./ContainerOutput.ts"
import { ContainerState, Cri, type CriCalls } from "./Cri.ts"
import type { PortConnection, ServePort } from "./streaming/forward.ts"
import { serveCommand } from "./streaming/shell.ts"
import type { ShellSession } from "./streaming/ShellSession.ts"
import { success } from "./streaming/status.ts"
import * as StreamServer from "./streaming/StreamServer.ts"

const endCheck = "200 millis"

/** To be provided with the runtime it stands before. */
export const layer = (output: ContainerOutput): Layer.Layer<Cri, StreamServer.StreamServerError, Cri> =>
  Layer.unwrap(Effect.map(StreamServer.make, (server) => layerOn(server, output)))

/** The same on a server that is there already: the runtimes of a thousand nodes need one. */
export const layerOn = (server: StreamServer.StreamServer, output: ContainerOutput): Layer.Layer<Cri, never, Cri> =>
  Layer.effect(Cri)(Effect.map(Cri, (inner) => make(inner, server, output)))

const make = (inner: CriCalls, server: StreamServer.StreamServer, output: ContainerOutput): CriCalls => {
  const wanted = (request: {
    readonly stdin?: boolean
    readonly stdout?: boolean
    readonly stderr?: boolean
    readonly tty?: boolean
  }) => ({
    stdin: request.stdin ?? false,
    stdout: request.stdout ?? false,
    stderr: request.stderr ?? false,
    tty: request.tty ?? false
  })
  return Cri.of({
    ...inner,
    // The runtime is asked all the same: it knows whether there is anything to stream from.
    exec: (request, options) =>
      Effect.flatMap(inner.exec(request, options), (answer) => {
        const { containerId = "", cmd = [] } = request
        const streams = wanted(request)
        const run = (command: ReadonlyArray<string>) => inner.execSync({ containerId, cmd: [...command] })
        const serve = (session: ShellSession) => serveCommand(session, cmd, { ...streams, run })
        return Effect.map(server.offer({ _tag: "Shell", kind: "exec", streams, serve }), (url) => ({ ...answer, url }))
      }),
    attach: (request, options) =>
      Effect.flatMap(inner.attach(request, options), (answer) => {
        const { containerId = "" } = request
        const serve = (session: ShellSession) =>
          Stream.runForEach(
            output(containerId),
            ({ stream, text }) => session[stream](new TextEncoder().encode(text))
          ).pipe(
            Effect.raceFirst(untilEnd(inner, containerId)),
            Effect.andThen(session.finish(success))
          )
        const streams = wanted(request)
        return Effect.map(
          server.offer({ _tag: "Shell", kind: "attach", streams, serve }),
          (url) => ({ ...answer, url })
        )
      }),
    portForward: (request, options) =>
      Effect.flatMap(inner.portForward(request, options), (answer) =>
        Effect.map(
          server.offer({ _tag: "Ports", ports: request.port ?? [], serve: answerPort }),
          (url) => ({ ...answer, url })
        ))
  })
}

const untilEnd = (inner: CriCalls, containerId: string): Effect.Effect<void> =>
  inner.containerStatus({ containerId }).pipe(
    Effect.map(({ status }) => status?.state === ContainerState.CONTAINER_RUNNING),
    Effect.orElseSucceed(() => false),
    Effect.delay(endCheck),
    Effect.repeat({ while: (running) => running }),
    Effect.asVoid
  )

const httpMethod = /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /

/** What listens in a simulated container: a web server for who asks like a browser, an echo for everybody else. */
const answerPort: ServePort = Effect.fnUntraced(function*(port: number, connection: PortConnection) {
  let isFirst = true
  for (let bytes = yield* connection.read; Option.isSome(bytes); bytes = yield* connection.read) {
    if (isFirst && httpMethod.test(Buffer.from(bytes.value).toString("latin1"))) {
      const body = `This is port ${port} of a simulated container.\n`
      yield* connection.write(
        Buffer.from(
          `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
        )
      )
      break
    }
    isFirst = false
    yield* connection.write(bytes.value)
  }
  return Option.none<string>()
})
