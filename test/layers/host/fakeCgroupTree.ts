/**
 * A file system on which a directory behaves like a cgroup: its files come with it, go with it, and writing to
 * `cgroup.procs` and `cgroup.kill` does what the kernel does. Lets the real implementation run on v2 where there is none.
 */
import { Effect, Layer } from "effect"
import { HostFiles } from "../../../src/layers/host/HostFiles.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"

const cgroupFiles = ["cgroup.procs", "cgroup.subtree_control", "cgroup.controllers", "cgroup.kill", "cpu.stat"]
const controllerFiles: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cpu: { "cpu.weight": "100\n", "cpu.max": "max 100000\n", "cpu.pressure": "" },
  memory: {
    "memory.max": "max\n",
    "memory.min": "0\n",
    "memory.high": "max\n",
    "memory.current": "0\n",
    "memory.stat": "",
    "memory.oom.group": "0\n"
  },
  pids: { "pids.max": "max\n", "pids.current": "0\n" }
}

const dirname = (path: string) => path.slice(0, path.lastIndexOf("/"))

const grow = (host: HostFilesMemory.MemoryHost, path: string) => {
  const handedDown = host.readText(`${dirname(path)}/cgroup.subtree_control`).split(/\s+/).filter((name) => name !== "")
  for (const file of cgroupFiles) host.write(`${path}/${file}`, "")
  host.write(`${path}/cgroup.controllers`, handedDown.join(" "))
  for (const controller of handedDown) {
    for (const [file, text] of Object.entries(controllerFiles[controller] ?? {})) host.write(`${path}/${file}`, text)
  }
}

const groupsBelow = (host: HostFilesMemory.MemoryHost, path: string): ReadonlyArray<string> => [
  path,
  ...[...host.at(path).inode.entries.values()].filter((inode) => inode.type === "directory").flatMap((inode) =>
    groupsBelow(host, `${path}/${inode.name}`)
  )
]

const setPids = (host: HostFilesMemory.MemoryHost, group: string, pids: ReadonlyArray<string>) => {
  host.write(`${group}/cgroup.procs`, pids.map((pid) => `${pid}\n`).join(""))
  if (host.exists(`${group}/pids.current`)) host.write(`${group}/pids.current`, `${pids.length}\n`)
}

const pidsOf = (host: HostFilesMemory.MemoryHost, group: string) =>
  host.readText(`${group}/cgroup.procs`).split("\n").filter((pid) => pid !== "")

export const root = "/sys/fs/cgroup"

export const layer = (host: HostFilesMemory.MemoryHost): Layer.Layer<HostFiles> => {
  host.makeDirectories(root)
  for (const file of cgroupFiles) host.write(`${root}/${file}`, "")
  host.write(`${root}/cgroup.controllers`, "cpu memory pids")
  return Layer.effect(
    HostFiles,
    Effect.map(HostFiles, (files) =>
      HostFiles.of({
        ...files,
        makeDirectory: (path, options) =>
          Effect.gen(function*() {
            const existed = yield* files.exists(path)
            yield* files.makeDirectory(path, options)
            if (!existed) grow(host, path)
          }),
        removeDirectory: (path) =>
          Effect.suspend(() => {
            const busy = host.exists(path) && (groupsBelow(host, path).length > 1 || pidsOf(host, path).length > 0)
            if (busy || !host.exists(path)) return files.removeDirectory(path)
            for (const inode of host.at(path).inode.entries.values()) {
              if (inode.type === "file") host.removeFile(`${path}/${inode.name}`)
            }
            return files.removeDirectory(path)
          }),
        writeInto: (path, data) => {
          const group = dirname(path)
          const file = path.slice(group.length + 1)
          if (file === "cgroup.subtree_control") {
            return files.writeInto(path, data.replaceAll("+", "")).pipe(Effect.andThen(Effect.sync(() => {
              for (const child of groupsBelow(host, group).slice(1)) grow(host, child)
            })))
          }
          if (file === "cgroup.procs") {
            return Effect.sync(() => {
              for (const other of groupsBelow(host, root)) {
                setPids(host, other, pidsOf(host, other).filter((pid) => pid !== data))
              }
              setPids(host, group, [...pidsOf(host, group), data])
            })
          }
          if (file === "cgroup.kill") {
            return Effect.sync(() => {
              for (const one of groupsBelow(host, group)) setPids(host, one, [])
            })
          }
          return files.writeInto(path, data)
        }
      }))
  ).pipe(Layer.provide(HostFilesMemory.layer(host)))
}

/** The cpusets of v1: empty when they are made, unless `cgroup.clone_children` of the parent says otherwise. */
export const cpusets = (
  host: HostFilesMemory.MemoryHost,
  { calls, cloning }: { readonly cloning: boolean; readonly calls: Array<string> }
): Layer.Layer<HostFiles> => {
  const put = (path: string, { clone, cpus, mems }: Readonly<Record<"clone" | "cpus" | "mems", string>>) => {
    host.write(`${path}/cpuset.cpus`, cpus)
    host.write(`${path}/cpuset.mems`, mems)
    if (cloning) host.write(`${path}/cgroup.clone_children`, clone)
  }
  host.makeDirectories(`${root}/cpuset`)
  put(`${root}/cpuset`, { cpus: "0-1\n", mems: "0\n", clone: "0\n" })
  const isCloning = (path: string) => cloning && host.readText(`${path}/cgroup.clone_children`) === "1\n"
  return Layer.effect(
    HostFiles,
    Effect.map(HostFiles, (files) =>
      HostFiles.of({
        ...files,
        readText: (path) => {
          calls.push(path)
          return files.readText(path)
        },
        makeDirectory: (path, options) =>
          Effect.gen(function*() {
            yield* files.makeDirectory(path, options)
            const parent = dirname(path)
            const of = (file: string) => isCloning(parent) ? host.readText(`${parent}/${file}`) : "\n"
            put(path, {
              cpus: of("cpuset.cpus"),
              mems: of("cpuset.mems"),
              clone: isCloning(parent) ? "1\n" : "0\n"
            })
          }),
        writeInto: (path, data) => {
          calls.push(path)
          return files.writeInto(path, `${data}\n`)
        }
      }))
  ).pipe(Layer.provide(HostFilesMemory.layer(host)))
}
