/**
 * What the runtime itself takes for a pod: RunPodSandbox, CreateContainer and StartContainer, called directly, and asked
 * for just what the agent asks for. A leaner request is quicker to fulfil: without a seccomp profile alone runc takes
 * some 20 ms less.
 */
import { clone, create, fromJson, type JsonObject } from "@bufbuild/protobuf"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import type { Place } from "../src/cli/up/place.ts"
import { ContainerConfigSchema, PodSandboxConfigSchema, PodSandboxMetadataSchema } from "../src/gen/cri/api_pb.ts"
import { Cri } from "../src/layers/cri/Cri.ts"

/** What one pod was asked of the runtime as. */
export type AskedFor = Effect.Success<ReturnType<typeof askedFor>>

/** The configuration that containerd keeps of what it was asked for. */
const configOf = (info: Readonly<Record<string, string>>): JsonObject => {
  const { config }: { readonly config: JsonObject } = JSON.parse(info["info"] ?? "{}")
  // Its JSON has them as text, that of the wire format as bytes.
  delete config["envs"]
  return config
}

/** How the agent asked for a pod that runs, which has one container. */
export const askedFor = Effect.fnUntraced(function*(podName: string) {
  const cri = yield* Cri
  const named = { labelSelector: { "io.kubernetes.pod.name": podName } }
  const { items: [sandbox] } = yield* cri.listPodSandbox({ filter: named })
  const { containers: [container] } = yield* cri.listContainers({ filter: named })
  const ofSandbox = yield* cri.podSandboxStatus({ podSandboxId: sandbox?.id ?? "", verbose: true })
  const ofContainer = yield* cri.containerStatus({ containerId: container?.id ?? "", verbose: true })
  return {
    sandbox: fromJson(PodSandboxConfigSchema, configOf(ofSandbox.info)),
    container: fromJson(ContainerConfigSchema, configOf(ofContainer.info))
  }
})

/** Pods by direct calls. */
export type Bare = Effect.Success<ReturnType<typeof makeBare>>

export const makeBare = Effect.fnUntraced(function*(asked: AskedFor, { cgroup, directory }: Place) {
  const cri = yield* Cri
  const container = clone(ContainerConfigSchema, asked.container)
  container.logPath = "main.log"
  container.mounts.forEach((mount, index) => {
    mount.hostPath = `${directory}/mount-${index}`
    writeFileSync(mount.hostPath, "")
  })

  /** Gives the pod's sandbox. */
  const start = Effect.fnUntraced(function*(name: string) {
    const config = clone(PodSandboxConfigSchema, asked.sandbox)
    config.metadata = create(PodSandboxMetadataSchema, { name, namespace: "bench", uid: name, attempt: 0 })
    config.hostname = name
    config.logDirectory = `${directory}/logs/${name}`
    if (config.linux !== undefined) config.linux.cgroupParent = `${cgroup}/${name}`
    const { podSandboxId } = yield* cri.runPodSandbox({ config })
    const { containerId } = yield* cri.createContainer({ podSandboxId, sandboxConfig: config, config: container })
    yield* cri.startContainer({ containerId })
    return podSandboxId
  })

  const stop = Effect.fnUntraced(function*(podSandboxId: string) {
    yield* cri.stopPodSandbox({ podSandboxId })
    yield* cri.removePodSandbox({ podSandboxId })
  })
  return { start, stop }
})
