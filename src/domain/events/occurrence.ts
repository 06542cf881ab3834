/** Something that happened to an object and that its users should read: what an Event is made of (parity T1). */
import type { ContainerKind } from "../pod/model.ts"

/** The object an event is about. */
export interface EventSubject {
  /** Empty for the node: events on it have never named one. */
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

export interface Occurrence {
  readonly subject: EventSubject
  readonly text: EventText
  readonly atMs: number
}

const listOf: Readonly<Record<ContainerKind, string>> = {
  init: "initContainers",
  sidecar: "initContainers",
  regular: "containers",
  ephemeral: "ephemeralContainers"
}

/** Where in a pod a container is: `spec.initContainers{setup}`. */
export const containerFieldPath = (container: { readonly name: string; readonly kind: ContainerKind }): string =>
  `spec.${listOf[container.kind]}{${container.name}}`

/** What all events on one object have in common, whichever part of it they are about. None of it holds a line break. */
export const objectKey = ({ apiVersion, kind, name, namespace, uid }: EventSubject): string =>
  [kind, namespace, name, uid, apiVersion].join("\n")
