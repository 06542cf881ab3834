/** What events say of a resize (parity D17): what the pod asks for, as JSON, with the generation that asked. */
import { goJson } from "../config/goText.ts"
import type { Container, ResourceRequirements } from "../k8s/container.ts"
import type { ResourceList } from "../k8s/fields.ts"
import type { Pod } from "../k8s/pod.ts"

const sorted = (list: ResourceList): ResourceList =>
  Object.fromEntries(Object.entries(list).sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0))

const resourcesOf = ({ claims, limits, requests }: ResourceRequirements) => ({
  ...(limits === undefined ? {} : { limits: sorted(limits) }),
  ...(requests === undefined ? {} : { requests: sorted(requests) }),
  ...(claims === undefined ? {} : { claims })
})

const summaryOf = ({ name, resources }: Container) => ({ name, resources: resourcesOf(resources ?? {}) })

export interface ResizeWords {
  /** `Pod resize started`, and so on. */
  readonly what: string
  readonly generation: number
  readonly error?: string
}

/** `pod`: with the resources that are told of. */
export const resizeMessage = (pod: Pod, { error, generation, what }: ResizeWords): string => {
  const { containers, initContainers = [], resources } = pod.spec
  const summary = goJson({
    ...(resources === undefined ? {} : { resources: resourcesOf(resources) }),
    ...(initContainers.length === 0 ? {} : { initContainers: initContainers.map(summaryOf) }),
    ...(containers.length === 0 ? {} : { containers: containers.map(summaryOf) }),
    generation,
    ...(error === undefined || error === "" ? {} : { error })
  })
  return `${what}: ${summary}`
}
