/** Which traces are kept (parity T3): so many in a million, told by the trace's id, as every OpenTelemetry sampler does. */

const all = 1_000_000
const idSpace = 1n << 63n

/** `traceId`: 32 hex digits. The same id has the same answer everywhere, so parts of a trace agree on it. */
export const isSampled = (traceId: string, ratePerMillion: number): boolean => {
  if (ratePerMillion >= all) return true
  const bound = (idSpace * BigInt(Math.max(0, ratePerMillion))) / BigInt(all)
  return BigInt(`0x${traceId.slice(-16)}`) >> 1n < bound
}
