/**
 * Control groups by the files of the kernel, in the `cgroupfs` manner: the agent makes and removes the directories
 * itself. `root` is where the hierarchies are mounted, so that a tree that only looks like one will do.
 */
import { Effect, Layer, Schedule } from "effect"
import { type Failure, NotFound, Permanent, Retryable } from "../../domain/failure.ts"
import { CgroupError, type CgroupMode, type CgroupResources, Cgroups } from "./Cgroups.ts"
import { type HostFileError, HostFiles } from "./HostFiles.ts"
import { type CgroupWrite, type ReadFile, valuesV1, valuesV2, writesV1, writesV2 } from "./live/cgroupFiles.ts"
import { statsV1, statsV2 } from "./live/cgroupStats.ts"
import { Processes } from "./Processes.ts"

export interface CgroupsOptions {
  /** `/sys/fs/cgroup` when absent. */
  readonly root?: string
}

/** The least share there is: what dies must not hold up what lives (L16). */
const minimalShares = 2

/** Killed processes vanish within milliseconds, unless they hang in the kernel: about five seconds in all. */
const untilEmpty = Schedule.min([Schedule.exponential("5 millis"), Schedule.spaced("500 millis")]).pipe(
  Schedule.upTo({ times: 16 })
)

const wrap = (op: string, path: string) => (cause: HostFileError) =>
  new CgroupError({ op, path, reason: cause.reason, code: cause.code, detail: cause.message, cause })

const refuse = (op: string, path: string, reason: Failure, code: string, detail: string) =>
  new CgroupError({ op, path, reason, code, detail })

/** Where the groups live: one tree on v2; on v1 a tree per directory of the root, which may serve several controllers. */
interface Layout {
  readonly mode: CgroupMode
  readonly controllers: ReadonlyArray<string>
  /** The tree of a controller; nothing where the kernel has none. */
  readonly treeOf: (controller: string) => string | undefined
  /** Every tree a group may have a directory in, of the runtime's making too. */
  readonly trees: ReadonlyArray<string>
  /** The trees the agent makes directories in. */
  readonly own: ReadonlyArray<string>
}

const layoutV2 = (root: string, controllers: ReadonlyArray<string>): Layout => ({
  mode: "v2",
  controllers,
  treeOf: (controller) => (controller === "cgroup" || controllers.includes(controller) ? root : undefined),
  trees: [root],
  own: [root]
})

const layoutV1 = (root: string, names: ReadonlyArray<string>): Layout => {
  const unified = names.includes("unified")
  const own = names.filter((name) => name !== "unified")
  return {
    mode: unified ? "hybrid" : "v1",
    controllers: [...new Set(own.flatMap((name) => name.split(",")))].filter((name) => name !== "systemd").sort(),
    treeOf: (controller) => {
      const name = own.find((one) => one === controller) ?? own.find((one) => one.split(",").includes(controller))
      return name === undefined ? undefined : `${root}/${name}`
    },
    trees: names.map((name) => `${root}/${name}`),
    own: own.map((name) => `${root}/${name}`)
  }
}

