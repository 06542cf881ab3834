/** What of a pod's status is wanted, sent and shown, and whether its writer has work. No call is made here. */
import { Effect, Latch, Result } from "effect"
import { decodePod } from "../../domain/k8s/decode.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { PodStatus } from "../../domain/k8s/podStatus.ts"
import { statusPatch } from "../../domain/pod/statusPatch.ts"
import type { KubeObject } from "../../layers/api/KubeApi.ts"

export interface StatusEntry {
  /** The API's object, newest first seen: its uid is the precondition of every patch. */
  pod: Pod
  wanted: PodStatus | undefined
  /** The newest status that the server took, as we sent it: what it does not know of is not sent for ever (parity Q2). */
  sent: PodStatus | undefined
  /** What the server shows, from its last answer or a watch. */
  shown: PodStatus | undefined
  /** Version of the object `shown` is from: an event of the watch that is older says nothing new. */
  shownVersion: number
  /** A fiber sends; it ends when nothing is left to send. */
  writing: boolean
  /** Open while nothing is left to send. */
  readonly idle: Latch.Latch
  gone: boolean
}

export const make = Effect.fnUntraced(function*(pod: Pod) {
  const entry: StatusEntry = {
    pod,
    wanted: undefined,
    sent: undefined,
    shown: pod.status,
    shownVersion: versionOf(pod.metadata.resourceVersion),
    writing: false,
    idle: yield* Latch.make(true),
    gone: false
  }
  return entry
})

export const want = (entry: StatusEntry, status: PodStatus): void => {
  if (entry.gone || entry.wanted === status) return
  entry.wanted = status
  entry.idle.closeUnsafe()
}

/** The server took `sent`, and answered with the object as it is now. */
export const taken = (entry: StatusEntry, sent: PodStatus, answer: KubeObject): void => {
  const decoded = decodePod(answer)
  entry.sent = sent
  entry.shown = Result.isSuccess(decoded) ? decoded.success.status : undefined
  entry.shownVersion = versionOf(answer.metadata.resourceVersion)
}

/** The watch shows the object: what is wanted is sent again where the server shows another. */
export const shown = (entry: StatusEntry, pod: Pod): void => {
  if (entry.wanted === undefined || entry.sent !== entry.wanted) return
  const version = versionOf(pod.metadata.resourceVersion)
  if (version <= entry.shownVersion) return
  entry.shownVersion = version
  if (statusPatch(entry.shown, pod.status ?? {}, pod.metadata.uid) === undefined) return
  entry.shown = pod.status
  entry.sent = undefined
  entry.idle.closeUnsafe()
}

/** The object is gone, or another one has its name: there is nobody left to tell. */
export const lost = (entry: StatusEntry): void => {
  entry.gone = true
  entry.idle.openUnsafe()
}

/** What is to be sent next. */
export const unsent = ({ gone, sent, wanted }: StatusEntry): PodStatus | undefined =>
  gone || sent === wanted ? undefined : wanted

/** Resource versions grow as numbers on every server that we know; one that is no number counts as always newer. */
const versionOf = (text: string | undefined): number => {
  const version = Number(text)
  return Number.isNaN(version) ? Number.POSITIVE_INFINITY : version
}
