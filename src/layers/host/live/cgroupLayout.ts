/** Where the control groups of this kernel live. */
import { Effect } from "effect"
import type { CgroupMode } from "../Cgroups.ts"
import type { HostFiles } from "../HostFiles.ts"

/** One tree on v2; on v1 a tree for each directory of the root, which may serve several controllers. */
export interface CgroupLayout {
  readonly mode: CgroupMode
  readonly controllers: ReadonlyArray<string>
  /** The tree of a controller; nothing where the kernel has none. */
  readonly treeOf: (controller: string) => string | undefined
  /** Every tree a group may have a directory in, of the runtime's making too. */
  readonly trees: ReadonlyArray<string>
  /** The trees the agent makes directories in. */
  readonly own: ReadonlyArray<string>
}

const layoutV2 = (root: string, controllers: ReadonlyArray<string>): CgroupLayout => ({
  mode: "v2",
  controllers,
  treeOf: (controller) => (controllers.includes(controller) ? root : undefined),
  trees: [root],
  own: [root]
})

const layoutV1 = (root: string, names: ReadonlyArray<string>): CgroupLayout => {
  const own = names.filter((name) => name !== "unified")
  return {
    mode: own.length < names.length ? "hybrid" : "v1",
    controllers: [...new Set(own.flatMap((name) => name.split(",")))].filter((name) => name !== "systemd").sort(),
    treeOf: (controller) => {
      const name = own.find((one) => one === controller) ?? own.find((one) => one.split(",").includes(controller))
      return name === undefined ? undefined : `${root}/${name}`
    },
    trees: names.map((name) => `${root}/${name}`),
    own: own.map((name) => `${root}/${name}`)
  }
}

export const readLayout = Effect.fnUntraced(function*(files: HostFiles["Service"], root: string) {
  if (yield* files.exists(`${root}/cgroup.controllers`)) {
    const text = yield* files.readText(`${root}/cgroup.controllers`)
    return layoutV2(root, text.trim().split(/\s+/).filter((name) => name !== ""))
  }
  const names: Array<string> = []
  // Distributions link `cpu` and `cpuacct` to `cpu,cpuacct`: one tree, to be gone through once.
  for (const name of yield* files.readDirectory(root)) {
    if ((yield* files.lstat(`${root}/${name}`)).type === "directory") names.push(name)
  }
  return layoutV1(root, names)
})
