/**
 * Keeps the node's status at the API server true: computed every ten seconds and whenever the runtime's health changes,
 * written when it differs or has not been written for long (parity B3).
 */
import { Clock, Effect, Random, Ref, Stream } from "effect"
import { decodeNode } from "../../domain/k8s/decode.ts"
import type { NodeStatus } from "../../domain/k8s/node.ts"
import * as resources from "../../domain/k8s/resources.ts"
import { formatTime } from "../../domain/k8s/time.ts"
import { conditionEvents, nodeConditions } from "../../domain/node/conditions.ts"
import {
  conditionsOverruled,
  type NodeImage,
  nodeStatus,
  nodeStatusPatch,
  statusChanged
} from "../../domain/node/nodeObject.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import { Cri } from "../../layers/cri/Cri.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { VolumesInUse } from "../csi/VolumesInUse.ts"
import { Devices } from "../devices/Devices.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { NetworkProblems } from "../network/NetworkProblems.ts"
import { RuntimeHealth } from "../runtime/RuntimeHealth.ts"
import { supervise } from "../supervise.ts"
import { registerNode } from "./nodeRegistration.ts"
import { NodeState } from "./NodeState.ts"

/** Images are listed anew after this long (parity G4). */
const imagesAgeMs = 30_000

interface Reporter {
  readonly api: KubeApi["Service"]
  readonly cri: Cri["Service"]
  readonly config: AgentConfig["Service"]
  readonly devices: Devices["Service"]
  readonly health: RuntimeHealth["Service"]
  readonly network: NetworkProblems["Service"]
  readonly nodeState: NodeState["Service"]
  readonly events: EventRecorder["Service"]
  readonly inUse: VolumesInUse["Service"]
  /** What the API server was last told, and when. */
  readonly sent: Ref.Ref<{ readonly atMs: number; readonly status: NodeStatus | undefined }>
  readonly images: Ref.Ref<{ readonly atMs: number; readonly list: ReadonlyArray<NodeImage> }>
}

const makeReporter = Effect.gen(function*() {
  return {
    api: yield* KubeApi,
    cri: yield* Cri,
    config: yield* AgentConfig,
    devices: yield* Devices,
    health: yield* RuntimeHealth,
    network: yield* NetworkProblems,
    nodeState: yield* NodeState,
    events: yield* EventRecorder,
    inUse: yield* VolumesInUse,
    sent: yield* Ref.make<{ readonly atMs: number; readonly status: NodeStatus | undefined }>({
      atMs: 0,
      status: undefined
    }),
    images: yield* Ref.make<{ readonly atMs: number; readonly list: ReadonlyArray<NodeImage> }>({
      atMs: Number.NEGATIVE_INFINITY,
      list: []
    })
  } satisfies Reporter
})

/** Runs for ever: registers the node, then reports. */
export const nodeStatusLoop = Effect.gen(function*() {
  const reporter = yield* makeReporter
  const { events } = reporter
  yield* registerNode(yield* compute(reporter))
  yield* events.recordNode({ type: "Normal", reason: "Starting", message: "Starting kubelet." })
  return yield* supervise(
    "node status",
    Stream.runForEach(hints(reporter), () =>
      // A node object that somebody deleted is made again.
      Effect.catchReason(
        report(reporter),
        "ApiError",
        "NotFound",
        () => Effect.flatMap(compute(reporter), registerNode)
      ))
  )
})

/** When a report may be due. */
const hints = ({ config, devices, health, inUse, network }: Reporter) => {
  /** The period is spread so that the nodes of a cluster do not report in step. */
  const period = Effect.map(Random.next, (dice) => config.nodeStatusUpdateFrequencyMs * (0.9 + 0.2 * dice))
  const ticks = Stream.fromEffectRepeat(Effect.flatMap(period, Effect.sleep))
  const changes = Stream.map(health.changes, () => undefined).pipe(
    Stream.merge(Stream.map(network.changes, () => undefined)),
    Stream.merge(Stream.map(inUse.changes, () => undefined)),
    Stream.merge(devices.changes)
  )
  return Stream.merge(ticks, changes)
}

const report = Effect.fnUntraced(function*(reporter: Reporter) {
  const { api, config, events, inUse, nodeState, sent } = reporter
  const next = yield* compute(reporter)
  const now = yield* Clock.currentTimeMillis
  const last = yield* Ref.get(sent)
  const shown = (yield* nodeState.node)?.status
  const due = now - last.atMs >= config.nodeStatusReportFrequencyMs
  if (!due && !statusChanged(last.status, next) && !conditionsOverruled(last.status, shown)) return
  const answer = yield* api.patch(
    resources.nodes,
    { name: config.nodeName },
    { type: "strategic", body: nodeStatusPatch(next) },
    { subresource: "status" }
  )
  yield* Ref.set(sent, { atMs: now, status: next })
  yield* inUse.reported(next.volumesInUse ?? [])
  const decoded = decodeNode(answer)
  if (decoded._tag === "Success") yield* nodeState.setNode(decoded.success)
  yield* Effect.forEach(
    conditionEvents(config.nodeName, shown?.conditions ?? [], next.conditions ?? []),
    (event) => events.recordNode(event),
    { discard: true }
  )
})

const compute = Effect.fnUntraced(function*(reporter: Reporter) {
  const { config, health, inUse, network, nodeState } = reporter
  const runtime = yield* health.status
  const before = (yield* nodeState.node)?.status
  const now = yield* Clock.currentTimeMillis
  const machine = yield* nodeState.refresh.pipe(Effect.catch(() => nodeState.facts))
  // The runtime knows that a network is missing, we know why.
  const networkProblems = (yield* network.current).map((problem) => `pod network not ready: ${problem}`)
  const problems = [runtime.runtimeProblem, runtime.networkProblem, ...networkProblems, yield* health.listingProblem]
    .filter((problem) => problem !== "")
  const status = nodeStatus({
    identity: config,
    machine,
    runtime,
    ips: yield* nodeState.ips,
    images: yield* currentImages(reporter),
    maxImages: config.nodeStatusMaxImages,
    conditions: nodeConditions(before?.conditions ?? [], {
      now: formatTime(now),
      pressure: yield* nodeState.pressure,
      problems: [...new Set(problems)]
    }),
    volumesInUse: yield* inUse.names
  })
  // With the devices that plugins offer.
  return { ...status, capacity: yield* nodeState.capacity, allocatable: yield* nodeState.allocatable }
})

const currentImages = Effect.fnUntraced(
  function*({ cri, images }: Reporter) {
    const known = yield* Ref.get(images)
    const now = yield* Clock.currentTimeMillis
    if (now - known.atMs < imagesAgeMs) return known.list
    const answer = yield* cri.listImages({})
    const list = answer.images.map((image) => ({
      names: [...image.repoDigests, ...image.repoTags],
      sizeBytes: Number(image.size)
    }))
    yield* Ref.set(images, { atMs: now, list })
    return list
  },
  // A runtime that is down shows in the conditions; the images known stay.
  (listed, { images }) => Effect.catch(listed, () => Effect.map(Ref.get(images), (known) => known.list))
)
