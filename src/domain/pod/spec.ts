/** What a pod's spec says about its containers: their kinds, names and defaults, in the order they are started. */
import type { Container, EphemeralContainer } from "../k8s/container.ts"
import type { Pod, PodSpec } from "../k8s/pod.ts"
import type { ContainerKind } from "./model.ts"

/** A container of the spec. `index` counts within its own list (`initContainers`, `containers`, …). */
export interface Slot {
  readonly name: string
  readonly kind: ContainerKind
  readonly index: number
  readonly container: Container | EphemeralContainer
}

export type RestartPolicy = "Always" | "OnFailure" | "Never"

/** Anything but the two named exceptions is Always, which is also what the API server defaults to. */
export const restartPolicyOf = (spec: PodSpec): RestartPolicy =>
  spec.restartPolicy === "Never" || spec.restartPolicy === "OnFailure" ? spec.restartPolicy : "Always"

/** A sidecar is an init container that always restarts (KEP-753, parity D7). */
export const isSidecar = (container: Container): boolean => container.restartPolicy === "Always"

export const initSlots = (pod: Pod): ReadonlyArray<Slot> =>
  (pod.spec.initContainers ?? []).map((container, index) => ({
    name: container.name,
    kind: isSidecar(container) ? "sidecar" : "init",
    index,
    container
  }))

export const regularSlots = (pod: Pod): ReadonlyArray<Slot> =>
  pod.spec.containers.map((container, index) => ({ name: container.name, kind: "regular", index, container }))

export const ephemeralSlots = (pod: Pod): ReadonlyArray<Slot> =>
  (pod.spec.ephemeralContainers ?? []).map((container, index) => ({
    name: container.name,
    kind: "ephemeral",
    index,
    container
  }))

/** `name_namespace(uid)`: how messages name a pod. */
export const podLabel = (pod: Pod): string => `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`

export const isTerminalPhase = (phase: string | undefined): phase is "Succeeded" | "Failed" =>
  phase === "Succeeded" || phase === "Failed"

/** The container of that name, whatever its kind. */
export const slotOf = (pod: Pod, name: string): Slot | undefined =>
  [...initSlots(pod), ...regularSlots(pod), ...ephemeralSlots(pod)].find((slot) => slot.name === name)
