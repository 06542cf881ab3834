/** The containerd that `kubeffect up` starts for itself, with the images of the demo in it. */
import { Effect, Path } from "effect"
import { makePrivateContainerd } from "../../layers/containerd/PrivateContainerd.ts"
import { demoImage } from "./demoImage.ts"
import type { RuntimeChoice } from "./runtimeChoice.ts"

export interface PrivatePlace {
  /** Of everything this `up` makes. */
  readonly directory: string
  /** Tells several on one machine apart: two-digit numbers and short names are made of it. */
  readonly instance: number
  /** The cgroup that all pods are in. */
  readonly cgroup: string
}

/** Runs for as long as the scope; gives its endpoint and what the demo's image was made of. */
export const startPrivateRuntime = Effect.fn("startPrivateRuntime")(function*(
  choice: Extract<RuntimeChoice, { _tag: "Private" }>,
  { cgroup, directory, instance }: PrivatePlace
) {
  const path = yield* Path.Path
  const demo = yield* demoImage()
  const containerd = yield* makePrivateContainerd({
    directory: path.join(directory, "containerd"),
    binDir: path.dirname(choice.containerd),
    cniBinDir: choice.cniBinDir,
    network: {
      bridge: `kfx${instance}`,
      // Private space that neither Docker nor the usual cluster networks take by default.
      subnet: `10.${200 + Math.floor(instance / 250) % 50}.${instance % 250}.0/24`,
      masquerade: choice.masquerade
    },
    cgroup,
    images: [demo.source]
  })
  return { endpoint: `unix://${containerd.socket}`, madeOf: demo.madeOf, logFile: containerd.logFile }
})
