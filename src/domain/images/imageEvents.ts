/** What users read of images: events and the messages of waiting containers (parity N1, N3). */
import { formatGoDuration } from "../kubeletConfig/goDuration.ts"
import type { PodEvent } from "../pod/model.ts"
import type { Slot } from "../pod/spec.ts"

export type ImageFailureReason =
  | "ErrImagePull"
  | "ErrImageNeverPull"
  | "ImageInspectError"
  | "InvalidImageName"
  | "RegistryUnavailable"
  | "SignatureValidationFailed"

/** The container that an event is about. */
export type ImageSubject = Pick<Slot, "name" | "kind">

const event = (subject: ImageSubject, type: PodEvent["type"], reason: string, message: string): PodEvent => ({
  type,
  reason,
  message,
  container: { name: subject.name, kind: subject.kind }
})

const quoted = (image: string): string => JSON.stringify(image)

export const pulling = (subject: ImageSubject, image: string): PodEvent =>
  event(subject, "Normal", "Pulling", `Pulling image ${quoted(image)}`)

export interface PullTimes {
  readonly pullMs: number
  /** With the time that the pull stood in the queue. */
  readonly totalMs: number
  readonly sizeBytes: number
}

export const pulled = (subject: ImageSubject, image: string, { pullMs, sizeBytes, totalMs }: PullTimes): PodEvent => {
  const took = `${formatGoDuration(Math.floor(pullMs))} (${formatGoDuration(Math.floor(totalMs))} including waiting)`
  return event(
    subject,
    "Normal",
    "Pulled",
    `Successfully pulled image ${quoted(image)} in ${took}. Image size: ${sizeBytes} bytes.`
  )
}

export const alreadyPresent = (subject: ImageSubject, image: string): PodEvent =>
  event(
    subject,
    "Normal",
    "Pulled",
    `Container image ${quoted(image)} already present on machine and can be accessed by the pod`
  )

export const neverPullMessage = (image: string): string =>
  `Container image ${quoted(image)} is not present with pull policy of Never`

/** The event of a failure, then the one that names the reason. `image` as the user wrote it. */
export const imageFailed = (
  subject: ImageSubject,
  failure: { readonly image: string; readonly reason: ImageFailureReason; readonly detail: string }
): readonly [PodEvent, PodEvent] => {
  const { detail, image, reason } = failure
  const last = event(subject, "Warning", "Failed", `Error: ${reason}`)
  switch (reason) {
    case "ErrImageNeverPull":
      return [event(subject, "Warning", "ErrImageNeverPull", neverPullMessage(image)), last]
    case "InvalidImageName":
      return [event(subject, "Warning", "InspectFailed", detail), last]
    case "ImageInspectError":
      return [event(subject, "Warning", "InspectFailed", `Failed to inspect image ${quoted(image)}: ${detail}`), last]
    case "ErrImagePull":
    case "RegistryUnavailable":
    case "SignatureValidationFailed":
      return [event(subject, "Warning", "Failed", `Failed to pull image ${quoted(image)}: ${detail}`), last]
  }
}

const named: ReadonlyArray<
  { readonly reason: "RegistryUnavailable" | "SignatureValidationFailed"; readonly text: string }
> = [
  { reason: "RegistryUnavailable", text: "the registry is unavailable" },
  { reason: "SignatureValidationFailed", text: "the signature validation failed" }
]

/** The reason that a runtime's answer to a pull carries as its first word, and the message users see with it. */
export const pullFailure = (
  image: string,
  answer: string
): { readonly reason: ImageFailureReason; readonly detail: string } => {
  const known = named.find(({ reason }) => answer.startsWith(reason))
  if (known === undefined) return { reason: "ErrImagePull", detail: answer }
  const rest = answer.slice(known.reason.length)
  return { reason: known.reason, detail: `image pull failed for ${image} because ${known.text}${rest}` }
}

/** Several credentials were tried: what each came to, as Go joins errors. */
export const joinedFailures = (details: ReadonlyArray<string>): string => {
  const different = [...new Set(details)]
  return different.length === 1 ? different[0] ?? "" : `[${different.join(", ")}]`
}
