import { Effect, Layer } from "effect"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import { hostFilesContract } from "../../contract/HostFilesContract.ts"
import { onDisk } from "./scratch.ts"

const underUmask = (umask: number) =>
  Layer.effectDiscard(
    Effect.acquireRelease(Effect.sync(() => process.umask(umask)), (before) => Effect.sync(() => process.umask(before)))
  )

// Modes are what was asked for whatever the umask takes: nothing of the usual ones, a part of them, all but the owner's.
for (const umask of ["022", "027", "077"]) {
  const live = Layer.provide(HostFilesLive.layer, underUmask(Number.parseInt(umask, 8)))
  hostFilesContract(`live, umask ${umask}`, Layer.merge(live, onDisk))
}
