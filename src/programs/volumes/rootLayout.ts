/**
 * The agent's root directory: its folders, and the mount that makes what is mounted below it visible to containers that
 * ask for propagation (parity A16).
 */
import { Effect } from "effect"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { Mounts } from "../../layers/host/Mounts.ts"

const folders = [
  "pods",
  "plugins",
  "plugins_registry",
  "pod-resources",
  "device-plugins",
  "pki",
  "checkpoints",
  "image_manager"
]

/** Repeatable. Fails where the directories cannot be made; without shared mounts the agent can live, and says so. */
export const rootLayout = Effect.fn("rootLayout")(function*(rootDir: string) {
  const files = yield* HostFiles
  const mounts = yield* Mounts
  yield* files.makeDirectory(rootDir, { mode: 0o750, recursive: true })
  yield* Effect.forEach(
    folders,
    (name) => files.makeDirectory(`${rootDir}/${name}`, { mode: 0o750, recursive: true }),
    { discard: true }
  )
  const real = yield* files.realPath(rootDir)
  yield* mounts.makeShared(real).pipe(
    Effect.catch((error) => Effect.logWarning(`${real} is no shared mount: mount propagation will not work`, error))
  )
})
