/** The container calls of the simulated runtime. */
import { Effect } from "effect"
import { GrpcCode } from "../Cri.ts"
import { containerState, containerStatusOf, hasLabels, listedContainer } from "./answers.ts"
import { findContainer, type Method, now, type Part, refuse, work } from "./call.ts"
import { removeContainer, startContainer, stopContainer } from "./containerLife.ts"
import { createContainer } from "./createContainer.ts"
import type { ContainerRecord } from "./records.ts"
import type { SimRuntime } from "./SimRuntime.ts"

type ContainerCalls = Part<
  | "createContainer"
  | "startContainer"
  | "stopContainer"
  | "removeContainer"
  | "listContainers"
  | "containerStatus"
  | "updateContainerResources"
  | "reopenContainerLog"
>

const listContainers: Method<"listContainers"> = (runtime) =>
  Effect.fnUntraced(function*({ filter }, call) {
    yield* work(call, runtime.options.latencies.read)
    const containers = []
    const from = runtime.sandboxes.get(filter?.podSandboxId ?? "")?.containers ??
      (filter === undefined || filter.podSandboxId === "" ? runtime.containers.values() : [])
    for (const container of from) {
      if (filter !== undefined) {
        if (filter.id !== "" && !container.id.startsWith(filter.id)) continue
        if (filter.state !== undefined && filter.state.state !== containerState(container)) continue
        if (!hasLabels(container.labels, filter.labelSelector)) continue
      }
      containers.push(listedContainer(container))
    }
    return { containers }
  })

const containerStatus: Method<"containerStatus"> = (runtime) =>
  Effect.fnUntraced(function*({ containerId }, call) {
    yield* work(call, runtime.options.latencies.read)
    return { status: containerStatusOf(yield* findContainer(runtime, call, containerId)) }
  })

const updateContainerResources: Method<"updateContainerResources"> = (runtime) =>
  Effect.fnUntraced(function*({ containerId, linux }, call) {
    const container = yield* findContainer(runtime, call, containerId)
    if (container.state === "Exited") {
      const detail = `failed to update resources: container "${containerId}" is in CONTAINER_EXITED state`
      return yield* refuse(call, GrpcCode.Unknown, detail)
    }
    yield* work(call, runtime.options.latencies.createContainer)
    container.resources = merged(container.resources, linux)
    runtime.watchMemory(container, yield* now)
    return {}
  })

const reopenContainerLog: Method<"reopenContainerLog"> = (runtime) =>
  Effect.fnUntraced(function*({ containerId }, call) {
    const container = yield* findContainer(runtime, call, containerId)
    if (container.state !== "Running") return yield* refuse(call, GrpcCode.Unknown, "container is not running")
    runtime.touchLog(container)
    return {}
  })

/** Zero is "as it was", for every field. */
const merged = (
  before: ContainerRecord["resources"],
  change: ContainerRecord["resources"]
): ContainerRecord["resources"] => {
  if (before === undefined || change === undefined) return change ?? before
  const given = Object.fromEntries(
    Object.entries(change).filter(([, value]) => value !== 0n && value !== "" && value !== undefined)
  )
  return { ...before, ...given }
}

export const containerCalls = (runtime: SimRuntime): ContainerCalls => ({
  createContainer: createContainer(runtime),
  startContainer: startContainer(runtime),
  stopContainer: stopContainer(runtime),
  removeContainer: removeContainer(runtime),
  listContainers: listContainers(runtime),
  containerStatus: containerStatus(runtime),
  updateContainerResources: updateContainerResources(runtime),
  reopenContainerLog: reopenContainerLog(runtime)
})
