/** Where one `kubeffect up` keeps what it makes: a folder of its own, gone when it ends, and numbers nobody else uses. */
import { Effect, FileSystem, Layer, Path } from "effect"
import * as HostFilesLive from "../../layers/host/HostFilesLive.ts"
import { Mounts } from "../../layers/host/Mounts.ts"
import * as MountsLive from "../../layers/host/MountsLive.ts"
import * as ProcessesLive from "../../layers/host/ProcessesLive.ts"
import { freePort } from "../compose/freePort.ts"

export interface Place {
  readonly directory: string
  /** Tells several on one machine apart. */
  readonly instance: number
  readonly kubeconfig: string
  readonly log: string
  /** Above the cgroups of all pods. */
  readonly cgroup: string
  /** For the node's server. */
  readonly nodePort: number
}

export const makePlace = Effect.fn("makePlace")(function*(tempFolder: string, instance: number) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const directory = path.join(tempFolder, `kubeffect-up-${instance}`)
  yield* fs.makeDirectory(directory, { recursive: true, mode: 0o700 })
  yield* Effect.addFinalizer(() =>
    unmountBelow(directory).pipe(
      Effect.andThen(fs.remove(directory, { recursive: true, force: true })),
      Effect.catch((error) => Effect.logWarning(`left behind: ${directory}: ${error.message}`))
    )
  )
  const place: Place = {
    directory,
    instance,
    kubeconfig: path.join(directory, "kubeconfig"),
    log: path.join(directory, "log"),
    cgroup: `/kubeffect-up-${instance}`,
    nodePort: yield* freePort("127.0.0.1")
  }
  return place
})

/** Volumes of pods that were cut short. */
const unmountBelow = Effect.fnUntraced(function*(directory: string) {
  const mounts = yield* Mounts
  const below = (yield* mounts.list).map(({ mountPoint }) => mountPoint).filter((path) =>
    path.startsWith(`${directory}/`)
  )
  // What was mounted last lies on top.
  yield* Effect.forEach(below.toReversed(), (target) => mounts.unmount(target, { lazy: true }), { discard: true })
}, Effect.provide(MountsLive.layer.pipe(Layer.provide([HostFilesLive.layer, ProcessesLive.layer]))))
