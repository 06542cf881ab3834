/**
 * What the status of a failed call says of the volume (parity J4): a final one says that nothing is under way and nothing
 * was done; after any other the driver may still be at it, and its volume counts as mounted until it says otherwise.
 */

/** Canceled, DeadlineExceeded, ResourceExhausted, Aborted, Unavailable: numbers of gRPC's status codes. */
const unfinished: ReadonlySet<number> = new Set([1, 4, 8, 10, 14])

export const isFinal = (code: number): boolean => !unfinished.has(code)

const names = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated"
]

/** As users know it from the events of every kubelet. */
export const statusText = (code: number, detail: string): string =>
  `rpc error: code = ${names[code] ?? `Code(${code})`} desc = ${detail}`
