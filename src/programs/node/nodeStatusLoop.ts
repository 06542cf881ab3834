/**
 * Keeps the node's status at the API server true: computed every ten seconds and whenever the runtime's health changes,
 * written when it differs or has not been written for long (parity B3).
 */
import { Clock, Duration, Effect, Random, Semaphore, Stream } from "effect"
import { equalValues } from "../../domain/equalValues.ts"
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
  /** What the last round saw that found nothing to tell, with what the API server showed: after a report nothing equals it. */
  seen: Sight | undefined
}

/** All that the status says anything about. */
type Sight = Effect.Success<ReturnType<typeof look>>

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
    images: { atMs: Number.NEGATIVE_INFINITY, list: [] },
    seen: undefined
  }
  return reporter
})

/** Runs for ever: registers the node, then reports. */
export const nodeStatusLoop = Effect.gen(function*() {
  const reporter = yield* makeReporter
  const { events } = reporter
  const register = Effect.gen(function*() {
    const sight = yield* look(reporter)
    yield* registerNode(statusOf(reporter.config, sight, yield* Clock.currentTimeMillis))
  })
  yield* register
  yield* events.recordNode({ type: "Normal", reason: "Starting", message: "Starting kubelet." })
  const oneByOne = (yield* Semaphore.make(1)).withPermits(1)
  // A node object that somebody deleted is made again.
  const round = oneByOne(Effect.catchReason(report(reporter), "ApiError", "NotFound", () => register))
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
  const { api, clock, config, events, inUse, nodeState, seen, sent: last } = reporter
  const sight = yield* look(reporter)
  const now = clock.currentTimeMillisUnsafe()
  const due = now - last.atMs >= config.nodeStatusReportFrequencyMs
  // Nearly always: to work out the status takes longer than to see that it is as it was.
  if (!due && equalValues(seen, sight)) return
  const { shown } = sight
  const next = statusOf(config, sight, now)
  if (!due && !statusChanged(last.status, next) && !conditionsOverruled(last.status, shown)) {
    reporter.seen = sight
    return
  }
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

const look = Effect.fnUntraced(function*(reporter: Reporter) {
  const { clock, health, images, inUse, network, nodeState } = reporter
  const isRecent = clock.currentTimeMillisUnsafe() - images.atMs < imagesAgeMs
  const { ips, machine, pressure, shown, sizes } = yield* nodeState.look
  return {
    machine,
    ips,
    pressure,
    /** With the devices that plugins offer. */
    sizes,
    /** As the API server has it. */
    shown: shown?.status,
    runtime: yield* health.status,
    listingProblem: yield* health.listingProblem,
    networkProblems: yield* network.current,
    images: isRecent ? images.list : yield* currentImages(reporter),
    volumesInUse: yield* inUse.names
  }
})

const statusOf = (config: AgentConfig["Service"], sight: Sight, nowMs: number): NodeStatus => {
  const { images, ips, listingProblem, machine, networkProblems, pressure, runtime, shown, sizes, volumesInUse } = sight
  // The runtime knows that a network is missing, we know why.
  const whyNoNetwork = networkProblems.map((problem) => `pod network not ready: ${problem}`)
  const problems = [runtime.runtimeProblem, runtime.networkProblem, ...whyNoNetwork, listingProblem]
    .filter((problem) => problem !== "")
  const status = nodeStatus({
    identity: config,
    machine,
    runtime,
    ips,
    images,
    maxImages: config.nodeStatusMaxImages,
    conditions: nodeConditions(shown?.conditions ?? [], {
      now: formatTime(nowMs),
      pressure,
      problems: [...new Set(problems)]
    }),
    volumesInUse
  })
  return { ...status, ...sizes }
}

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
