/** What the simulated runtime says of itself and of what its containers use. */
import { create } from "@bufbuild/protobuf"
import { Effect } from "effect"
import { equalValues } from "../../../domain/equalValues.ts"
import { CgroupDriver, type StatusResponse, StatusResponseSchema } from "../../../gen/cri/api_pb.ts"
import { containerStats, hasLabels, nanos } from "./answers.ts"
import { findContainer, findSandbox, now, type Part, work } from "./call.ts"
import type { SandboxRecord } from "./records.ts"
import type { SimRuntime } from "./SimRuntime.ts"

type NodeCalls = Part<
  | "version"
  | "status"
  | "runtimeConfig"
  | "updateRuntimeConfig"
  | "containerStats"
  | "listContainerStats"
  | "podSandboxStats"
  | "listPodSandboxStats"
>

/** A containerd of the age whose habits are simulated. */
const version = {
  version: "0.1.0",
  runtimeName: "containerd",
  runtimeVersion: "v2.1.9",
  runtimeApiVersion: "v1"
}

/** The answer is made when something in it is new: every node asks for it every five seconds. */
const statusCall = (runtime: SimRuntime): NodeCalls["status"] => {
  let made: { readonly conditions: SimRuntime["conditions"]; readonly answer: StatusResponse } | undefined
  const answerFor = ({ network, runtime: own }: SimRuntime["conditions"]): StatusResponse => {
    const features = { recursiveReadOnlyMounts: true, userNamespaces: true }
    return create(StatusResponseSchema, {
      status: {
        conditions: [
          condition("RuntimeReady", "RuntimeNotReady", own),
          condition("NetworkReady", "NetworkPluginNotReady", network)
        ]
      },
      runtimeHandlers: ["", ...runtime.options.runtimeHandlers].map((name) => ({ name, features })),
      features: { supplementalGroupsPolicy: true }
    })
  }
  const answer = (): StatusResponse => {
    if (made === undefined || !equalValues(made.conditions, runtime.conditions)) {
      made = { conditions: { ...runtime.conditions }, answer: answerFor(runtime.conditions) }
    }
    return made.answer
  }
  return (_, call) => Effect.map(work(call, runtime.options.latencies.read), answer)
}

export const nodeCalls = (runtime: SimRuntime): NodeCalls => ({
  version: Effect.fnUntraced(function*(_, call) {
    yield* work(call, runtime.options.latencies.read)
    return version
  }),

  status: statusCall(runtime),

  runtimeConfig: Effect.fnUntraced(function*(_, call) {
    yield* work(call, runtime.options.latencies.read)
    const cgroupDriver = runtime.options.cgroupDriver === "systemd" ? CgroupDriver.SYSTEMD : CgroupDriver.CGROUPFS
    return { linux: { cgroupDriver } }
  }),

  updateRuntimeConfig: Effect.fnUntraced(function*(_, call) {
    yield* work(call, runtime.options.latencies.read)
    return {}
  }),

  containerStats: Effect.fnUntraced(function*({ containerId }, call) {
    yield* work(call, runtime.options.latencies.read)
    return { stats: containerStats(runtime, yield* findContainer(runtime, call, containerId), yield* now) }
  }),

  listContainerStats: Effect.fnUntraced(function*({ filter }, call) {
    yield* work(call, runtime.options.latencies.read)
    const at = yield* now
    const stats = []
    for (const container of runtime.containers.values()) {
      // As containerd has it: what does not run has no figures.
      if (container.state !== "Running") continue
      if (filter !== undefined) {
        if (filter.id !== "" && !container.id.startsWith(filter.id)) continue
        if (filter.podSandboxId !== "" && !container.sandbox.id.startsWith(filter.podSandboxId)) continue
        if (!hasLabels(container.labels, filter.labelSelector)) continue
      }
      stats.push(containerStats(runtime, container, at))
    }
    return { stats }
  }),

  podSandboxStats: Effect.fnUntraced(function*({ podSandboxId }, call) {
    yield* work(call, runtime.options.latencies.read)
    return { stats: sandboxStats(runtime, yield* findSandbox(runtime, call, podSandboxId), yield* now) }
  }),

  listPodSandboxStats: Effect.fnUntraced(function*({ filter }, call) {
    yield* work(call, runtime.options.latencies.read)
    const at = yield* now
    const stats = []
    for (const sandbox of runtime.sandboxes.values()) {
      if (!sandbox.ready) continue
      if (filter !== undefined) {
        if (filter.id !== "" && !sandbox.id.startsWith(filter.id)) continue
        if (!hasLabels(sandbox.labels, filter.labelSelector)) continue
      }
      stats.push(sandboxStats(runtime, sandbox, at))
    }
    return { stats }
  })
})

const condition = (type: string, reason: string, why: string | undefined) =>
  why === undefined ? { type, status: true } : { type, status: false, reason, message: why }

/** The pause process costs next to nothing. */
const pauseMemoryBytes = 512 * 1024

const sandboxStats = (runtime: SimRuntime, sandbox: SandboxRecord, at: number) => {
  const running = [...sandbox.containers].filter(({ state }) => state === "Running")
  const containers = running.map((container) => containerStats(runtime, container, at))
  const timestamp = nanos(at)
  const memory = running.reduce((sum, container) => sum + runtime.memoryBytes(container, at), pauseMemoryBytes)
  const cpu = containers.reduce((sum, each) => sum + (each.cpu?.usageCoreNanoSeconds?.value ?? 0n), 0n)
  const cores = containers.reduce((sum, each) => sum + (each.cpu?.usageNanoCores?.value ?? 0n), 0n)
  const interfaceUsage = {
    name: "eth0",
    rxBytes: { value: 1500n },
    rxErrors: { value: 0n },
    txBytes: { value: 900n },
    txErrors: { value: 0n }
  }
  return {
    attributes: {
      id: sandbox.id,
      metadata: { name: sandbox.name, namespace: sandbox.namespace, uid: sandbox.uid, attempt: sandbox.attempt },
      labels: sandbox.labels,
      annotations: sandbox.annotations
    },
    linux: {
      cpu: { timestamp, usageCoreNanoSeconds: { value: cpu }, usageNanoCores: { value: cores } },
      memory: {
        timestamp,
        workingSetBytes: { value: BigInt(memory) },
        usageBytes: { value: BigInt(memory) },
        rssBytes: { value: BigInt(memory) }
      },
      ...(sandbox.address !== undefined && { network: { timestamp, defaultInterface: interfaceUsage } }),
      process: { timestamp, processCount: { value: BigInt(running.length + 1) } },
      containers
    }
  }
}
