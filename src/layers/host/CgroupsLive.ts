/**
 * Control groups by the files of the kernel, in the `cgroupfs` manner: the agent makes and removes the directories
 * itself. `root` is where the hierarchies are mounted, so that a tree that only looks like one will do.
 */
import { Effect, Layer } from "effect"
import { NotFound, Permanent, Retryable } from "../../domain/failure.ts"
import { CgroupError, type CgroupResources, Cgroups } from "./Cgroups.ts"
import { type HostFileError, HostFiles } from "./HostFiles.ts"
import { type ReadFile, valuesV1, valuesV2 } from "./live/cgroupFiles.ts"
import { readLayout } from "./live/cgroupLayout.ts"
import { statsV1, statsV2 } from "./live/cgroupStats.ts"
import {
  applyTo,
  type CgroupGround,
  createIn,
  directoryOf,
  optionalText,
  pidsBelow,
  removeEverywhere,
  subdirectories,
  untilEmpty
} from "./live/cgroupTree.ts"
import { Processes } from "./Processes.ts"

export interface CgroupsOptions {
  /** `/sys/fs/cgroup` when absent. */
  readonly root?: string
}

/** The least share there is: what dies must not hold up what lives (L16). */
const minimalShares = 2

const wrap = (op: string, path: string) => (cause: HostFileError) =>
  new CgroupError({ op, path, reason: cause.reason, code: cause.code, detail: cause.message, cause })

/** Turns errors of files into those of groups, and leaves the latter as they are. */
const wrapped =
  (op: string, path: string) =>
  <A, R>(effect: Effect.Effect<A, CgroupError | HostFileError, R>): Effect.Effect<A, CgroupError, R> =>
    Effect.mapError(effect, (error) => (error instanceof CgroupError ? error : wrap(op, path)(error)))

const making = (ground: CgroupGround) => {
  const { files, layout } = ground
  const apply = Effect.fn("Cgroups.apply")(function*(path: string, resources: CgroupResources) {
    yield* applyTo(files, path, resources, yield* layout).pipe(Effect.mapError(wrap("apply", path)))
  })
  const create = Effect.fn("Cgroups.create")(function*(path: string, resources?: CgroupResources) {
    const at = yield* layout
    yield* Effect.forEach(at.own, (tree) => createIn(ground, tree, path, at), {
      concurrency: "unbounded",
      discard: true
    }).pipe(Effect.mapError(wrap("create", path)))
    if (resources !== undefined) yield* apply(path, resources)
  })
  const enter = Effect.fn("Cgroups.enter")(function*(path: string, pid: number) {
    const { own } = yield* layout
    yield* Effect.forEach(own, (tree) => files.writeInto(`${tree}${path}/cgroup.procs`, String(pid)), {
      discard: true
    }).pipe(Effect.mapError(wrap("enter", path)))
  })
  return { apply, create, enter }
}

const looking = ({ files, layout }: CgroupGround) => {
  const find = (op: string, path: string) =>
    Effect.flatMap(layout, (at) => directoryOf(files, path, at)).pipe(wrapped(op, path))

  /** Reads the files a pure parser asks for: first what it wants, then all of them, then its answer. */
  const inspect = Effect.fnUntraced(
    function*<A>(op: string, path: string, v1: (read: ReadFile) => A, v2: (read: ReadFile) => A) {
      const at = yield* layout
      if ((yield* find(op, path)) === undefined) {
        return yield* new CgroupError({ op, path, reason: new NotFound(), code: "ENOENT", detail: "no such group" })
      }
      const parse = at.mode === "v2" ? v2 : v1
      const texts = new Map<string, string | undefined>()
      const fileOf = (controller: string, file: string) => `${at.treeOf(controller) ?? ""}${path}/${file}`
      parse((controller, file) => {
        if (at.treeOf(controller) !== undefined) texts.set(fileOf(controller, file), undefined)
        return undefined
      })
      for (const file of texts.keys()) texts.set(file, yield* optionalText(files, file))
      return parse((controller, file) => texts.get(fileOf(controller, file)))
    },
    (effect, op, path) => wrapped(op, path)(effect)
  )

  return {
    exists: (path: string) => Effect.map(find("exists", path), (directory) => directory !== undefined),
    values: Effect.fn("Cgroups.values")((path: string) => inspect("values", path, valuesV1, valuesV2)),
    stats: Effect.fn("Cgroups.stats")((path: string) => inspect("stats", path, statsV1, statsV2)),
    pids: Effect.fn("Cgroups.pids")(function*(path: string) {
      const directory = yield* find("pids", path)
      return directory === undefined ? [] : yield* pidsBelow(files, directory).pipe(wrapped("pids", path))
    }),
    children: Effect.fn("Cgroups.children")(function*(path: string) {
      const directory = yield* find("children", path)
      return directory === undefined ? [] : yield* subdirectories(files, directory).pipe(wrapped("children", path))
    }),
    find
  }
}

