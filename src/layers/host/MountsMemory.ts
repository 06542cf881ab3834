/** The mount table of a `MemoryHost`. */
import { Effect, Layer } from "effect"
import { NotFound } from "../../domain/failure.ts"
import { errnoReason } from "./errno.ts"
import { Errno } from "./memory/inode.ts"
import type { MemoryHost } from "./memory/MemoryHost.ts"
import type { Mounted } from "./memory/MountTable.ts"
import { MountError, Mounts, type Propagation } from "./Mounts.ts"

const call = <A>(op: string, target: string, run: () => A): Effect.Effect<A, MountError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(run())
    } catch (cause) {
      if (!(cause instanceof Errno)) throw cause
      // An unmount of what is not mounted is refused with EINVAL, which callers may take as done.
      const reason = op === "unmount" && cause.code === "EINVAL" ? new NotFound() : errnoReason(cause.code)
      return Effect.fail(new MountError({ op, target, reason, code: cause.code, detail: cause.message }))
    }
  })

const propagationOf = (mounted: Mounted, propagation: Propagation): ReadonlyArray<string> =>
  propagation.endsWith("shared")
    ? [`shared:${mounted.id}`]
    : propagation.endsWith("slave")
    ? [`master:${mounted.id}`]
    : []

const remount = (host: MemoryHost, target: string, options: ReadonlyArray<string>): void => {
  const mounted = host.mountAt(target)
  if (options.includes("ro")) mounted.options = ["ro", ...mounted.options.filter((one) => one !== "rw" && one !== "ro")]
  if (options.includes("rw")) mounted.options = ["rw", ...mounted.options.filter((one) => one !== "rw" && one !== "ro")]
}

const setPropagation = (mounted: Mounted, propagation: Propagation): void => {
  mounted.propagation = propagationOf(mounted, propagation)
}

const isMountPoint = (host: MemoryHost, path: string): boolean => {
  const place = host.table.find(path, false)
  return place !== undefined && place.inode === place.mount.root
}

export const layer = (host: MemoryHost): Layer.Layer<Mounts> =>
  Layer.succeed(
    Mounts,
    Mounts.of({
      list: call("list", "", () => host.table.mounts.map((mounted) => host.table.entryOf(mounted))),
      mount: (request) => call("mount", request.target, () => host.mount(request)),
      bind: (request) =>
        call("bind", request.target, () => {
          const mounted = host.bind(request.source, request.target, request.recursive ?? false)
          if (request.readOnly) remount(host, request.target, ["ro"])
          if (request.propagation !== undefined) setPropagation(mounted, request.propagation)
        }),
      remount: (target, options) => call("remount", target, () => remount(host, target, options)),
      unmount: (target, options) => call("unmount", target, () => host.unmount(target, options?.lazy ?? false)),
      makeShared: (target) =>
        call("makeShared", target, () => {
          const { inode, mount } = host.at(target)
          setPropagation(inode === mount.root ? mount : host.bind(target, target, false), "rshared")
        }),
      isMountPoint: (path) => call("isMountPoint", path, () => isMountPoint(host, path))
    })
  )
