/**
 * Takes down what a private containerd leaves behind when it could not be stopped in order: processes, mounts, its
 * bridge, cgroups, its folder. Every step can be repeated, and touches only what belongs to the given folder.
 */
import { Effect, Schedule } from "effect"
import { readdir, readFile, rm, rmdir } from "node:fs/promises"
import { basename, join } from "node:path"
import { onFiles, run } from "./command.ts"
import { ContainerdError } from "./ContainerdError.ts"

export interface Leftovers {
  /** Holds everything of the instance. */
  readonly directory: string
  readonly bridge: string
  /** The cgroup, as in a pod's `cgroup_parent`, that holds all its pods; absent when its pods have others. */
  readonly cgroup?: string
}

export const removeLeftovers = Effect.fn("containerd.removeLeftovers")(function*(leftovers: Leftovers) {
  yield* killProcesses(leftovers.directory)
  yield* removeShimSockets(leftovers.directory)
  yield* unmountUnder(leftovers.directory)
  yield* removeLink(leftovers.bridge)
  if (leftovers.cgroup !== undefined) yield* removeCgroups(leftovers.cgroup)
  yield* onFiles("remove", leftovers.directory, () => rm(leftovers.directory, { recursive: true, force: true }))
})

/**
 * First what containers run, in whatever namespaces it is; then containerd and its shims. In this order, for a process
 * whose parent is killed becomes a child of its shim, and would be nobody's were the shim gone too.
 */
const killProcesses = Effect.fnUntraced(function*(directory: string) {
  yield* killAll(Effect.map(processes, (all) => descendantsOf(rootsOf(directory, all), all)))
  yield* killAll(Effect.map(processes, (all) => rootsOf(directory, all)))
})

const killAll = (find: Effect.Effect<ReadonlyArray<number>, ContainerdError>) =>
  find.pipe(
    Effect.tap((pids) => Effect.forEach(pids, kill, { discard: true })),
    Effect.filterOrFail(
      (pids) => pids.length === 0,
      (pids) => new ContainerdError({ op: "kill", target: pids.join(" "), detail: "still there after SIGKILL" })
    ),
    // What is killed is gone a moment later; what it forked meanwhile is found by looking again.
    Effect.retry(Schedule.spaced("50 millis").pipe(Schedule.upTo({ times: 100 })))
  )

interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly args: ReadonlyArray<string>
}

const rootsOf = (directory: string, all: ReadonlyArray<ProcessEntry>): ReadonlyArray<number> =>
  all.filter(({ args }) =>
    basename(args[0] ?? "").startsWith("containerd") && args.some((arg) => arg.startsWith(`${directory}/`))
  ).map(({ pid }) => pid)

const descendantsOf = (roots: ReadonlyArray<number>, all: ReadonlyArray<ProcessEntry>): ReadonlyArray<number> => {
  const family = new Set(roots)
  for (let size = -1; size !== family.size;) {
    size = family.size
    for (const entry of all) if (family.has(entry.parent)) family.add(entry.pid)
  }
  return [...family].filter((pid) => !roots.includes(pid))
}

const processes = Effect.gen(function*() {
  const names = yield* onFiles("list", "/proc", () => readdir("/proc"))
  const entries = yield* Effect.forEach(names.filter((name) => /^\d+$/.test(name)), processEntry, { concurrency: 16 })
  return entries.filter((entry) => entry !== undefined)
})

/** Undefined when it ended while we looked, or is a zombie that only its parent can bury. */
const processEntry = (pid: string) =>
  onFiles("read", `/proc/${pid}`, async (): Promise<ProcessEntry | undefined> => {
    const [stat, cmdline] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile(`/proc/${pid}/cmdline`, "utf8")
    ])
    // The name, in brackets, may hold anything.
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return state === "Z" ? undefined : { pid: Number(pid), parent: Number(parent), args: cmdline.split("\0") }
  }).pipe(Effect.orElseSucceed(() => undefined))

const kill = (pid: number) =>
  Effect.sync(() => {
    try {
      process.kill(pid, "SIGKILL")
    } catch {
      // It ended by itself; the next look tells.
    }
  })

/** Shims put their sockets into a folder of the host, under a name that only they and their bundle know. */
const removeShimSockets = Effect.fnUntraced(function*(directory: string) {
  const tasks = join(directory, "state/io.containerd.runtime.v2.task")
  const files = yield* listAll(tasks)
  for (const file of files.filter((each) => /\/(address|bootstrap\.json)$/.test(each))) {
    const text = yield* onFiles("read", file, () => readFile(file, "utf8"))
    const socket = /unix:\/\/(\/run\/containerd\/s\/[0-9a-f]+)/.exec(text)?.[1]
    if (socket !== undefined) yield* onFiles("remove", socket, () => rm(socket, { force: true }))
  }
})

/** Two levels down (namespace, container, file); nothing when the folder is not there. */
const listAll = (folder: string) =>
  onFiles("list", folder, async () => {
    const found: Array<string> = []
    for (const namespace of await readdir(folder)) {
      for (const id of await readdir(join(folder, namespace))) {
        for (const file of await readdir(join(folder, namespace, id))) found.push(join(folder, namespace, id, file))
      }
    }
    return found
  }).pipe(Effect.orElseSucceed((): Array<string> => []))

const unmountUnder = Effect.fnUntraced(function*(directory: string) {
  const mountInfo = yield* onFiles("read", "/proc/self/mountinfo", () => readFile("/proc/self/mountinfo", "utf8"))
  const mounts = mountInfo.split("\n").flatMap((line) => {
    const path = line.split(" ")[4]?.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)))
    return path?.startsWith(`${directory}/`) ? [path] : []
  })
  // The last one mounted lies on top.
  if (mounts.length > 0) yield* run("umount", ["--lazy", ...mounts.reverse()], { timeoutMs: 30_000 })
})

const removeLink = (bridge: string) =>
  run("ip", ["link", "delete", bridge], { timeoutMs: 10_000 }).pipe(
    // Never made: no pod with a network of its own has run.
    Effect.catchIf((error) => /Cannot find device/.test(error.detail), () => Effect.void)
  )

/** In each hierarchy of cgroup v1, and in the one of v2. */
const removeCgroups = Effect.fnUntraced(function*(cgroup: string) {
  const mounted = "/sys/fs/cgroup"
  const hierarchies = yield* onFiles("list", mounted, () => readdir(mounted))
  const folders = [join(mounted, cgroup), ...hierarchies.map((hierarchy) => join(mounted, hierarchy, cgroup))]
  yield* Effect.forEach(folders, (folder) => removeCgroup(folder), { discard: true })
})

const removeCgroup = (folder: string): Effect.Effect<void, ContainerdError> =>
  Effect.gen(function*() {
    const children = yield* onFiles("list", folder, () => readdir(folder, { withFileTypes: true })).pipe(
      Effect.catchIf(isAbsent, () => Effect.succeed(undefined))
    )
    if (children === undefined) return
    for (const child of children) if (child.isDirectory()) yield* removeCgroup(join(folder, child.name))
    yield* onFiles("remove", folder, () => rmdir(folder)).pipe(
      Effect.catchIf(isAbsent, () => Effect.void),
      // Busy until the kernel has buried the last process.
      Effect.retry(Schedule.spaced("20 millis").pipe(Schedule.upTo({ times: 100 })))
    )
  })

const isAbsent = (error: ContainerdError) =>
  error.cause instanceof Error && "code" in error.cause &&
  (error.cause.code === "ENOENT" || error.cause.code === "ENOTDIR")
