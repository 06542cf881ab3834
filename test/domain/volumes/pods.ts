/** Short ways to make pods with volumes. */
import type { Pod, PodSpec } from "../../../src/domain/k8s/pod.ts"
import type { Volume } from "../../../src/domain/k8s/volume.ts"

export const podWith = (
  volumes: ReadonlyArray<Volume>,
  spec: Partial<PodSpec> = {},
  metadata: Partial<Pod["metadata"]> = {}
): Pod => ({
  metadata: { name: "p", namespace: "default", uid: "u1", ...metadata },
  spec: {
    containers: [{
      name: "c",
      image: "i",
      volumeMounts: volumes.map(({ name }) => ({ name, mountPath: `/${name}` }))
    }],
    volumes,
    ...spec
  }
})
