/** Labels and annotations that the agent puts on sandboxes and containers to find them again (parity D2, D4). */

export const labelPodName = "io.kubernetes.pod.name"
export const labelPodNamespace = "io.kubernetes.pod.namespace"
export const labelPodUid = "io.kubernetes.pod.uid"
export const labelContainerName = "io.kubernetes.container.name"

export const annotationHash = "io.kubernetes.container.hash"
export const annotationRestartCount = "io.kubernetes.container.restartCount"
export const annotationTerminationMessagePath = "io.kubernetes.container.terminationMessagePath"
export const annotationTerminationMessagePolicy = "io.kubernetes.container.terminationMessagePolicy"
export const annotationPodTerminationGracePeriod = "io.kubernetes.pod.terminationGracePeriod"
export const annotationPodDeletionGracePeriod = "io.kubernetes.pod.deletionGracePeriod"
export const annotationPreStopHandler = "io.kubernetes.container.preStopHandler"
export const annotationContainerPorts = "io.kubernetes.container.ports"
