/** Where a probe or an HTTP hook goes: addresses, named ports, paths and commands from the spec (parity H4, H5, D13). */
import { Result } from "effect"
import { expand } from "../config/expand.ts"
import type { Container, GRPCAction, HTTPGetAction, TCPSocketAction } from "../k8s/container.ts"
import type { IntOrString } from "../k8s/fields.ts"

export interface HttpTarget {
  readonly scheme: "http" | "https"
  readonly host: string
  readonly port: number
  /** With its query. */
  readonly path: string
  readonly headers: ReadonlyArray<{ readonly name: string; readonly value: string }>
}

export interface SocketTarget {
  readonly host: string
  readonly port: number
}

const digits = /^\d+$/

/** A number, a number as text, or the name of one of the container's ports. */
export const resolvePort = (port: IntOrString, container: Container): Result.Result<number, string> => {
  const named = typeof port === "string"
    ? container.ports?.find((candidate) => candidate.name === port)?.containerPort
    : undefined
  const number = typeof port === "number" ? port : named ?? (digits.test(port) ? Number(port) : undefined)
  if (number === undefined) {
    return Result.fail(`couldn't find port: ${JSON.stringify(port)} in container ${container.name}`)
  }
  return Number.isInteger(number) && number > 0 && number < 65_536
    ? Result.succeed(number)
    : Result.fail(`invalid port number: ${number}`)
}

/** Escapes what may not stand in a request line, and leaves alone what is escaped already. */
const requestPath = (path: string): string => {
  const rooted = path.startsWith("/") ? path : `/${path}`
  return rooted.replace(/%(?![0-9a-fA-F]{2})|[^\x21-\x7e]|["<>\\^`{|}]/gu, (character) => encodeURIComponent(character))
}

export const httpTarget = (
  action: HTTPGetAction,
  container: Container,
  podIP: string
): Result.Result<HttpTarget, string> =>
  Result.map(resolvePort(action.port, container), (port) => ({
    scheme: action.scheme?.toLowerCase() === "https" ? "https" : "http",
    host: action.host === undefined || action.host === "" ? podIP : action.host,
    port,
    path: requestPath(action.path ?? "/"),
    headers: (action.httpHeaders ?? []).map(({ name, value = "" }) => ({ name, value }))
  }))

export const tcpTarget = (
  action: TCPSocketAction,
  container: Container,
  podIP: string
): Result.Result<SocketTarget, string> =>
  Result.map(resolvePort(action.port, container), (port) => ({
    host: action.host === undefined || action.host === "" ? podIP : action.host,
    port
  }))

export const grpcTarget = (action: GRPCAction, podIP: string): SocketTarget & { readonly service: string } => ({
  host: podIP,
  port: action.port,
  service: action.service ?? ""
})

/** `$(VAR)` in a probe's command knows the variables with a literal value only; there is no shell (parity H5). */
export const execCommand = (command: ReadonlyArray<string>, container: Container): ReadonlyArray<string> => {
  const values = new Map(
    (container.env ?? []).flatMap(({ name, value, valueFrom }) =>
      valueFrom === undefined ? [[name, value ?? ""] as const] : []
    )
  )
  return command.map((word) => expand(word, (name) => values.get(name)))
}
