/** Tells users what happens to an object: Kubernetes Events, deduplicated and rate-limited as the kubelet's (parity T1). */
import { Clock, Context, Effect, Layer, Metric, Queue, Ref } from "effect"
import { correlate, type Entry, noCorrelation } from "../../domain/events/correlate.ts"
import { containerFieldPath, type EventSubject, type EventText } from "../../domain/events/occurrence.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { PodEvent } from "../../domain/pod/model.ts"
import type { KubeApi } from "../../layers/api/KubeApi.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { PodRegistry } from "../pods/PodRegistry.ts"
import { supervise } from "../supervise.ts"
import { dropped, eventWriter } from "./eventWriter.ts"

export class EventRecorder extends Context.Service<EventRecorder, {
  /** Queues the event; never fails and never waits. When the API is away too long the oldest are dropped and counted. */
  readonly record: (subject: EventSubject, event: EventText) => Effect.Effect<void>
  /** An event on a pod or one of its containers; on a static pod it goes to the mirror pod. */
  readonly recordPod: (pod: Pod, event: PodEvent) => Effect.Effect<void>
  /** An event on this node's object. */
  readonly recordNode: (event: EventText) => Effect.Effect<void>
}>()("kubeffect/programs/events/EventRecorder") {}

type RecordEvent = EventRecorder["Service"]["record"]

/** Events that wait to be written. */
const queueSize = 1000

const podSubject = ({ apiVersion, metadata }: Pod, container: PodEvent["container"]): EventSubject => ({
  apiVersion: apiVersion ?? "v1",
  kind: "Pod",
  namespace: metadata.namespace,
  name: metadata.name,
  uid: metadata.uid,
  ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
  ...(container === undefined ? {} : { fieldPath: containerFieldPath(container) })
})

/** The node's UID is its name here: events were about nodes before the kubelet knew their UIDs, and tools rely on it. */
const nodeSubject = (nodeName: string): EventSubject => ({
  apiVersion: "",
  kind: "Node",
  namespace: "",
  name: nodeName,
  uid: nodeName
})

const recorder = (record: RecordEvent, nodeName: string, registry: PodRegistry["Service"]) =>
  EventRecorder.of({
    record,
    recordPod: (pod, { container, ...text }) =>
      Effect.flatMap(registry.mirrorOf(pod), (mirror) => record(podSubject(mirror ?? pod, container), text)),
    recordNode: (text) => record(nodeSubject(nodeName), text)
  })

export const layer: Layer.Layer<EventRecorder, never, AgentConfig | KubeApi | PodRegistry> = Layer.effect(
  EventRecorder,
  Effect.gen(function*() {
    const config = yield* AgentConfig
    const queue = yield* Queue.sliding<Entry>(queueSize)
    const state = yield* Ref.make(noCorrelation)
    yield* Effect.forkScoped(supervise("event writer", yield* eventWriter(queue)))

    const record: RecordEvent = Effect.fnUntraced(function*(subject, text) {
      const occurrence = { subject, text, atMs: yield* Clock.currentTimeMillis }
      const entry = yield* Ref.modify(state, (current) => {
        const next = correlate(current, occurrence)
        return [next.entry, next.state]
      })
      if (entry === undefined) return yield* Metric.update(dropped("spam"), 1)
      if (Queue.isFullUnsafe(queue)) yield* Metric.update(dropped("full"), 1)
      yield* Queue.offer(queue, entry)
    })
    return recorder(record, config.nodeName, yield* PodRegistry)
  })
)

/** For a node without an API server: events are lines of the log. */
export const layerLog: Layer.Layer<EventRecorder, never, AgentConfig | PodRegistry> = Layer.effect(
  EventRecorder,
  Effect.gen(function*() {
    const { nodeName } = yield* AgentConfig
    const record: RecordEvent = ({ fieldPath = "", kind, name, namespace }, { message, reason, type }) =>
      Effect.logInfo(message).pipe(
        Effect.annotateLogs({ event: reason, type, object: `${kind} ${namespace}/${name} ${fieldPath}`.trim() })
      )
    return recorder(record, nodeName, yield* PodRegistry)
  })
)
