/** The agent as the node's HTTP server may see it: read from the registry, the statuses and the runtime view. */
import { Cache, Clock, Effect, Layer, Option } from "effect"
import { decodePod } from "../../domain/k8s/decode.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { ObservedContainer } from "../../domain/pod/model.ts"
import { podCgroup, podsCgroup } from "../../domain/resources/cgroupNames.ts"
import { qosClassOf } from "../../domain/resources/qos.ts"
import { type ContainerTarget, NodeReadModel, NotOnNode, type PodTarget } from "../../layers/streaming/NodeReadModel.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { NodeState } from "../node/NodeState.ts"
import { PodRegistry } from "../pods/PodRegistry.ts"
import { RuntimeHealth } from "../runtime/RuntimeHealth.ts"
import { RuntimeView } from "../runtime/RuntimeView.ts"
import { StatusWriter } from "../status/StatusWriter.ts"
import { PodVolumes } from "../volumes/PodVolumes.ts"

/** How long a measurement of a pod's volumes stands, and of how many pods. */
const usageAgeMs = 60_000
const usagesMax = 1024

/** A container that runs is meant before one that does not, then the newest. */
const preferred = (containers: ReadonlyArray<ObservedContainer>): ObservedContainer | undefined =>
  containers.find(({ state }) => state === "Running") ?? containers[0]

interface Sources {
  readonly registry: PodRegistry["Service"]
  readonly runtime: RuntimeView["Service"]
  readonly statuses: StatusWriter["Service"]
}

const withStatus = Effect.fnUntraced(function*({ statuses }: Sources, pod: Pod, uid: string) {
  const status = yield* statuses.latest(uid)
  return status === undefined ? pod : { ...pod, status }
})

const pods = Effect.fnUntraced(function*(sources: Sources) {
  const { registry } = sources
  const desired = yield* registry.all
  return yield* Effect.forEach(
    desired,
    Effect.fnUntraced(function*({ pod, source }) {
      const mirror = source === "api" ? undefined : yield* registry.mirrorOf(pod)
      return yield* withStatus(sources, pod, mirror?.metadata.uid ?? pod.metadata.uid)
    })
  )
})

/** A static pod answers to its own UID and to its mirror's. */
const findPod = Effect.fnUntraced(function*({ registry }: Sources, target: PodTarget) {
  for (const { pod } of yield* registry.all) {
    if (pod.metadata.namespace !== target.namespace || pod.metadata.name !== target.pod) continue
    if (target.uid === undefined || target.uid === pod.metadata.uid) return pod
    const mirror = yield* registry.mirrorOf(pod)
    if (mirror?.metadata.uid === target.uid) return pod
  }
  return yield* new NotOnNode({ what: "pod", name: `${target.pod}_${target.namespace}` })
})

// What the runtime cannot tell now is not here for the caller.
const observe = ({ runtime }: Sources, pod: Pod, missing: NotOnNode) =>
  Effect.mapError(runtime.observe(pod.metadata.uid), () => missing)

const findContainer = Effect.fnUntraced(function*(sources: Sources, target: ContainerTarget) {
  const pod = yield* findPod(sources, target)
  const missing = new NotOnNode({ what: "container", name: target.container })
  const observed = yield* observe(sources, pod, missing)
  const found = preferred(observed.containers.filter(({ name }) => name === target.container))
  if (found === undefined) return yield* missing
  return { containerId: found.id, sandboxId: found.sandboxId, podUid: pod.metadata.uid, state: found.state }
})

const findSandbox = Effect.fnUntraced(function*(sources: Sources, target: PodTarget) {
  const pod = yield* findPod(sources, target)
  const missing = new NotOnNode({ what: "pod", name: `${target.pod}_${target.namespace}` })
  const ready = (yield* observe(sources, pod, missing)).sandboxes.find((sandbox) => sandbox.ready)
  return ready === undefined ? yield* missing : ready.id
})

const runtimePods = Effect.fnUntraced(function*({ runtime }: Sources) {
  const known = yield* runtime.pods
  return known.flatMap(({ name, namespace, uid }) => {
    const decoded = decodePod({ metadata: { name, namespace, uid }, spec: { containers: [] } })
    return decoded._tag === "Success" ? [decoded.success] : []
  })
})

const volumeUsage = Effect.fnUntraced(function*({ registry }: Sources, volumes: PodVolumes["Service"], uid: string) {
  const namespace = (yield* registry.get(uid))?.pod.metadata.namespace ?? ""
  const measuredAtMs = yield* Clock.currentTimeMillis
  return (yield* volumes.usage(uid)).map(({ claimName, ephemeral: _own, sizeLimitBytes: _limit, ...usage }) => ({
    ...usage,
    ...(claimName === undefined ? {} : { claim: { name: claimName, namespace } }),
    measuredAtMs
  }))
})

type Requirements =
  | AgentConfig
  | NodeState
  | PodRegistry
  | PodVolumes
  | RuntimeHealth
  | RuntimeView
  | StatusWriter

/** `config`: what `/configz` shows; made when somebody asks. */
export const layer = (config: Effect.Effect<unknown>): Layer.Layer<NodeReadModel, never, Requirements> =>
  Layer.effect(
    NodeReadModel,
    Effect.gen(function*() {
      const settings = yield* AgentConfig
      const nodeState = yield* NodeState
      const registry = yield* PodRegistry
      const health = yield* RuntimeHealth
      const runtime = yield* RuntimeView
      const statuses = yield* StatusWriter
      const volumes = yield* PodVolumes
      const naming = { driver: settings.cgroupDriver, root: settings.cgroupRoot, perQos: settings.cgroupsPerQos }
      const sources = { registry, runtime, statuses }
      // Measuring walks the volumes' trees; a scraper comes more often than they change much (parity I19).
      const usages = yield* Cache.make({
        capacity: usagesMax,
        timeToLive: usageAgeMs,
        lookup: (uid: string) => volumeUsage(sources, volumes, uid)
      })

      return NodeReadModel.of({
        nodeName: settings.nodeName,
        pods: pods(sources),
        runtimePods: runtimePods(sources),
        findContainer: (target) => findContainer(sources, target),
        findSandbox: (target) => findSandbox(sources, target),
        awaitContainerEnd: runtime.ended,
        config,
        health: Effect.map(health.listingProblem, (problem) => [
          { name: "log", problem: Option.none() },
          { name: "syncloop", problem: problem === "" ? Option.none() : Option.some(problem) }
        ]),
        capacity: Effect.map(nodeState.facts, ({ cpuCount, memoryTotalBytes }) => ({
          cpus: cpuCount,
          memoryBytes: memoryTotalBytes
        })),
        podCgroup: (pod) =>
          settings.cgroupsPerQos ? Option.some(podCgroup(naming, qosClassOf(pod), pod.metadata.uid)) : Option.none(),
        systemGroups: Effect.succeed(
          settings.cgroupsPerQos ? [{ name: "pods" as const, cgroup: podsCgroup(naming) }] : []
        ),
        volumeUsage: (uid) => Cache.get(usages, uid)
      })
    })
  )
