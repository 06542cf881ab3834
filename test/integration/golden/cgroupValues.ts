/** Reads a pod's cgroup v1 values from the kernel, as the recordings have them. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const files: ReadonlyArray<readonly [controller: string, file: string]> = [
  ["cpu", "cpu.shares"],
  ["cpu", "cpu.cfs_quota_us"],
  ["cpu", "cpu.cfs_period_us"],
  ["memory", "memory.limit_in_bytes"],
  ["pids", "pids.max"],
  ["cpuset", "cpuset.cpus"]
]

const controllers = [...new Set(files.map(([controller]) => controller))]

const folderOf = (controller: string, path: string) => join("/sys/fs/cgroup", controller, path)

const valuesOf = (path: string): Readonly<Record<string, string>> =>
  Object.fromEntries(files.flatMap(([controller, file]) => {
    const at = join(folderOf(controller, path), file)
    return existsSync(at) ? [[file, readFileSync(at, "utf8").trim()]] : []
  }))

const classes = ["", "burstable", "besteffort"]

/** Where the pod's cgroup may be, below the node's. */
const podPaths = (uid: string) => classes.map((name) => join("/kubepods", name, `pod${uid}`))

/** Of the pod and of all in it, by path below the node's cgroup. */
export const cgroupValues = (nodeCgroup: string, uid: string): Readonly<Record<string, Record<string, string>>> =>
  Object.fromEntries(
    podPaths(uid)
      .filter((path) => existsSync(folderOf("cpu", join(nodeCgroup, path))))
      .flatMap((path) => {
        const inside = readdirSync(folderOf("cpu", join(nodeCgroup, path)), { withFileTypes: true })
        const paths = [path, ...inside.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name))]
        return paths.map((each) => [each, valuesOf(join(nodeCgroup, each))])
      })
  )

/** What is left of a pod's cgroup in any hierarchy. */
export const cgroupsLeft = (nodeCgroup: string, uid: string): ReadonlyArray<string> =>
  controllers.flatMap((controller) =>
    podPaths(uid).map((path) => folderOf(controller, join(nodeCgroup, path))).filter((path) => existsSync(path))
  )
