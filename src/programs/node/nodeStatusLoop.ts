/**
 * Keeps the node's status at the API server true: computed every ten seconds and whenever the runtime's health changes,
 * written when it differs or has not been written for long (parity B3).
 */
import { Clock, Duration, Effect, Random, Semaphore, Stream } from "effect"
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
  readonly clock: Clock.Clock
  /** What the API server was last told, and when. */
  sent: { readonly atMs: number; readonly status: NodeStatus | undefined }
  images: { readonly atMs: number; readonly list: ReadonlyArray<NodeImage> }
}

const makeReporter = Effect.gen(function*() {
  const reporter: Reporter = {
    api: yield* KubeApi,
    cri: yield* Cri,
    config: yield* AgentConfig,
    devices: yield* Devices,
    health: yield* RuntimeHealth,
    network: yield* NetworkProblems,
    nodeState: yield* NodeState,
    events: yield* EventRecorder,
    inUse: yield* VolumesInUse,
    clock: yield* Clock.Clock,
    sent: { atMs: 0, status: undefined },
    images: { atMs: Number.NEGATIVE_INFINITY, list: [] }
  }
  return reporter
})

/** Runs for ever: registers the node, then reports. */
export const nodeStatusLoop = Effect.gen(function*() {
  const reporter = yield* makeReporter
  const { events } = reporter
  yield* registerNode(yield* compute(reporter))
  yield* events.recordNode({ type: "Normal", reason: "Starting", message: "Starting kubelet." })
  const oneByOne = (yield* Semaphore.make(1)).withPermits(1)
  // A node object that somebody deleted is made again.
  const round = oneByOne(Effect.catchReason(
    report(reporter),
    "ApiError",
    "NotFound",
    () => Effect.flatMap(compute(reporter), registerNode)
  ))
  return yield* supervise(
    "node status",
    Effect.all([periodically(reporter, round), Stream.runForEach(changes(reporter), () => round)], {
      concurrency: "unbounded",
      discard: true
    })
  )
})

/** The period is spread so that the nodes of a cluster do not report in step. */
const periodically = <E, R>({ clock, config }: Reporter, round: Effect.Effect<void, E, R>) => {
  const pause = Effect.flatMap(
    Random.next,
    (dice) => clock.sleep(Duration.millis(config.nodeStatusUpdateFrequencyMs * (0.9 + 0.2 * dice)))
  )
  return Effect.forever(Effect.andThen(pause, round), { disableYield: true })
}

/** Ticks when something may have to be told at once. */
const changes = ({ devices, health, inUse, network }: Reporter) =>
  Stream.map(health.changes, () => undefined).pipe(
    Stream.merge(Stream.map(network.changes, () => undefined)),
    Stream.merge(Stream.map(inUse.changes, () => undefined)),
    Stream.merge(devices.changes)
  )

const report = Effect.fnUntraced(function*(reporter: Reporter) {
  const { api, clock, config, events, inUse, nodeState, sent: last } = reporter
  const next = yield* compute(reporter)
  const now = clock.currentTimeMillisUnsafe()
  const shown = (yield* nodeState.node)?.status
  const due = now - last.atMs >= config.nodeStatusReportFrequencyMs
  if (!due && !statusChanged(last.status, next) && !conditionsOverruled(last.status, shown)) return
  const answer = yield* api.patch(
    resources.nodes,
    { name: config.nodeName },
    { type: "strategic", body: nodeStatusPatch(next) },
    { subresource: "status" }
  )
  reporter.sent = { atMs: now, status: next }
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
  const { clock, config, health, images, inUse, network, nodeState } = reporter
  const runtime = yield* health.status
  const before = (yield* nodeState.node)?.status
  const now = clock.currentTimeMillisUnsafe()
  const machine = yield* Effect.catch(nodeState.refresh, () => nodeState.facts)
  // The runtime knows that a network is missing, we know why.
  const networkProblems = (yield* network.current).map((problem) => `pod network not ready: ${problem}`)
  const problems = [runtime.runtimeProblem, runtime.networkProblem, ...networkProblems, yield* health.listingProblem]
    .filter((problem) => problem !== "")
  const status = nodeStatus({
    identity: config,
    machine,
    runtime,
    ips: yield* nodeState.ips,
    images: now - images.atMs < imagesAgeMs ? images.list : yield* currentImages(reporter),
    maxImages: config.nodeStatusMaxImages,
    conditions: nodeConditions(before?.conditions ?? [], {
      now: formatTime(now),
      pressure: yield* nodeState.pressure,
      problems: [...new Set(problems)]
    }),
    volumesInUse: yield* inUse.names
  })
  // With the devices that plugins offer.
  return { ...status, ...(yield* nodeState.sizes) }
})

const currentImages = Effect.fnUntraced(
  function*(reporter: Reporter) {
    const answer = yield* reporter.cri.listImages({})
    const list = answer.images.map((image) => ({
      names: [...image.repoDigests, ...image.repoTags],
      sizeBytes: Number(image.size)
    }))
    reporter.images = { atMs: reporter.clock.currentTimeMillisUnsafe(), list }
    return list
  },
  // A runtime that is down shows in the conditions; the images known stay.
  (listed, reporter) => Effect.catch(listed, () => Effect.succeed(reporter.images.list))
)
