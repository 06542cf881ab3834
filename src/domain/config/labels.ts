/** What is written on sandboxes and containers: enough to find, judge and end them when the pod is forgotten (D2, D4). */
import type { Container } from "../k8s/container.ts"
import type { StringMap } from "../k8s/fields.ts"
import type { Pod } from "../k8s/pod.ts"
import {
  annotationContainerPorts,
  annotationHash,
  annotationPodDeletionGracePeriod,
  annotationPodTerminationGracePeriod,
  annotationPreStopHandler,
  annotationRestartCount,
  annotationTerminationMessagePath,
  annotationTerminationMessagePolicy,
  labelContainerName,
  labelPodName,
  labelPodNamespace,
  labelPodUid
} from "../runtime/labels.ts"
import { containerHash } from "./containerHash.ts"
import { goJson } from "./goText.ts"

const podLabels = ({ metadata }: Pod): StringMap => ({
  [labelPodName]: metadata.name,
  [labelPodNamespace]: metadata.namespace,
  [labelPodUid]: metadata.uid
})

/** The pod's own labels cannot forge its identity. */
export const sandboxLabels = (pod: Pod): StringMap => ({ ...pod.metadata.labels, ...podLabels(pod) })

export const containerLabels = (pod: Pod, container: Container): StringMap => ({
  ...podLabels(pod),
  [labelContainerName]: container.name
})

const handlerText = ({ lifecycle }: Container): string => {
  const { exec, httpGet, tcpSocket, sleep } = lifecycle?.preStop ?? {}
  return goJson({
    exec,
    httpGet: httpGet && {
      path: httpGet.path,
      port: httpGet.port,
      host: httpGet.host,
      scheme: httpGet.scheme,
      httpHeaders: httpGet.httpHeaders?.map(({ name, value = "" }) => ({ name, value }))
    },
    tcpSocket: tcpSocket && { port: tcpSocket.port, host: tcpSocket.host },
    sleep
  })
}

const portsText = ({ ports = [] }: Container): string =>
  goJson(
    ports.map(({ name, hostPort, containerPort, protocol, hostIP }) => ({
      name,
      hostPort,
      containerPort,
      protocol,
      hostIP
    }))
  )

/** Annotations of one run of a container; `extra` comes from device plugins. */
export const containerAnnotations = (
  pod: Pod,
  container: Container,
  restartCount: number,
  extra: StringMap = {}
): StringMap => {
  const { deletionGracePeriodSeconds } = pod.metadata
  const { terminationGracePeriodSeconds } = pod.spec
  return {
    ...extra,
    [annotationHash]: containerHash(container),
    [annotationRestartCount]: `${restartCount}`,
    [annotationTerminationMessagePath]: container.terminationMessagePath ?? "",
    [annotationTerminationMessagePolicy]: container.terminationMessagePolicy ?? "",
    ...(deletionGracePeriodSeconds === undefined
      ? {}
      : { [annotationPodDeletionGracePeriod]: `${deletionGracePeriodSeconds}` }),
    ...(terminationGracePeriodSeconds === undefined
      ? {}
      : { [annotationPodTerminationGracePeriod]: `${terminationGracePeriodSeconds}` }),
    ...(container.lifecycle?.preStop === undefined ? {} : { [annotationPreStopHandler]: handlerText(container) }),
    ...((container.ports ?? []).length === 0 ? {} : { [annotationContainerPorts]: portsText(container) })
  }
}
