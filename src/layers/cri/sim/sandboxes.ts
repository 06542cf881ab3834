/** The sandbox calls of the simulated runtime. */
import { Effect } from "effect"
import { NamespaceMode } from "../../../gen/cri/api_pb.ts"
import { GrpcCode } from "../Cri.ts"
import { hasLabels, listedSandbox, sandboxState, sandboxStatusOf } from "./answers.ts"
import { findSandbox, type Method, now, type Part, refuse, reserving, work } from "./call.ts"
import type { SandboxRecord } from "./records.ts"
import { sandboxName, type SimRuntime } from "./SimRuntime.ts"

type SandboxCalls = Part<
  | "runPodSandbox"
  | "stopPodSandbox"
  | "removePodSandbox"
  | "listPodSandbox"
  | "podSandboxStatus"
  | "updatePodSandboxResources"
>

const runPodSandbox: Method<"runPodSandbox"> = (runtime) =>
  Effect.fnUntraced(function*({ config, runtimeHandler }, call) {
    const metadata = config?.metadata
    if (config === undefined || metadata === undefined) {
      return yield* refuse(call, GrpcCode.InvalidArgument, "sandbox config must include metadata")
    }
    if (runtimeHandler !== "" && !runtime.options.runtimeHandlers.includes(runtimeHandler)) {
      const detail = `failed to get sandbox runtime: no runtime for "${runtimeHandler}" is configured`
      return yield* refuse(call, GrpcCode.Unknown, detail)
    }
    const id = runtime.newId()
    const { attempt, name, namespace, uid } = metadata
    const options = config.linux?.securityContext?.namespaceOptions
    const make = Effect.gen(function*() {
      const createdAtMs = Math.max(1, yield* now)
      yield* work(call, runtime.options.latencies.runPodSandbox)
      const hostNetwork = options?.network === NamespaceMode.NODE
      const address = hostNetwork ? undefined : runtime.addresses.take()
      if (!hostNetwork && address === undefined) {
        const detail = `failed to setup network for sandbox "${id}": plugin type="bridge" failed (add): ` +
          `failed to allocate for range 0: no IP addresses available in range set: ${runtime.addresses.text}`
        return yield* refuse(call, GrpcCode.Unknown, detail)
      }
      const sandbox: SandboxRecord = {
        id,
        name,
        namespace,
        uid,
        attempt,
        labels: config.labels,
        annotations: config.annotations,
        createdAtMs,
        runtimeHandler,
        logDirectory: config.logDirectory,
        namespaces: options,
        address,
        ready: true,
        containers: new Set(),
        listed: undefined
      }
      runtime.addSandbox(sandbox, yield* now)
      return { podSandboxId: id }
    })
    return yield* reserving(runtime, call, { kind: "sandbox", name: sandboxName(metadata), id }, make)
  })

const stopPodSandbox: Method<"stopPodSandbox"> = (runtime) =>
  Effect.fnUntraced(function*({ podSandboxId }, call) {
    const sandbox = runtime.sandboxes.get(podSandboxId)
    if (sandbox === undefined) return {}
    yield* work(call, runtime.options.latencies.stopPodSandbox)
    runtime.stopSandbox(sandbox, yield* now)
    return {}
  })

const removePodSandbox: Method<"removePodSandbox"> = (runtime) =>
  Effect.fnUntraced(function*({ podSandboxId }, call) {
    const sandbox = runtime.sandboxes.get(podSandboxId)
    if (sandbox === undefined) return {}
    yield* work(call, runtime.options.latencies.removePodSandbox)
    if (runtime.sandboxes.has(podSandboxId)) runtime.forgetSandbox(sandbox, yield* now)
    return {}
  })

const listPodSandbox: Method<"listPodSandbox"> = (runtime) =>
  Effect.fnUntraced(function*({ filter }, call) {
    yield* work(call, runtime.options.latencies.read)
    const items = []
    for (const sandbox of runtime.sandboxes.values()) {
      if (filter !== undefined) {
        if (filter.id !== "" && !sandbox.id.startsWith(filter.id)) continue
        if (filter.state !== undefined && filter.state.state !== sandboxState(sandbox)) continue
        if (!hasLabels(sandbox.labels, filter.labelSelector)) continue
      }
      items.push(listedSandbox(sandbox))
    }
    return { items }
  })

const podSandboxStatus: Method<"podSandboxStatus"> = (runtime) =>
  Effect.fnUntraced(function*({ podSandboxId }, call) {
    yield* work(call, runtime.options.latencies.read)
    return { status: sandboxStatusOf(yield* findSandbox(runtime, call, podSandboxId)) }
  })

/** It only takes note: whoever asked has changed the group. */
const updatePodSandboxResources: Method<"updatePodSandboxResources"> = (runtime) =>
  Effect.fnUntraced(function*({ podSandboxId }, call) {
    yield* findSandbox(runtime, call, podSandboxId)
    yield* work(call, runtime.options.latencies.read)
    return {}
  })

export const sandboxCalls = (runtime: SimRuntime): SandboxCalls => ({
  runPodSandbox: runPodSandbox(runtime),
  stopPodSandbox: stopPodSandbox(runtime),
  removePodSandbox: removePodSandbox(runtime),
  listPodSandbox: listPodSandbox(runtime),
  podSandboxStatus: podSandboxStatus(runtime),
  updatePodSandboxResources: updatePodSandboxResources(runtime)
})
