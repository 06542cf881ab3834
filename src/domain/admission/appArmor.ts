/** Whether a pod asks for an AppArmor profile, by field or by the older annotations (parity E10). */
import type { Pod } from "../k8s/pod.ts"

const annotationPrefix = "container.apparmor.security.beta.kubernetes.io/"

const isRequired = (profile: string | undefined): boolean =>
  profile !== undefined && profile !== "" && profile !== "unconfined" && profile !== "Unconfined"

export const needsAppArmor = (pod: Pod): boolean => {
  const containers = [...pod.spec.initContainers ?? [], ...pod.spec.containers, ...pod.spec.ephemeralContainers ?? []]
  return isRequired(pod.spec.securityContext?.appArmorProfile?.type) ||
    containers.some(({ securityContext }) => isRequired(securityContext?.appArmorProfile?.type)) ||
    Object.entries(pod.metadata.annotations ?? {}).some(([key, value]) =>
      key.startsWith(annotationPrefix) && isRequired(value)
    )
}
