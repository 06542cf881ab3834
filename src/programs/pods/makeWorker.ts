/** What one pod's worker holds: the services it uses, what it remembers of the pod, and the lanes its actions run in. */
import { Clock, Effect, FiberMap, Ref } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import { parseTime } from "../../domain/k8s/time.ts"
import type { PodMemory } from "../../domain/pod/model.ts"
import type { Bell } from "../Bell.ts"
import { Devices } from "../devices/Devices.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { NodeState } from "../node/NodeState.ts"
import { ProbeSet } from "../probes/ProbeSet.ts"
import { RuntimeView } from "../runtime/RuntimeView.ts"
import { StatusWriter } from "../status/StatusWriter.ts"
import { PodVolumes } from "../volumes/PodVolumes.ts"
import { PodActions } from "./PodActions.ts"
import { type DesiredPod, PodRegistry } from "./PodRegistry.ts"
import { ResizeQueue } from "./ResizeQueue.ts"

export interface WorkerState {
  readonly memory: PodMemory
  /** Grows with every change a lane makes, so that a turn notices that its look at the runtime is older than that. */
  readonly epoch: number
}

export interface Worker {
  readonly uid: string
  /** Asks for the next turn. */
  readonly wake: Bell
  readonly state: Ref.Ref<WorkerState>
  /** The shortest grace a deletion has given so far; infinite before one has. */
  readonly graceSeconds: Ref.Ref<number>
  readonly lanes: FiberMap.FiberMap<string, void>
  /** The API's object of the pod: itself, or the mirror of a static one. */
  readonly apiObject: (desired: DesiredPod) => Effect.Effect<Pod | undefined>
  readonly registry: PodRegistry["Service"]
  readonly runtime: RuntimeView["Service"]
  readonly nodeState: NodeState["Service"]
  readonly probes: ProbeSet["Service"]
  readonly volumes: PodVolumes["Service"]
  readonly statuses: StatusWriter["Service"]
  readonly devices: Devices["Service"]
  readonly events: EventRecorder["Service"]
  readonly actions: PodActions["Service"]
  readonly resizes: ResizeQueue["Service"]
}

/** What a worker starts with: nothing of its own, so what the API object last said about the pod (crash-only). */
const initialMemory = (apiPod: Pod | undefined, nowMs: number): PodMemory => ({
  acceptedAtMs: parseTime(apiPod?.status?.startTime ?? "") ?? nowMs,
  lastStatus: apiPod?.status,
  startFailures: {},
  sandboxFailure: undefined,
  restartBackoff: {},
  busy: { sandbox: false, start: undefined, kills: {} },
  termination: undefined
})

/** The scope ends what runs in the lanes. */
export const makeWorker = Effect.fnUntraced(function*(first: DesiredPod, wake: Bell) {
  const registry = yield* PodRegistry
  const apiObject = (desired: DesiredPod) =>
    desired.source === "api" ? Effect.succeed<Pod | undefined>(desired.pod) : registry.mirrorOf(desired.pod)
  const memory = initialMemory(yield* apiObject(first), yield* Clock.currentTimeMillis)
  return {
    uid: first.pod.metadata.uid,
    wake,
    state: yield* Ref.make<WorkerState>({ memory, epoch: 0 }),
    graceSeconds: yield* Ref.make(Number.POSITIVE_INFINITY),
    lanes: yield* FiberMap.make<string, void>(),
    apiObject,
    registry,
    runtime: yield* RuntimeView,
    nodeState: yield* NodeState,
    probes: yield* ProbeSet,
    volumes: yield* PodVolumes,
    statuses: yield* StatusWriter,
    devices: yield* Devices,
    events: yield* EventRecorder,
    actions: yield* PodActions,
    resizes: yield* ResizeQueue
  } satisfies Worker
})
