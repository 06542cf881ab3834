/** What the runtime's two lists say, flattened: each sandbox and container with the pod it belongs to and its state. */
import type { Container, PodSandbox } from "../../gen/cri/api_pb.ts"
import { labelPodName, labelPodNamespace, labelPodUid } from "./labels.ts"
import { listedState } from "./observed.ts"

export interface ListedSandbox {
  readonly id: string
  readonly uid: string
  readonly name: string
  readonly namespace: string
  readonly state: string
}

export interface ListedContainer {
  readonly id: string
  readonly uid: string
  readonly sandboxId: string
  readonly state: string
}

export interface Listing {
  readonly sandboxes: ReadonlyArray<ListedSandbox>
  readonly containers: ReadonlyArray<ListedContainer>
}

/**
 * Leaves out what belongs to no pod. A container without the label belongs to the pod of its sandbox; `ownerOf` knows
 * the sandboxes that are not in this list.
 */
export const listing = (
  sandboxes: ReadonlyArray<PodSandbox>,
  containers: ReadonlyArray<Container>,
  ownerOf: (sandboxId: string) => string | undefined
): Listing => {
  const listed = sandboxes.map(listedSandbox).filter(({ uid }) => uid !== "")
  const owners = new Map(listed.map(({ id, uid }) => [id, uid]))
  return {
    sandboxes: listed,
    containers: containers.map((container) => ({
      id: container.id,
      uid: container.labels[labelPodUid] ?? owners.get(container.podSandboxId) ?? ownerOf(container.podSandboxId) ?? "",
      sandboxId: container.podSandboxId,
      state: listedState(container)
    })).filter(({ uid }) => uid !== "")
  }
}

const listedSandbox = (sandbox: PodSandbox): ListedSandbox => ({
  id: sandbox.id,
  uid: sandbox.labels[labelPodUid] ?? sandbox.metadata?.uid ?? "",
  name: sandbox.labels[labelPodName] ?? sandbox.metadata?.name ?? "",
  namespace: sandbox.labels[labelPodNamespace] ?? sandbox.metadata?.namespace ?? "",
  state: listedState(sandbox)
})
