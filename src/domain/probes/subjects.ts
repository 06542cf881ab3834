/** Which running containers of a pod have probes, and where these reach them (parity H1, H3). */
import type { Pod } from "../k8s/pod.ts"
import type { PodStatus } from "../k8s/podStatus.ts"
import type { ObservedContainer, ObservedPod } from "../pod/model.ts"
import { initSlots, regularSlots, type Slot } from "../pod/spec.ts"
import { type ProbeKind, probeKinds, probeOf } from "./settings.ts"

export interface ProbeSubject {
  readonly slot: Slot
  readonly container: ObservedContainer
  readonly kinds: ReadonlyArray<ProbeKind>
  /** Addresses of the container's sandbox, primary first; none for host network. */
  readonly ips: ReadonlyArray<string>
  /** The status says that this very container has started: an earlier life of the agent saw its startup probe succeed. */
  readonly knownStarted: boolean
}

const idOf = (statusId: string | undefined): string => (statusId ?? "").replace(/^[^/]*:\/\//, "")

const saysStarted = (status: PodStatus | undefined, container: ObservedContainer): boolean =>
  [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]
    .some(({ containerID, started }) => started === true && idOf(containerID) === container.id)

/** `status`: what the API server has. Of containers of one name only the newest counts, and only while it runs. */
export const probeSubjects = (
  pod: Pod,
  observed: ObservedPod,
  status: PodStatus | undefined
): ReadonlyArray<ProbeSubject> =>
  [...initSlots(pod).filter(({ kind }) => kind === "sidecar"), ...regularSlots(pod)].flatMap((slot) => {
    const kinds = probeKinds.filter((kind) => probeOf(slot.container, kind) !== undefined)
    const container = observed.containers.find(({ name }) => name === slot.name)
    if (kinds.length === 0 || container?.state !== "Running") return []
    const ips = observed.sandboxes.find(({ id }) => id === container.sandboxId)?.ips ?? []
    return [{ slot, container, kinds, ips, knownStarted: saysStarted(status, container) }]
  })
