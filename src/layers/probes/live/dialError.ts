/** Socket failures in the words that users of Kubernetes know from Go. */

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  ECONNRESET: "read: connection reset by peer",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ETIMEDOUT: "connect: connection timed out",
  EPIPE: "write: broken pipe"
}

/** `host:port`, with brackets around an IPv6 address. */
export const hostPort = (host: string, port: number): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`

export const dialError = (host: string, port: number, error: NodeJS.ErrnoException): string => {
  if (error.code === "ENOTFOUND" || error.code === "EAI_AGAIN") return `dial tcp: lookup ${host}: no such host`
  return `dial tcp ${hostPort(host, port)}: ${words[error.code ?? ""] ?? error.message}`
}

export const dialTimeout = (host: string, port: number): string => `dial tcp ${hostPort(host, port)}: i/o timeout`
