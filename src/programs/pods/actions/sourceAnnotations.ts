/** Annotations that say where a pod came from, on sandboxes and image requests (parity C1). */
import { formatNanoTime } from "../../../domain/k8s/time.ts"
import { parseTime } from "../../../domain/k8s/time.ts"
import { annotationConfigSeen, annotationConfigSource } from "../../../domain/staticPods/staticPod.ts"
import type { ActionContext } from "../PodActions.ts"

export const sourceAnnotations = ({ pod, source }: ActionContext): Readonly<Record<string, string>> => ({
  [annotationConfigSource]: source,
  [annotationConfigSeen]: pod.metadata.annotations?.[annotationConfigSeen] ??
    formatNanoTime(parseTime(pod.metadata.creationTimestamp ?? "") ?? 0)
})
