/** What a simulated runtime is like: its speed, its addresses, its images, the programs in its containers. */
import { anyImage, type Registry } from "./images.ts"
import type { Workloads } from "./script.ts"

/** Shortest and longest time, both in milliseconds. */
export type Latency = readonly [min: number, max: number]

/** How long the runtime takes, without what the container's own script adds. */
export interface Latencies {
  readonly runPodSandbox: Latency
  readonly stopPodSandbox: Latency
  readonly removePodSandbox: Latency
  readonly createContainer: Latency
  readonly startContainer: Latency
  /** From the last signal to the end of StopContainer. */
  readonly stopContainer: Latency
  readonly removeContainer: Latency
  readonly execSync: Latency
  /** Every call that only reads. */
  readonly read: Latency
}

/** About what containerd 2.1 takes on two cores. */
export const containerdLatencies: Latencies = {
  runPodSandbox: [90, 160],
  stopPodSandbox: [60, 100],
  removePodSandbox: [15, 30],
  createContainer: [8, 20],
  startContainer: [45, 85],
  stopContainer: [20, 60],
  removeContainer: [5, 15],
  execSync: [25, 50],
  read: [0, 0]
}

export interface SimOptions {
  /** Tells runtimes of one world apart: part of every id. */
  readonly node: string
  /** One range, or one of each family. */
  readonly podCidrs: ReadonlyArray<string>
  readonly registry: Registry
  /** There from the start. */
  readonly images: ReadonlyArray<string>
  readonly workloads: Workloads
  readonly latencies: Latencies
  /** Of the machine itself, where sandboxes on its network are reached. */
  readonly hostAddresses: ReadonlyArray<string>
  readonly cgroupDriver: "cgroupfs" | "systemd"
  /** Names of runtime classes' handlers, beside the default one. */
  readonly runtimeHandlers: ReadonlyArray<string>
  /** Keeps every call for tests; without it, calls leave no trace. */
  readonly recordCalls: boolean
}

export const defaults: SimOptions = {
  node: "node",
  podCidrs: ["10.88.0.0/16"],
  registry: anyImage,
  images: ["registry.k8s.io/pause:3.10"],
  workloads: () => undefined,
  latencies: containerdLatencies,
  hostAddresses: ["127.0.0.1"],
  cgroupDriver: "cgroupfs",
  runtimeHandlers: [],
  recordCalls: false
}
