/** Times of the API: RFC 3339 text on the wire, milliseconds since the epoch inside the agent. */

const pattern = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/

/** Milliseconds since the epoch, or undefined for text that is no RFC 3339 time. Digits below 1 ms are cut. */
export const parseTime = (text: string): number | undefined => {
  const parts = pattern.exec(text)
  if (parts === null) return undefined
  const millis = Date.parse(`${parts[1]}T${parts[2]}${(parts[3] ?? ".0").slice(0, 4)}${parts[4]?.toUpperCase()}`)
  return Number.isNaN(millis) ? undefined : millis
}

/** `metav1.Time`: whole seconds, UTC, what is below a second cut off. */
export const formatTime = (millis: number): string =>
  new Date(Math.floor(millis / 1000) * 1000).toISOString().replace(".000Z", "Z")

/** `metav1.MicroTime`, as leases and newer events have it: always six digits. */
export const formatMicroTime = (millis: number): string => {
  const whole = Math.floor(millis)
  const micros = Math.floor((millis - whole) * 1000)
  return new Date(whole).toISOString().replace("Z", `${String(micros).padStart(3, "0")}Z`)
}

/** RFC 3339 with as many digits of the second as are not zero, as Go's RFC3339Nano prints. */
export const formatNanoTime = (millis: number): string =>
  new Date(Math.floor(millis)).toISOString().replace(/\.?0*Z$/, "Z")
