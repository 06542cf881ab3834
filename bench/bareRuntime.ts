/** What the runtime itself takes for a pod: RunPodSandbox, CreateContainer and StartContainer, called directly. */
import { Effect } from "effect"
import { Cri } from "../src/layers/cri/Cri.ts"

export interface BarePlace {
  readonly image: string
  readonly logDirectory: string
  readonly cgroup: string
}

/** A pod by direct calls; gives its sandbox. */
export const startBare = Effect.fnUntraced(function*(name: string, { cgroup, image, logDirectory }: BarePlace) {
  const cri = yield* Cri
  const config = {
    metadata: { name, namespace: "bench", uid: name, attempt: 0 },
    hostname: name,
    logDirectory: `${logDirectory}/${name}`,
    linux: { cgroupParent: `${cgroup}/${name}` }
  }
  const { podSandboxId } = yield* cri.runPodSandbox({ config })
  const { containerId } = yield* cri.createContainer({
    podSandboxId,
    sandboxConfig: config,
    config: {
      metadata: { name: "main", attempt: 0 },
      image: { image },
      command: ["sleep"],
      args: ["3600"],
      logPath: "main.log",
      linux: { resources: {} }
    }
  })
  yield* cri.startContainer({ containerId })
  return podSandboxId
})

/** Its end by direct calls. */
export const stopBare = Effect.fnUntraced(function*(podSandboxId: string) {
  const cri = yield* Cri
  yield* cri.stopPodSandbox({ podSandboxId })
  yield* cri.removePodSandbox({ podSandboxId })
})