const ending = (ground: CgroupGround, processes: Processes["Service"]) => {
  const { files, layout } = ground
  const { find, pids } = looking(ground)
  const { apply } = making(ground)

  const kill = (path: string, pid: number) =>
    processes.kill(pid, "SIGKILL").pipe(
      Effect.catchReason("ProcessError", "NotFound", () => Effect.void),
      Effect.mapError((cause) =>
        new CgroupError({ op: "killAll", path, reason: cause.reason, code: "", detail: cause.message, cause })
      )
    )

  const killAll = Effect.fn("Cgroups.killAll")(function*(path: string) {
    const directory = yield* find("killAll", path)
    if (directory === undefined) return
    const killFile = `${directory}/cgroup.kill`
    if (yield* files.exists(killFile)) yield* files.writeInto(killFile, "1")
    yield* Effect.forEach(yield* pids(path), (pid) => kill(path, pid), { discard: true })
  }, (effect, path) => wrapped("killAll", path)(effect))

  const emptied = Effect.fnUntraced(function*(path: string) {
    yield* killAll(path)
    const left = yield* pids(path)
    if (left.length === 0) return
    const detail = `processes [${left.join(" ")}] outlive SIGKILL`
    return yield* new CgroupError({ op: "destroy", path, reason: new Retryable({}), code: "EBUSY", detail })
  }, Effect.retry({ schedule: untilEmpty, while: (error) => error.code === "EBUSY" }))

  const destroy = Effect.fn("Cgroups.destroy")(function*(path: string) {
    if (path.split("/").every((part) => part === "")) {
      const detail = "the root group stays"
      return yield* new CgroupError({ op: "destroy", path, reason: new Permanent(), code: "EINVAL", detail })
    }
    if ((yield* find("destroy", path)) === undefined) return
    // Best effort: a group half made or half gone may lack the file.
    yield* Effect.ignore(apply(path, { cpuShares: minimalShares }), { log: "Debug" })
    yield* emptied(path)
    yield* removeEverywhere(files, path, yield* layout)
  }, (effect, path) => wrapped("destroy", path)(effect))

  return { killAll, destroy }
}

const make = Effect.fnUntraced(function*(options: CgroupsOptions) {
  const files = yield* HostFiles
  const processes = yield* Processes
  const root = options.root ?? "/sys/fs/cgroup"
  // The layout does not change while a machine is up, but it may not be mounted yet when the agent starts.
  const layout = yield* Effect.cachedWithTTL(
    readLayout(files, root).pipe(Effect.mapError(wrap("layout", root))),
    "10 seconds"
  )
  const ground: CgroupGround = { files, layout, prepared: new Set() }
  const { find: _, ...seen } = looking(ground)
  return Cgroups.of({
    mode: Effect.map(layout, (at) => at.mode),
    controllers: Effect.map(layout, (at) => at.controllers),
    ...making(ground),
    ...seen,
    ...ending(ground, processes)
  })
})

export const layer = (options: CgroupsOptions = {}): Layer.Layer<Cgroups, never, HostFiles | Processes> =>
  Layer.effect(Cgroups, make(options))
