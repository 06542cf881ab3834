/** Real files and mounts below a directory of the test's own, taken down with its scope. */
import { Effect, Layer } from "effect"
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import * as MountsLive from "../../../src/layers/host/MountsLive.ts"
import * as ProcessesLive from "../../../src/layers/host/ProcessesLive.ts"

export const realHost = Layer.merge(
  HostFilesLive.layer,
  MountsLive.layer.pipe(Layer.provide(Layer.merge(HostFilesLive.layer, ProcessesLive.layer)))
)

/** Mount points below a path, as the kernel has them, in mount order. */
export const mountsBelow = (path: string): ReadonlyArray<string> =>
  readFileSync("/proc/self/mounts", "utf8").split("\n").map((line) => line.split(" ")[1] ?? "").filter((point) =>
    point.startsWith(`${path}/`)
  )

export const scratch = Effect.acquireRelease(
  Effect.sync(() => {
    const dir = realpathSync(mkdtempSync(join(tmpdir(), "kubeffect-volumes-")))
    mkdirSync(`${dir}/root`)
    return dir
  }),
  (dir) =>
    Effect.sync(() => {
      for (const point of [...mountsBelow(dir)].reverse()) execFileSync("umount", ["-l", point])
      rmSync(dir, { recursive: true, force: true, maxRetries: 10 })
    })
)

/**
 * What a person would type, one after the other: a folder, and a file system in memory on it. Gives how many milliseconds
 * that took, and takes it down again.
 */
export const mountByHand = (dir: string, names: ReadonlyArray<string>): number => {
  const before = performance.now()
  for (const name of names) {
    mkdirSync(`${dir}/${name}`, { recursive: true })
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", `${dir}/${name}`])
  }
  const took = performance.now() - before
  for (const name of names) execFileSync("umount", [`${dir}/${name}`])
  return took
}
