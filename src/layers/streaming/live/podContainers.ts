/** The containers a pod declares, of all three kinds: what a request may name. */
import type { Pod } from "../../../domain/k8s/pod.ts"

export interface NamedContainer {
  readonly name: string
  readonly tty?: boolean
}

export const containersOf = ({ spec }: Pod): ReadonlyArray<NamedContainer> => [
  ...spec.containers,
  ...(spec.initContainers ?? []),
  ...(spec.ephemeralContainers ?? [])
]
