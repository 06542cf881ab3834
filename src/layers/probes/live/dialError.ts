/** Socket failures in the words that users of Kubernetes know from Go. */

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  ECONNRESET: "read: connection reset by peer",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ETIMEDOUT: "connect: connection timed out",
  EPIPE: "write: broken pipe"
}

export const dialError = (host: string, error: NodeJS.ErrnoException): string =>
  error.code === "ENOTFOUND" || error.code === "EAI_AGAIN"
    ? `lookup ${host}: no such host`
    : words[error.code ?? ""] ?? error.message
