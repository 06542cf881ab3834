/** Directories of control groups: making them usable, walking them, removing them. */
import { Effect, Schedule } from "effect"
import type { CgroupError, CgroupResources } from "../Cgroups.ts"
import type { HostFileError, HostFiles } from "../HostFiles.ts"
import { type CgroupWrite, writesV1, writesV2 } from "./cgroupFiles.ts"
import type { CgroupLayout } from "./cgroupLayout.ts"

export interface CgroupGround {
  readonly files: HostFiles["Service"]
  /** May fail until the hierarchies are mounted. */
  readonly layout: Effect.Effect<CgroupLayout, CgroupError>
  /** Directories that are known to hand down what their children need. */
  readonly prepared: Set<string>
}

/** Killed processes vanish within milliseconds, unless they hang in the kernel: about five seconds in all. */
export const untilEmpty = Schedule.min([Schedule.exponential("5 millis"), Schedule.spaced("500 millis")]).pipe(
  Schedule.upTo({ times: 16 })
)

const isTree = (files: HostFiles["Service"], path: string) =>
  files.stat(path).pipe(
    Effect.map((stat) => stat.type === "directory"),
    Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(false))
  )

/** The text of a file; nothing where there is none. A group that goes away while it is read answers ENODEV. */
export const optionalText = (files: HostFiles["Service"], path: string) =>
  files.readText(path).pipe(
    Effect.map((text): string | undefined => text),
    Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(undefined)),
    Effect.catchIf((error) => error.code === "ENODEV", () => Effect.succeed(undefined))
  )

/**
 * A v1 cpuset starts without processors, and nothing may enter it before it has some. Answers whether groups that are
 * made in it from now on start with its own, and hand them down in their turn.
 */
const inheritCpuset = Effect.fnUntraced(function*(files: HostFiles["Service"], directory: string, parent: string) {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    const own = yield* optionalText(files, `${directory}/${file}`)
    if (own === undefined || own.trim() !== "") continue
    yield* files.writeInto(`${directory}/${file}`, (yield* files.readText(`${parent}/${file}`)).trim())
  }
  const cloning = yield* optionalText(files, `${directory}/cgroup.clone_children`)
  if (cloning?.trim() === "0") yield* files.writeInto(`${directory}/cgroup.clone_children`, "1")
  return cloning !== undefined
})

/** On v2 children have only the controllers that their parent hands down. */
const handDown = Effect.fnUntraced(function*(
  files: HostFiles["Service"],
  directory: string,
  controllers: ReadonlyArray<string>
) {
  const enabled = ((yield* optionalText(files, `${directory}/cgroup.subtree_control`)) ?? "").trim().split(/\s+/)
  const missing = controllers.filter((controller) => !enabled.includes(controller))
  if (missing.length === 0) return
  yield* files.writeInto(`${directory}/cgroup.subtree_control`, missing.map((name) => `+${name}`).join(" "))
})

/**
 * Makes the group in one tree, with its parents. `prepared` holds the parents that were seen to be usable: most groups
 * are children of the same few, and a parent that has gone since shows by the kernel's answer.
 */
export const createIn = Effect.fnUntraced(function*(
  { files, prepared }: CgroupGround,
  tree: string,
  path: string,
  layout: CgroupLayout
) {
  const inCpuset = layout.mode !== "v2" && tree === layout.treeOf("cpuset")
  const names = path.split("/").filter((part) => part !== "")
  /** Makes the directory usable for processes of its own; answers whether its children will be so by themselves. */
  const makeGroup = Effect.fnUntraced(function*(parent: string, directory: string) {
    const isNew = yield* files.makeDirectory(directory).pipe(
      Effect.as(true),
      Effect.catchIf((error) => error.code === "EEXIST", () => Effect.succeed(false))
    )
    return !inCpuset || (isNew && prepared.has(parent)) || (yield* inheritCpuset(files, directory, parent))
  })
  const whole = Effect.gen(function*() {
    let parent = tree
    // The root of the cpusets is not ours to change.
    let handsDown = !inCpuset
    for (const name of names) {
      if (layout.mode === "v2") yield* handDown(files, parent, layout.controllers)
      if (handsDown) prepared.add(parent)
      handsDown = yield* makeGroup(parent, `${parent}/${name}`)
      parent = `${parent}/${name}`
    }
  })
  const parent = [tree, ...names.slice(0, -1)].join("/")
  if (!prepared.has(parent)) return yield* whole
  yield* makeGroup(parent, `${parent}/${names.at(-1)}`).pipe(
    Effect.catchReason("HostFileError", "NotFound", () => whole)
  )
})

