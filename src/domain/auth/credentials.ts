/** The credentials a request may carry (O3): a bearer token in a header, or in a WebSocket's subprotocols for browsers. */

const protocolPrefix = "base64url.bearer.authorization.k8s.io."

/** The token of the request; undefined when it carries none. An unreadable one is an empty token, which nobody has. */
export const bearerToken = (headers: {
  readonly authorization?: string | undefined
  readonly "sec-websocket-protocol"?: string | undefined
}): string | undefined => {
  const [scheme = "", token] = (headers.authorization ?? "").trim().split(/ +/)
  if (scheme.toLowerCase() === "bearer" && token !== undefined) {
    return token
  }
  const carried = (headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim())
    .find((name) => name.startsWith(protocolPrefix))
  return carried === undefined ? undefined : fromBase64Url(carried.slice(protocolPrefix.length))
}

const fromBase64Url = (text: string): string =>
  /^[A-Za-z0-9_-]*$/.test(text) && text.length % 4 !== 1
    ? atob(text.replaceAll("-", "+").replaceAll("_", "/"))
    : ""

/** The subprotocols without any credential: what may be passed on. Undefined when none is left. */
export const withoutToken = (protocols: string | undefined): string | undefined => {
  const kept = (protocols ?? "").split(",").map((name) => name.trim())
    .filter((name) => name !== "" && !name.startsWith(protocolPrefix))
  return kept.length === 0 ? undefined : kept.join(", ")
}
