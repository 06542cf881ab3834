/** Series of `/metrics` that are read off what the agent knows when it is asked, not counted as it goes (T2). */
import type { Pod } from "../k8s/pod.ts"
import type { ContainerStatus } from "../k8s/podStatus.ts"
import type { Family, Sample } from "./exposition.ts"
import type { VolumeReading } from "./readings.ts"

export interface AgentReading {
  readonly nodeName: string
  readonly version: string
  readonly pods: ReadonlyArray<Pod>
  /** Volumes of all pods; only those of claims have series. */
  readonly volumes: ReadonlyArray<VolumeReading>
}

export const agentFamilies = ({ nodeName, pods, version, volumes }: AgentReading): ReadonlyArray<Family> => {
  const [major = "", minor = ""] = version.replace(/^v/, "").split(".")
  const gauge = (name: string, help: string, ...samples: ReadonlyArray<Sample>): Family => ({
    name,
    help,
    type: "gauge",
    samples
  })
  const containers = countBy(pods.flatMap(statusesOf).map(stateOf))
  const sources = countBy(pods.map(({ metadata }) => isStatic(metadata.annotations) ? "true" : ""))
  const active = countBy(pods.filter(isActive).map(({ metadata }) => isStatic(metadata.annotations) ? "true" : ""))
  return [
    gauge("kubernetes_build_info", "A metric with a constant '1' value labeled by version and platform.", {
      labels: { git_version: version, major, minor, platform: "linux" },
      value: 1
    }),
    gauge("kubelet_node_name", "The node's name. The count is always 1.", { labels: { node: nodeName }, value: 1 }),
    gauge("kubelet_running_pods", "Number of pods that have a running container", {
      labels: {},
      value: pods.filter((pod) => statusesOf(pod).some((status) => stateOf(status) === "running")).length
    }),
    gauge(
      "kubelet_running_containers",
      "Number of containers by their state",
      ...containers.map(([container_state, value]) => ({ labels: { container_state }, value }))
    ),
    gauge(
      "kubelet_desired_pods",
      "The number of pods the kubelet is being instructed to run. static is true if the pod is not from the apiserver.",
      ...sources.map(([source, value]) => ({ labels: { static: source }, value }))
    ),
    gauge(
      "kubelet_active_pods",
      "The number of pods the kubelet considers active and which are being considered when admitting new pods. "
        + "static is true if the pod is not from the apiserver.",
      ...active.map(([source, value]) => ({ labels: { static: source }, value }))
    ),
    ...volumeFamilies(volumes)
  ]
}

const countBy = (keys: ReadonlyArray<string>): ReadonlyArray<readonly [string, number]> => {
  const counts = new Map<string, number>()
  for (const key of keys) {
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return [...counts]
}

const statusesOf = ({ status }: Pod): ReadonlyArray<ContainerStatus> => [
  ...(status?.containerStatuses ?? []),
  ...(status?.initContainerStatuses ?? []),
  ...(status?.ephemeralContainerStatuses ?? [])
]

const stateOf = ({ state }: ContainerStatus): "running" | "exited" | "created" =>
  state?.running !== undefined ? "running" : state?.terminated !== undefined ? "exited" : "created"

const isStatic = (annotations: Readonly<Record<string, string>> = {}): boolean =>
  (annotations["kubernetes.io/config.source"] ?? "api") !== "api"

const isActive = ({ status }: Pod): boolean => status?.phase !== "Succeeded" && status?.phase !== "Failed"

const volumeSeries: ReadonlyArray<readonly [name: string, help: string, value: keyof VolumeReading]> = [
  ["kubelet_volume_stats_capacity_bytes", "Capacity in bytes of the volume", "capacityBytes"],
  ["kubelet_volume_stats_available_bytes", "Number of available bytes in the volume", "availableBytes"],
  ["kubelet_volume_stats_used_bytes", "Number of used bytes in the volume", "usedBytes"],
  ["kubelet_volume_stats_inodes", "Maximum number of inodes in the volume", "inodes"],
  ["kubelet_volume_stats_inodes_free", "Number of free inodes in the volume", "inodesFree"],
  ["kubelet_volume_stats_inodes_used", "Number of used inodes in the volume", "inodesUsed"]
]

const volumeFamilies = (volumes: ReadonlyArray<VolumeReading>): ReadonlyArray<Family> => {
  // Several pods may use one claim: one series each.
  const claims = new Map(
    volumes.flatMap((volume) =>
      volume.claim === undefined ? [] : [[`${volume.claim.namespace}/${volume.claim.name}`, volume] as const]
    )
  )
  return volumeSeries.map(([name, help, field]) => ({
    name,
    help: `[ALPHA] ${help}`,
    type: "gauge",
    samples: [...claims.values()].flatMap((volume) => {
      const value = volume[field]
      return typeof value !== "number" || volume.claim === undefined ? [] : [{
        labels: { namespace: volume.claim.namespace, persistentvolumeclaim: volume.claim.name },
        value
      }]
    })
  }))
}
