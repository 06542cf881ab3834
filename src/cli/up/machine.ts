/** Finds out what this machine has for running containers. */
import { Effect, FileSystem, Path } from "effect"
import type { Machine } from "./runtimeChoice.ts"

/** Where administrators' programs are when PATH does not say. */
const moreFolders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
const cniFolders = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"]

export const findMachine = Effect.fn("findMachine")(function*(searchPath: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folders = [...new Set([...searchPath.split(":").filter((folder) => folder !== ""), ...moreFolders])]
  const exists = (name: string) => Effect.orElseSucceed(fs.exists(name), () => false)
  const find = (program: string) =>
    Effect.map(
      Effect.filter(folders.map((folder) => path.join(folder, program)), exists),
      ([first]): string | undefined => first
    )
  const hasPlugins = (folder: string) =>
    Effect.map(
      Effect.forEach(["bridge", "host-local", "portmap"], (plugin) => exists(path.join(folder, plugin))),
      (found) => found.every(Boolean)
    )
  const machine: Machine = {
    uid: process.getuid?.() ?? -1,
    containerd: yield* find("containerd"),
    runc: yield* find("runc"),
    cniBinDir: (yield* Effect.filter(cniFolders, hasPlugins))[0],
    iptables: yield* find("iptables")
  }
  return machine
})
