/** What the runtime itself takes for a pod: RunPodSandbox, CreateContainer and StartContainer, called directly. */
import { Effect } from "effect"
import type { Place } from "../src/cli/up/place.ts"
import { Cri } from "../src/layers/cri/Cri.ts"

/** Pods by direct calls. */
export type Bare = Effect.Success<ReturnType<typeof makeBare>>

export const makeBare = Effect.fnUntraced(function*(image: string, { cgroup, directory }: Place) {
  const cri = yield* Cri

  /** Gives the pod's sandbox. */
  const start = Effect.fnUntraced(function*(name: string) {
    const config = {
      metadata: { name, namespace: "bench", uid: name, attempt: 0 },
      hostname: name,
      logDirectory: `${directory}/logs/${name}`,
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

  const stop = Effect.fnUntraced(function*(podSandboxId: string) {
    yield* cri.stopPodSandbox({ podSandboxId })
    yield* cri.removePodSandbox({ podSandboxId })
  })
  return { start, stop }
})
