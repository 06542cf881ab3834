/** How an occurrence gets to the API server: as a new Event, or as a higher count on the one it repeats (parity T1). */
import type { Event } from "../k8s/event.ts"
import { formatTime } from "../k8s/time.ts"
import type { Entry } from "./correlate.ts"
import type { Touched } from "./recent.ts"

const component = "kubelet"

/** An Event that the API server has. */
export interface WrittenEvent extends Touched {
  readonly namespace: string
  readonly name: string
  readonly firstMs: number
  readonly count: number
}

/** Of an object's name. */
const maxNameLength = 253

/** `<object>.<hex time>`; `sequence` sets apart what happens within one millisecond. */
const eventName = (object: string, atMs: number, sequence: number): string => {
  const suffix = `.${(BigInt(Math.floor(atMs)) * 1_000_000n + BigInt(sequence % 1_000_000)).toString(16)}`
  return object.slice(0, maxNameLength - suffix.length).replace(/[.-]+$/, "") + suffix
}

/** The state of the Event once this entry is written. */
export const nextEvent = (known: WrittenEvent | undefined, entry: Entry, sequence: number): WrittenEvent => ({
  namespace: known?.namespace ?? (entry.subject.namespace === "" ? "default" : entry.subject.namespace),
  name: known?.name ?? eventName(entry.subject.name, entry.atMs, sequence),
  firstMs: known?.firstMs ?? entry.atMs,
  count: (known?.count ?? 0) + 1,
  lastMs: Math.max(known?.lastMs ?? 0, entry.atMs)
})

/** The whole object, to create. */
export const eventObject = (event: WrittenEvent, { subject, text }: Entry, nodeName: string): Event => {
  const { apiVersion, fieldPath, kind, name, namespace, resourceVersion, uid } = subject
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: {
      name: event.name,
      namespace: event.namespace,
      ...(text.annotations === undefined ? {} : { annotations: text.annotations })
    },
    involvedObject: {
      kind,
      name,
      uid,
      ...(namespace === "" ? {} : { namespace }),
      ...(apiVersion === "" ? {} : { apiVersion }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(fieldPath === undefined ? {} : { fieldPath })
    },
    reason: text.reason,
    message: text.message,
    source: { component, host: nodeName },
    firstTimestamp: formatTime(event.firstMs),
    lastTimestamp: formatTime(event.lastMs),
    count: event.count,
    type: text.type,
    reportingComponent: component,
    reportingInstance: nodeName
  }
}

/** What one more occurrence changes. Repeating the patch changes nothing more: the count is absolute. */
export const eventPatch = (event: WrittenEvent, { text }: Entry) => ({
  count: event.count,
  lastTimestamp: formatTime(event.lastMs),
  message: text.message,
  ...(text.annotations === undefined ? {} : { metadata: { annotations: text.annotations } })
})