export const applyTo = Effect.fnUntraced(function*(
  files: HostFiles["Service"],
  path: string,
  resources: CgroupResources,
  layout: CgroupLayout
) {
  const put = ({ controller, file, value }: CgroupWrite) => {
    const tree = layout.treeOf(controller)
    return tree === undefined ? Effect.void : files.writeInto(`${tree}${path}/${file}`, value)
  }
  yield* Effect.forEach(layout.mode === "v2" ? writesV2(resources) : writesV1(resources), put, { discard: true })
})

/** The group's directory in the first tree that has it. */
export const directoryOf = Effect.fnUntraced(function*(
  files: HostFiles["Service"],
  path: string,
  layout: CgroupLayout
) {
  const preferred = ["pids", "memory", "cpu"].map(layout.treeOf).filter((tree) => tree !== undefined)
  for (const tree of [...preferred, ...layout.trees]) {
    if (yield* isTree(files, `${tree}${path}`)) return `${tree}${path}`
  }
  return undefined
})

/** The kernel's own files are known by their names: asking about each would be 60 calls a group. */
const kernelFile =
  /^(tasks|notify_on_release|release_agent|(cgroup|cpu|cpuacct|cpuset|memory|pids|hugetlb|io|blkio|devices|freezer|misc|rdma|net_cls|net_prio)\..*)$/

export const subdirectories = Effect.fnUntraced(function*(files: HostFiles["Service"], directory: string) {
  const names: Array<string> = []
  for (const name of yield* files.readDirectory(directory)) {
    if (!kernelFile.test(name) && (yield* isTree(files, `${directory}/${name}`))) names.push(name)
  }
  return names
})

/** The tree below and with the directory, children first. */
export const descend = (
  files: HostFiles["Service"],
  directory: string
): Effect.Effect<ReadonlyArray<string>, HostFileError> =>
  Effect.gen(function*() {
    const below: Array<string> = []
    for (const name of yield* subdirectories(files, directory)) {
      below.push(...(yield* descend(files, `${directory}/${name}`)))
    }
    return [...below, directory]
  }).pipe(Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed([])))

/** Process ids in the directory and below, ascending. */
export const pidsBelow = Effect.fnUntraced(function*(files: HostFiles["Service"], directory: string) {
  const found = new Set<number>()
  for (const one of yield* descend(files, directory)) {
    const text = (yield* optionalText(files, `${one}/cgroup.procs`)) ?? ""
    for (const line of text.split("\n")) if (line !== "") found.add(Number(line))
  }
  return [...found].sort((one, other) => one - other)
})

/** The kernel answers EBUSY for a moment after the last process left. */
const removeGroup = (files: HostFiles["Service"], directory: string) =>
  files.removeDirectory(directory).pipe(
    Effect.catchReason("HostFileError", "NotFound", () => Effect.void),
    Effect.retry({ schedule: untilEmpty, while: (error) => error.code === "EBUSY" })
  )

/** Removes the empty group and what is below from all trees: in one call each where nothing is below. */
export const removeEverywhere = Effect.fnUntraced(function*(
  files: HostFiles["Service"],
  path: string,
  layout: CgroupLayout
) {
  const removeTree = (directory: string) =>
    files.removeDirectory(directory).pipe(
      Effect.catchReason("HostFileError", "NotFound", () => Effect.void),
      Effect.catchIf((error) => error.code === "EBUSY" || error.code === "ENOTEMPTY", () =>
        Effect.flatMap(
          descend(files, directory),
          Effect.forEach((one) => removeGroup(files, one), { discard: true })
        ))
    )
  yield* Effect.forEach(layout.trees, (tree) => removeTree(`${tree}${path}`), {
    concurrency: "unbounded",
    discard: true
  })
})
