/** `/stats/summary` (O6): readings in the form of the kubelet's stats API, which metrics-server and others read. */
import { formatTime } from "../k8s/time.ts"
import {
  type ContainerReading,
  type FsReading,
  type NetworkReading,
  newestOfEachName,
  type NodeReading,
  type PodReading,
  type Pressure,
  type StatsReading,
  type Usage,
  type VolumeReading
} from "./readings.ts"

type Json = Readonly<Record<string, unknown>>

/** The summary; with `cpuAndMemoryOnly` the short form of it. */
export const summaryOf = ({ node, pods }: StatsReading, cpuAndMemoryOnly: boolean): Json => ({
  node: present(cpuAndMemoryOnly ? shortNode(node) : fullNode(node)),
  pods: newestOfEachName(pods).map((pod) => present(cpuAndMemoryOnly ? shortPod(pod) : fullPod(pod, node)))
})

/** Without the fields that have no value, as Go leaves them out. */
const present = (fields: Json): Json =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

const pressure = (value: Pressure | undefined) => {
  const line = ({ avg10, avg300, avg60, totalUs }: Pressure["some"]) => ({ total: totalUs, avg10, avg60, avg300 })
  return value === undefined ? undefined : { full: line(value.full), some: line(value.some) }
}

const cpu = ({ atMs, cpu }: Usage) =>
  cpu === undefined ? undefined : present({
    time: formatTime(atMs),
    usageNanoCores: cpu.nanoCores,
    usageCoreNanoSeconds: cpu.usageNs,
    psi: pressure(cpu.pressure)
  })

const memory = ({ atMs, memory }: Usage, capacityBytes?: number) => {
  if (memory === undefined) {
    return undefined
  }
  const limit = memory.limitBytes ?? capacityBytes
  return present({
    time: formatTime(atMs),
    availableBytes: memory.availableBytes
      ?? (limit === undefined || memory.workingSetBytes === undefined
        ? undefined
        : Math.max(0, limit - memory.workingSetBytes)),
    usageBytes: memory.usageBytes,
    workingSetBytes: memory.workingSetBytes,
    rssBytes: memory.rssBytes,
    pageFaults: memory.pageFaults,
    majorPageFaults: memory.majorPageFaults,
    psi: pressure(memory.pressure)
  })
}

const swap = ({ atMs, swap }: Usage) =>
  swap === undefined ? undefined : present({
    time: formatTime(atMs),
    swapAvailableBytes: swap.availableBytes
      ?? (swap.limitBytes === undefined ? undefined : Math.max(0, swap.limitBytes - (swap.usageBytes ?? 0))),
    swapUsageBytes: swap.usageBytes
  })

const io = ({ atMs, io }: Usage) =>
  io?.pressure === undefined ? undefined : { time: formatTime(atMs), psi: pressure(io.pressure) }

const fs = (reading: FsReading | undefined) =>
  reading === undefined ? undefined : present({
    time: formatTime(reading.atMs),
    availableBytes: reading.availableBytes,
    capacityBytes: reading.capacityBytes,
    usedBytes: reading.usedBytes,
    inodesFree: reading.inodesFree,
    inodes: reading.inodes,
    inodesUsed: reading.inodesUsed
  })

const volume = (reading: VolumeReading) => ({
  ...fs(reading),
  name: reading.name,
  ...(reading.claim === undefined ? {} : { pvcRef: reading.claim })
})

const network = (reading: NetworkReading | undefined) => {
  const main = reading?.interfaces.find(({ name }) => name === reading.main)
  return reading === undefined ? undefined : { time: formatTime(reading.atMs), ...main, interfaces: reading.interfaces }
}

const shortNode = (node: NodeReading): Json => ({
  nodeName: node.name,
  systemContainers: node.system.map(({ name, usage }) =>
    present({ name, startTime: formatTime(node.bootedAtMs), cpu: cpu(usage), memory: memory(usage) })
  ),
  startTime: formatTime(node.bootedAtMs),
  cpu: node.usage && cpu(node.usage),
  memory: node.usage && memory(node.usage, node.memoryBytes)
})

const fullNode = (node: NodeReading): Json => ({
  ...shortNode(node),
  systemContainers: node.system.map(({ name, usage }) =>
    present({
      name,
      startTime: formatTime(node.bootedAtMs),
      cpu: cpu(usage),
      memory: memory(usage),
      swap: swap(usage)
    })
  ),
  io: node.usage && io(node.usage),
  network: network(node.network),
  fs: fs(node.rootFs),
  runtime: present({ imageFs: fs(node.imageFs), containerFs: fs(node.containerFs ?? node.imageFs) }),
  rlimit: node.processes && {
    time: formatTime(node.atMs),
    maxpid: node.processes.max,
    curproc: node.processes.running
  },
  swap: node.usage && swap(node.usage)
})

const shortContainer = ({ name, startedAtMs, usage }: ContainerReading): Json => ({
  name,
  startTime: formatTime(startedAtMs),
  cpu: cpu(usage),
  memory: memory(usage)
})

const podRef = ({ name, namespace, uid }: PodReading) => ({ name, namespace, uid })

const shortPod = (pod: PodReading): Json => ({
  podRef: podRef(pod),
  startTime: formatTime(pod.startedAtMs),
  containers: pod.containers.map((container) => present(shortContainer(container))),
  cpu: pod.usage && cpu(pod.usage),
  memory: pod.usage && memory(pod.usage)
})

// What a container's layer and log may still grow by is what is left on their file system.
const onFileSystem = (reading: FsReading | undefined, node: FsReading | undefined): FsReading | undefined =>
  reading && { ...node, ...reading }

const fullPod = (pod: PodReading, node: NodeReading): Json => ({
  ...shortPod(pod),
  containers: pod.containers.map((container) =>
    present({
      ...shortContainer(container),
      rootfs: fs(onFileSystem(container.rootfs, node.imageFs)),
      logs: fs(onFileSystem(container.logs, node.rootFs)),
      swap: swap(container.usage)
    })
  ),
  io: pod.usage && io(pod.usage),
  network: network(pod.network),
  volume: pod.volumes.length === 0 ? undefined : pod.volumes.map(volume),
  "ephemeral-storage": fs(onFileSystem(pod.ephemeral, node.rootFs)),
  process_stats: pod.usage?.processes === undefined ? undefined : { process_count: pod.usage.processes },
  swap: pod.usage && swap(pod.usage)
})
