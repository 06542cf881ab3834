/** Tells users what happens to an object: Kubernetes Events, deduplicated and rate-limited as the kubelet's (parity T1). */
import { Context, type Effect } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { PodEvent } from "../../domain/pod/model.ts"

/** The object an event is about. */
export interface EventSubject {
  readonly apiVersion: string
  readonly kind: string
  /** Empty for cluster-scoped objects; their events lie in `default`. */
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion?: string
  /** `spec.containers{web}` */
  readonly fieldPath?: string
}

export interface EventText {
  readonly type: "Normal" | "Warning"
  readonly reason: string
  readonly message: string
  readonly annotations?: Readonly<Record<string, string>>
}

export class EventRecorder extends Context.Service<EventRecorder, {
  /** Queues the event; never fails and never waits. When the API is away too long the oldest are dropped and counted. */
  readonly record: (subject: EventSubject, event: EventText) => Effect.Effect<void>
  /** An event on a pod or one of its containers; on a static pod it goes to the mirror pod. */
  readonly recordPod: (pod: Pod, event: PodEvent) => Effect.Effect<void>
  /** An event on this node's object. */
  readonly recordNode: (event: EventText) => Effect.Effect<void>
}>()("kubeffect/programs/events/EventRecorder") {}
