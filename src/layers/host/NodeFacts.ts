/** What the machine is and has, as the node object and the resource decisions need it. */
import { Context, type Effect, Schema } from "effect"
import { Failure } from "../../domain/failure.ts"

export class NodeFactsError extends Schema.TaggedError<NodeFactsError>()("NodeFactsError", {
  op: Schema.String,
  target: Schema.String,
  reason: Failure,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `${this.op} ${this.target} failed`
  }
}

export interface NetworkAddress {
  readonly interface: string
  readonly family: 4 | 6
  /** `10.0.0.5`, `fd00::1` */
  readonly address: string
  readonly prefixLength: number
  readonly internal: boolean
}

export interface DefaultRoute {
  readonly family: 4 | 6
  readonly interface: string
  readonly metric: number
}

export interface HugePages {
  readonly sizeBytes: number
  readonly total: number
  readonly free: number
}

export interface SwapDevice {
  readonly name: string
  readonly sizeBytes: number
  readonly usedBytes: number
}

/** One reading of the machine, as plain data. Texts are empty where the machine does not say. */
export interface NodeReading {
  /** Lower case, as the host has it. */
  readonly hostname: string
  readonly machineID: string
  readonly systemUUID: string
  readonly bootID: string
  readonly kernelVersion: string
  readonly osImage: string
  /** Go's name: `amd64`, `arm64`. */
  readonly architecture: string
  readonly operatingSystem: string
  /** User id the agent runs as. */
  readonly uid: number
  readonly cpuCount: number
  readonly memoryTotalBytes: number
  readonly memoryAvailableBytes: number
  readonly swaps: ReadonlyArray<SwapDevice>
  readonly addresses: ReadonlyArray<NetworkAddress>
  /** Best first: by metric, then in the kernel's order. */
  readonly defaultRoutes: ReadonlyArray<DefaultRoute>
  readonly uptimeMs: number
  readonly bootTimeMs: number
  readonly rootFs: {
    readonly totalBytes: number
    readonly availableBytes: number
    readonly inodes: number
    readonly inodesFree: number
  }
  readonly hugePages: ReadonlyArray<HugePages>
  /** Most process ids the kernel hands out at once. */
  readonly maxPids: number
  readonly runningPids: number
  readonly pageSizeBytes: number
}

export class NodeFacts extends Context.Service<NodeFacts, {
  readonly read: Effect.Effect<NodeReading, NodeFactsError>
}>()("kubeffect/layers/host/NodeFacts") {}