const make = (options: CgroupsOptions) =>
  Effect.gen(function*() {
    const files = yield* HostFiles
    const processes = yield* Processes
    const root = options.root ?? "/sys/fs/cgroup"

    const readLayout = Effect.gen(function*() {
      if (yield* files.exists(`${root}/cgroup.controllers`)) {
        const text = yield* files.readText(`${root}/cgroup.controllers`)
        return layoutV2(root, text.trim().split(/\s+/).filter((name) => name !== ""))
      }
      const names = yield* files.readDirectory(root)
      const real: Array<string> = []
      // Distributions link `cpu` and `cpuacct` to `cpu,cpuacct`: one tree, to be gone through once.
      for (const name of names) {
        if ((yield* files.lstat(`${root}/${name}`)).type === "directory") real.push(name)
      }
      return layoutV1(root, real)
    }).pipe(Effect.mapError(wrap("layout", root)))

    /** The layout does not change while a machine is up, but it may not be mounted yet when the agent starts. */
    const layout = yield* Effect.cachedWithTTL(readLayout, "10 seconds")

    const isTree = (path: string) =>
      files.stat(path).pipe(
        Effect.map((stat) => stat.type === "directory"),
        Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(false))
      )

    const optional = (path: string) =>
      files.readText(path).pipe(
        Effect.map((text): string | undefined => text),
        Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(undefined)),
        // A group that goes away while its files are read answers ENODEV.
        Effect.catchIf((error) => error.code === "ENODEV", () => Effect.succeed(undefined))
      )

    /** A v1 cpuset starts without processors, and nothing may enter it before it has some. */
    const inheritCpuset = Effect.fnUntraced(function*(directory: string, parent: string) {
      for (const file of ["cpuset.cpus", "cpuset.mems"]) {
        const own = yield* optional(`${directory}/${file}`)
        if (own === undefined || own.trim() !== "") continue
        yield* files.writeInto(`${directory}/${file}`, (yield* files.readText(`${parent}/${file}`)).trim())
      }
    })

    /** On v2 children have only the controllers that their parent hands down. */
    const handDown = Effect.fnUntraced(function*(directory: string, controllers: ReadonlyArray<string>) {
      const enabled = ((yield* optional(`${directory}/cgroup.subtree_control`)) ?? "").trim().split(/\s+/)
      const missing = controllers.filter((controller) => !enabled.includes(controller))
      if (missing.length === 0) return
      yield* files.writeInto(`${directory}/cgroup.subtree_control`, missing.map((name) => `+${name}`).join(" "))
    })

    const createIn = Effect.fnUntraced(function*(tree: string, path: string, at: Layout) {
      let parent = tree
      for (const name of path.split("/").filter((part) => part !== "")) {
        if (at.mode === "v2") yield* handDown(parent, at.controllers)
        const directory = `${parent}/${name}`
        yield* files.makeDirectory(directory, { recursive: true, mode: 0o755 })
        if (tree === at.treeOf("cpuset") && at.mode !== "v2") yield* inheritCpuset(directory, parent)
        parent = directory
      }
    })

    const put = Effect.fnUntraced(function*(path: string, at: Layout, write: CgroupWrite) {
      const tree = at.treeOf(write.controller)
      if (tree !== undefined) yield* files.writeInto(`${tree}${path}/${write.file}`, write.value)
    })

    const apply = Effect.fnUntraced(function*(path: string, resources: CgroupResources) {
      const at = yield* layout
      const writes = at.mode === "v2" ? writesV2(resources) : writesV1(resources)
      yield* Effect.forEach(writes, (write) => put(path, at, write), { discard: true }).pipe(
        Effect.mapError(wrap("apply", path))
      )
    })

    /** The group's directory in the first tree that has it. */
    const directoryOf = Effect.fnUntraced(function*(path: string) {
      const at = yield* layout
      const preferred = ["pids", "memory", "cpu"].map(at.treeOf).filter((tree) => tree !== undefined)
      for (const tree of [...preferred, ...at.trees]) if (yield* isTree(`${tree}${path}`)) return `${tree}${path}`
      return undefined
    })

    const subdirectories = Effect.fnUntraced(function*(directory: string) {
      const names: Array<string> = []
      for (const name of yield* files.readDirectory(directory)) {
        // The kernel's own files are known by their prefix: asking about each would be 60 calls a group.
        if (
          /^(cgroup|cpu|cpuacct|cpuset|memory|pids|hugetlb|io|blkio|devices|freezer|misc|rdma|net_cls|net_prio)\./.test(
            name
          )
        ) {
          continue
        }
        if (yield* isTree(`${directory}/${name}`)) names.push(name)
      }
      return names
    })

    /** The tree below and with the directory, children first. */
    const descend = (directory: string): Effect.Effect<ReadonlyArray<string>, HostFileError> =>
      Effect.gen(function*() {
        const below: Array<string> = []
        for (const name of yield* subdirectories(directory)) below.push(...(yield* descend(`${directory}/${name}`)))
        return [...below, directory]
      }).pipe(Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed([])))

    const pids = Effect.fnUntraced(function*(path: string) {
      const directory = yield* directoryOf(path)
      if (directory === undefined) return []
      const found = new Set<number>()
      for (const one of yield* descend(directory)) {
        const text = (yield* optional(`${one}/cgroup.procs`)) ?? ""
        for (const line of text.split("\n")) if (line !== "") found.add(Number(line))
      }
      return [...found].sort((one, other) => one - other)
    }, (effect, path) => Effect.catchTag(effect, "HostFileError", (cause) => wrap("pids", path)(cause)))

    const killAll = Effect.fn("Cgroups.killAll")(function*(path: string) {
      const directory = yield* directoryOf(path)
      if (directory === undefined) return
      const killFile = `${directory}/cgroup.kill`
      if (yield* files.exists(killFile)) yield* files.writeInto(killFile, "1")
      yield* Effect.forEach(yield* pids(path), (pid) =>
        processes.kill(pid, "SIGKILL").pipe(
          Effect.catchReason("ProcessError", "NotFound", () => Effect.void),
          Effect.mapError((cause) =>
            new CgroupError({ op: "killAll", path, reason: cause.reason, code: "", detail: cause.message, cause })
          )
        ), { discard: true })
    }, (effect, path) => Effect.catchTag(effect, "HostFileError", (cause) => wrap("killAll", path)(cause)))

    const emptied = (path: string) =>
      killAll(path).pipe(
        Effect.andThen(pids(path)),
        Effect.flatMap((left) =>
          left.length === 0 ? Effect.void : Effect.fail(
            refuse("destroy", path, new Retryable({}), "EBUSY", `processes [${left.join(" ")}] outlive SIGKILL`)
          )
        ),
        Effect.retry({ schedule: untilEmpty, while: (error) => error.code === "EBUSY" })
      )

    /** The kernel answers EBUSY for a moment after the last process left. */
    const removeGroup = (directory: string) =>
      files.removeDirectory(directory).pipe(
        Effect.catchReason("HostFileError", "NotFound", () => Effect.void),
        Effect.retry({ schedule: untilEmpty, while: (error) => error.code === "EBUSY" })
      )

    const destroy = Effect.fn("Cgroups.destroy")(function*(path: string) {
      if (path.split("/").every((part) => part === "")) {
        return yield* refuse("destroy", path, new Permanent(), "EINVAL", "the root group stays")
      }
      const at = yield* layout
      if ((yield* directoryOf(path)) === undefined) return
      // Best effort: a group half made or half gone may lack the file.
      yield* Effect.ignore(apply(path, { cpuShares: minimalShares }), { log: "Debug" })
      yield* emptied(path)
      for (const tree of at.trees) {
        if (!(yield* isTree(`${tree}${path}`))) continue
        yield* Effect.forEach(yield* descend(`${tree}${path}`), removeGroup, { discard: true })
      }
    }, (effect, path) => Effect.catchTag(effect, "HostFileError", (cause) => wrap("destroy", path)(cause)))

    /** Reads the files a pure parser asks for: first what it wants, then all of them, then its answer. */
    const inspect = Effect.fnUntraced(function*<A>(op: string, path: string, parse: (read: ReadFile) => A) {
      const at = yield* layout
      if ((yield* directoryOf(path)) === undefined) {
        return yield* refuse(op, path, new NotFound(), "ENOENT", "no such group")
      }
      const texts = new Map<string, string | undefined>()
      const fileOf = (controller: string, file: string) => `${at.treeOf(controller) ?? ""}${path}/${file}`
      parse((controller, file) => {
        if (at.treeOf(controller) !== undefined) texts.set(fileOf(controller, file), undefined)
        return undefined
      })
      for (const file of texts.keys()) texts.set(file, yield* optional(file))
      return parse((controller, file) => texts.get(fileOf(controller, file)))
    }, (effect, op, path) => Effect.catchTag(effect, "HostFileError", (cause) => wrap(op, path)(cause)))

    return Cgroups.of({
      mode: Effect.map(layout, (at) => at.mode),
      controllers: Effect.map(layout, (at) => at.controllers),
      exists: (path) =>
        Effect.map(directoryOf(path), (at) => at !== undefined).pipe(
          Effect.catchTag("HostFileError", (cause) => wrap("exists", path)(cause))
        ),
      create: Effect.fn("Cgroups.create")(function*(path: string, resources?: CgroupResources) {
        const at = yield* layout
        yield* Effect.forEach(at.own, (tree) => createIn(tree, path, at), { discard: true }).pipe(
          Effect.mapError(wrap("create", path))
        )
        if (resources !== undefined) yield* apply(path, resources)
      }),
      apply: Effect.fn("Cgroups.apply")(apply),
      destroy,
      values: Effect.fn("Cgroups.values")(function*(path: string) {
        const at = yield* layout
        return yield* inspect("values", path, at.mode === "v2" ? valuesV2 : valuesV1)
      }),
      stats: Effect.fn("Cgroups.stats")(function*(path: string) {
        const at = yield* layout
        return yield* inspect("stats", path, at.mode === "v2" ? statsV2 : statsV1)
      }),
      pids: Effect.fn("Cgroups.pids")(pids),
      killAll,
      enter: Effect.fn("Cgroups.enter")(function*(path: string, pid: number) {
        const at = yield* layout
        yield* Effect.forEach(at.own, (tree) => files.writeInto(`${tree}${path}/cgroup.procs`, String(pid)), {
          discard: true
        }).pipe(Effect.mapError(wrap("enter", path)))
      }),
      children: Effect.fn("Cgroups.children")(function*(path: string) {
        const directory = yield* directoryOf(path)
        return directory === undefined ? [] : yield* subdirectories(directory)
      }, (effect, path) => Effect.catchTag(effect, "HostFileError", (cause) => wrap("children", path)(cause)))
    })
  })

export const layer = (options: CgroupsOptions = {}): Layer.Layer<Cgroups, never, HostFiles | Processes> =>
  Layer.effect(Cgroups, make(options))
