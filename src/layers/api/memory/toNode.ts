/** The server as a client of its nodes: answers of the node are handed on as they come, upgraded connections byte for byte. */
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Effect, Stream } from "effect"
import { type IncomingMessage, type OutgoingHttpHeaders, request as httpRequest } from "node:http"
import { request as httpsRequest } from "node:https"
import { connect as netConnect, type Socket } from "node:net"
import type { Duplex } from "node:stream"
import { connect as tlsConnect } from "node:tls"
import * as Refusals from "./refusal.ts"
import type { FrontRequest, NodeAddress, Pass, Reply } from "./reply.ts"

/** How nodes are reached. Their certificates are not checked: they are usually signed by themselves. */
export interface NodeAccess {
  readonly scheme: "http" | "https"
  readonly token?: string
  readonly certificate?: string
  readonly key?: string
}

/** Longer than any node on the same machine or network needs to take a connection. */
const dialMs = 10_000
/** For the first byte of an answer; what follows may take as long as it likes. */
const answerMs = 30_000

const credentials = ({ certificate, key }: NodeAccess) => ({
  rejectUnauthorized: false,
  ...(certificate === undefined ? {} : { cert: certificate }),
  ...(key === undefined ? {} : { key })
})

const explain = (cause: NodeJS.ErrnoException, { host, port }: NodeAddress): string => {
  const where = `dial tcp ${host}:${port}`
  switch (cause.code) {
    case "ECONNREFUSED":
      return `${where}: connect: connection refused`
    case "EHOSTUNREACH":
      return `${where}: connect: no route to host`
    case "ETIMEDOUT":
      return `${where}: i/o timeout`
    default:
      return `${where}: ${cause.message}`
  }
}

const urlOf = ({ scheme }: NodeAccess, { node, target }: Pass): string =>
  `${scheme}://${node.host.includes(":") ? `[${node.host}]` : node.host}:${node.port}${target}`

const authorization = ({ token }: NodeAccess): OutgoingHttpHeaders =>
  token === undefined ? {} : { authorization: `Bearer ${token}` }

const send = (access: NodeAccess, pass: Pass, request: FrontRequest) =>
  Effect.callback<IncomingMessage, Refusals.Refusal>((resume) => {
    const start = access.scheme === "https" ? httpsRequest : httpRequest
    const url = urlOf(access, pass)
    const outgoing = start(url, {
      ...credentials(access),
      method: request.method,
      headers: {
        ...authorization(access),
        ...(request.contentType === "" ? {} : { "content-type": request.contentType }),
        "content-length": request.body.length
      },
      // Each follows a log of its own for as long as it likes.
      agent: false
    }, (answer) => resume(Effect.succeed(answer)))
    outgoing.on("error", (cause) =>
      resume(Effect.fail(Refusals.badGateway(
        `${request.method === "GET" ? "Get" : "Post"} ${JSON.stringify(url)}: ${explain(cause, pass.node)}`
      ))))
    outgoing.end(request.body)
    return Effect.sync(() => outgoing.destroy())
  }).pipe(Effect.timeoutOrElse({
    duration: answerMs,
    orElse: () => Effect.fail(Refusals.badGateway(`${urlOf(access, pass)}: no answer within ${answerMs} ms`))
  }))

const reasons: ReadonlyMap<number, string> = new Map([
  [400, "BadRequest"],
  [401, "Unauthorized"],
  [403, "Forbidden"],
  [404, "NotFound"],
  [405, "MethodNotAllowed"],
  [429, "TooManyRequests"]
])

/** What a node refuses, as the server's own refusal. */
const refusalOf = (status: number, text: string): Refusals.Refusal =>
  status === 500
    ? Refusals.internalError(text)
    : new Refusals.Refusal({ code: status, reason: reasons.get(status) ?? "", message: text })

const bytesOf = (answer: IncomingMessage): Stream.Stream<Uint8Array, Refusals.Refusal> =>
  NodeStream.fromReadable({
    evaluate: () => answer,
    onError: (cause) => Refusals.badGateway(`the node broke off: ${String(cause)}`)
  })

/**
 * Asks the node. `logs`: what it refuses becomes a `Status`, as for all answers of the server itself; else its answer is
 * handed on whatever it is.
 */
export const passOn = Effect.fn("ApiServer.passOn")(function*(
  access: NodeAccess,
  pass: Pass,
  request: FrontRequest,
  logs: boolean
) {
  const answer = yield* send(access, pass, request)
  const status = answer.statusCode ?? 502
  if (logs && status >= 300) {
    const text = yield* Stream.mkString(Stream.decodeText(bytesOf(answer)))
    return yield* Effect.fail(refusalOf(status, text.trim()))
  }
  const reply: Reply = {
    _tag: "Reply",
    status,
    contentType: answer.headers["content-type"] ?? "text/plain",
    headers: {},
    // Broken off in the middle is all that can still be said.
    body: bytesOf(answer).pipe(Stream.catch(() => Stream.empty))
  }
  return reply
})

const dial = (access: NodeAccess, node: NodeAddress): Effect.Effect<Socket, Refusals.Refusal> =>
  Effect.callback<Socket, Refusals.Refusal>((resume) => {
    const socket = access.scheme === "https"
      ? tlsConnect({ ...node, ...credentials(access) })
      : netConnect({ ...node })
    const fail = (cause: NodeJS.ErrnoException) =>
      resume(Effect.fail(Refusals.badGateway(`error dialing backend: ${explain(cause, node)}`)))
    socket.once("error", fail)
    socket.once(access.scheme === "https" ? "secureConnect" : "connect", () => {
      socket.off("error", fail)
      resume(Effect.succeed(socket))
    })
    return Effect.sync(() => socket.destroy())
  }).pipe(Effect.timeoutOrElse({
    duration: dialMs,
    orElse: () =>
      Effect.fail(Refusals.badGateway(`error dialing backend: dial tcp ${node.host}:${node.port}: i/o timeout`))
  }))

const replaced: ReadonlySet<string> = new Set(["host", "authorization"])

/** The client's own request line and headers, but for where it goes and who asks. */
const headOf = (access: NodeAccess, { node, target }: Pass, request: IncomingMessage): string => {
  const lines = [`${request.method} ${target} HTTP/1.1`, `Host: ${node.host}:${node.port}`]
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i] ?? ""
    if (!replaced.has(name.toLowerCase())) lines.push(`${name}: ${request.rawHeaders[i + 1] ?? ""}`)
  }
  if (access.token !== undefined) lines.push(`Authorization: Bearer ${access.token}`)
  return `${lines.join("\r\n")}\r\n\r\n`
}

/** Joins a client's connection, whose request wants to become something else, to the node, until either side ends. */
export const tunnel = Effect.fn("ApiServer.tunnel")(function*(
  access: NodeAccess,
  pass: Pass,
  request: IncomingMessage,
  client: Duplex,
  early: Uint8Array
) {
  const node = yield* dial(access, pass.node)
  yield* Effect.callback<void>((resume) => {
    const end = () => resume(Effect.void)
    node.on("error", end)
    client.on("error", end)
    node.once("close", end)
    client.once("close", end)
    node.write(headOf(access, pass, request), "latin1")
    if (early.length > 0) node.write(early)
    client.pipe(node)
    node.pipe(client)
    return Effect.sync(end)
  }).pipe(Effect.ensuring(Effect.sync(() => {
    node.destroy()
    client.destroy()
  })))
})
