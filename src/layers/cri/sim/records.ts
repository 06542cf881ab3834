/** What the simulated runtime remembers of sandboxes and containers. Lean: a node has hundreds, a process of nodes tens of thousands. */
import type { Timer } from "../../../domain/timerHeap.ts"
import type {
  Container,
  LinuxContainerResources,
  Mount,
  NamespaceOption,
  PodSandbox,
  Signal
} from "../../../gen/cri/api_pb.ts"
import type { Process } from "./program.ts"
import type { ContainerScript } from "./script.ts"

/** Who is told that its time has come, with that time. */
export type Woken = (atMs: number) => void

export type Labels = Readonly<Record<string, string>>

export interface SandboxRecord {
  readonly id: string
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly attempt: number
  readonly labels: Labels
  readonly annotations: Labels
  readonly createdAtMs: number
  readonly runtimeHandler: string
  readonly logDirectory: string
  readonly namespaces: NamespaceOption | undefined
  /** Absent on the network of the host, and after a stop. */
  address: { readonly index: number; readonly ips: ReadonlyArray<string> } | undefined
  ready: boolean
  readonly containers: Set<ContainerRecord>
  /** As lists show it; made anew when its state changes. */
  listed: PodSandbox | undefined
}

export interface ContainerRecord {
  readonly id: string
  readonly sandbox: SandboxRecord
  readonly name: string
  readonly attempt: number
  readonly labels: Labels
  readonly annotations: Labels
  readonly mounts: ReadonlyArray<Mount>
  /** As asked for, by its user's words, its digest and its id. */
  readonly image: {
    readonly image: string
    readonly userSpecifiedImage: string
    readonly ref: string
    readonly id: string
  }
  readonly createdAtMs: number
  /** Empty without a log. */
  readonly logPath: string
  readonly user: { readonly uid: number; readonly gid: number; readonly groups: ReadonlyArray<number> }
  readonly stopSignal: Signal
  readonly script: ContainerScript
  /** Nobody described its program: it answers on the network as servers do. */
  readonly server: boolean
  /** First process of its PID namespace. */
  readonly isInit: boolean
  readonly process: Process
  resources: LinuxContainerResources | undefined
  state: "Created" | "Starting" | "Running" | "Exited"
  startedAtMs: number
  finishedAtMs: number
  exitCode: number
  reason: string
  message: string
  /** The next step of its process. */
  timer: Timer<Woken> | undefined
  /** When it will have taken more memory than it may. */
  oomTimer: Timer<Woken> | undefined
  /** Output without an end of line yet. */
  openLines: { stdout: string; stderr: string } | undefined
  /** As lists show it; made anew when its state changes. */
  listed: Container | undefined
  /** Calls that wait for its exit. */
  waiters: Array<Woken> | undefined
}

/** The part of its record that says what has become of a container: nothing yet. */
export const neverRun = {
  state: "Created",
  startedAtMs: 0,
  finishedAtMs: 0,
  exitCode: 0,
  reason: "",
  message: "",
  timer: undefined,
  oomTimer: undefined,
  listed: undefined,
  openLines: undefined,
  waiters: undefined
} as const satisfies Partial<ContainerRecord>

export type EventKind = "Created" | "Started" | "Stopped" | "Deleted"

export interface RuntimeHappening {
  readonly kind: EventKind
  /** A container's, or the sandbox's own. */
  readonly id: string
  readonly sandbox: SandboxRecord
  readonly container: ContainerRecord | undefined
  readonly atMs: number
}
