/** A machine made up by the test or the simulation: whatever it says of itself at the moment. */
import { Effect, Layer } from "effect"
import { NodeFacts, type NodeReading } from "./NodeFacts.ts"

const gib = 1024 ** 3

/** Four cores, 16 GiB, one address: what is not named in `differences`. */
export const machine = (hostname: string, differences: Partial<NodeReading> = {}): NodeReading => ({
  hostname,
  machineID: `machine-${hostname}`,
  systemUUID: `system-${hostname}`,
  bootID: `boot-${hostname}`,
  kernelVersion: "6.8.0",
  osImage: "Simulated Linux",
  architecture: "amd64",
  operatingSystem: "linux",
  uid: 0,
  cpuCount: 4,
  memoryTotalBytes: 16 * gib,
  memoryAvailableBytes: 15 * gib,
  swaps: [],
  addresses: [
    { interface: "lo", family: 4, address: "127.0.0.1", prefixLength: 8, internal: true },
    { interface: "eth0", family: 4, address: "10.0.0.2", prefixLength: 24, internal: false }
  ],
  defaultRoutes: [{ family: 4, interface: "eth0", metric: 0 }],
  uptimeMs: 0,
  bootTimeMs: 0,
  rootFs: { totalBytes: 100 * gib, availableBytes: 80 * gib, inodes: 6_553_600, inodesFree: 6_000_000 },
  hugePages: [],
  maxPids: 4_194_304,
  runningPids: 200,
  pageSizeBytes: 4096,
  ...differences
})

/** `current` is asked at each reading, so that a test can change the machine. */
export const layer = (current: () => NodeReading): Layer.Layer<NodeFacts> =>
  Layer.succeed(NodeFacts, NodeFacts.of({ read: Effect.sync(current) }))
