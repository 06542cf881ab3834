/** Makes containers, and decides what the programs in them will do. */
import { Effect } from "effect"
import { type ContainerConfig, NamespaceMode, Signal } from "../../../gen/cri/api_pb.ts"
import { GrpcCode } from "../Cri.ts"
import { annotatedScript } from "./annotated.ts"
import { type Method, now, refuse, reserving, work } from "./call.ts"
import type { StoredImage } from "./images.ts"
import { makeProcess } from "./program.ts"
import { type ContainerRecord, neverRun, type SandboxRecord } from "./records.ts"
import { type ContainerScript, programOf, type Workload } from "./script.ts"
import { containerName, type SimRuntime } from "./SimRuntime.ts"

export const createContainer: Method<"createContainer"> = (runtime) =>
  Effect.fnUntraced(function*({ config, podSandboxId }, call) {
    const sandbox = runtime.sandboxes.get(podSandboxId)
    if (sandbox === undefined) {
      return yield* refuse(call, GrpcCode.NotFound, `failed to find sandbox id "${podSandboxId}": not found`)
    }
    if (config?.metadata === undefined) {
      return yield* refuse(call, GrpcCode.InvalidArgument, "container config must include metadata")
    }
    if (!sandbox.ready) {
      return yield* refuse(call, GrpcCode.Unknown, `sandbox container "${sandbox.id}" is not running`)
    }
    const id = runtime.newId()
    const name = containerName({ ...config.metadata, sandbox })
    const make = Effect.gen(function*() {
      const asked = config.image?.image ?? ""
      const image = runtime.images.find(asked)
      if (image === undefined) {
        return yield* refuse(call, GrpcCode.NotFound, `failed to resolve image "${asked}": not found`)
      }
      yield* work(call, runtime.options.latencies.createContainer)
      if (!sandbox.ready) {
        return yield* refuse(call, GrpcCode.Unknown, `sandbox container "${sandbox.id}" is not running`)
      }
      const at = yield* now
      const container = newContainer(runtime, { id, sandbox, config, image, createdAtMs: Math.max(1, at) })
      runtime.containers.set(id, container)
      sandbox.containers.add(container)
      runtime.publish("Created", sandbox, container, at)
      return { containerId: id }
    })
    return yield* reserving(runtime, call, { kind: "container", name, id }, make)
  })

const userOf = (config: ContainerConfig, image: StoredImage): ContainerRecord["user"] => {
  const context = config.linux?.securityContext
  const uid = Number(context?.runAsUser?.value ?? (typeof image.user === "number" ? image.user : 0))
  const gid = Number(context?.runAsGroup?.value ?? 0n)
  return { uid, gid, groups: [...new Set([gid, ...(context?.supplementalGroups ?? []).map(Number)])] }
}

/** What its process will do: as the workloads of the runtime have it, else the pod's annotations, else its command. */
export const behaviourOf = (
  runtime: SimRuntime,
  workload: Workload
): Pick<ContainerRecord, "process" | "script" | "server"> => {
  const script = runtime.options.workloads(workload) ?? annotatedScript(workload)
  if (script !== undefined && script.inferred !== true) {
    return { process: makeProcess(programOf(script)), script, server: false }
  }
  const { program, server } = runtime.programs(workload.command)
  const { startError } = script ?? noScript
  return {
    process: makeProcess(startError === undefined ? program : { ...program, startError }),
    script: script ?? noScript,
    server
  }
}

const noScript: ContainerScript = {}

const newContainer = (runtime: SimRuntime, from: {
  readonly id: string
  readonly sandbox: SandboxRecord
  readonly config: ContainerConfig
  readonly image: StoredImage
  readonly createdAtMs: number
}): ContainerRecord => {
  const { config, createdAtMs, id, image, sandbox } = from
  const { attempt = 0, name = "" } = config.metadata ?? {}
  const { process, script, server } = behaviourOf(runtime, {
    image: config.image?.userSpecifiedImage || (config.image?.image ?? ""),
    podName: sandbox.name,
    podNamespace: sandbox.namespace,
    podAnnotations: sandbox.annotations,
    containerName: name,
    attempt,
    command: [...config.command, ...config.args]
  })
  const pid = (config.linux?.securityContext?.namespaceOptions ?? sandbox.namespaces)?.pid
  return {
    id,
    sandbox,
    name,
    attempt,
    labels: config.labels,
    annotations: config.annotations,
    mounts: config.mounts,
    image: {
      image: image.tags[0] ?? image.digests[0] ?? image.id,
      userSpecifiedImage: config.image?.userSpecifiedImage ?? "",
      ref: image.digests[0] ?? image.id,
      id: image.id
    },
    createdAtMs,
    logPath: sandbox.logDirectory === "" || config.logPath === "" ? "" : `${sandbox.logDirectory}/${config.logPath}`,
    user: userOf(config, image),
    stopSignal: config.stopSignal === Signal.RUNTIME_DEFAULT ? Signal.SIGTERM : config.stopSignal,
    script,
    server,
    isInit: pid === NamespaceMode.CONTAINER,
    process,
    resources: config.linux?.resources,
    ...neverRun
  }
}
