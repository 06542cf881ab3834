/** Pods for tests about resources. */
import type { Container } from "../../../src/domain/k8s/container.ts"
import type { Pod, PodSpec } from "../../../src/domain/k8s/pod.ts"

type List = Readonly<Record<string, string>>

export const asking = (
  name: string,
  requests: List = {},
  limits: List = {},
  more: Partial<Container> = {}
): Container => ({
  name,
  image: "i",
  resources: { requests, limits },
  ...more
})

export const sidecar = (name: string, requests: List = {}, limits: List = {}): Container =>
  asking(name, requests, limits, { restartPolicy: "Always" })

export const podWith = (spec: Partial<PodSpec>, metadata: Partial<Pod["metadata"]> = {}): Pod => ({
  metadata: { name: "p", namespace: "default", uid: "u-1", ...metadata },
  spec: { containers: [asking("c")], ...spec }
})
