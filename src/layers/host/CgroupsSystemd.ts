/**
 * Control groups with systemd as their owner: a group that a slice stands for is made, limited and ended through systemd,
 * which would else undo what it does not know of; the kernel's files are written as well, for all that systemd has no
 * word for (parity L1). Groups of other names are left to the files.
 */
import { Effect, Layer } from "effect"
import { limitProperties, sliceOfPath, sliceProperties } from "../../domain/resources/systemdProperties.ts"
import { Systemd, type SystemdError } from "../systemd/Systemd.ts"
import { CgroupError, type CgroupResources, Cgroups } from "./Cgroups.ts"

const wrap = (op: string, path: string) => (cause: SystemdError) =>
  new CgroupError({ op, path, reason: cause.reason, code: "", detail: cause.message, cause })

/** Over the groups by files that are below it. */
export const layer: Layer.Layer<Cgroups, never, Cgroups | Systemd> = Layer.effect(
  Cgroups,
  Effect.gen(function*() {
    const inner = yield* Cgroups
    const systemd = yield* Systemd
    // A systemd that is not there yet is asked again; one that answered stays what it is until the next boot.
    const version = yield* Effect.cachedWithTTL(systemd.version, "1 minute")
    const kind = Effect.gen(function*() {
      return { cgroupV2: (yield* inner.mode) === "v2", version: yield* Effect.mapError(version, wrap("version", "/")) }
    })

    const properties = Effect.fnUntraced(function*(resources: CgroupResources) {
      return limitProperties(resources, yield* kind)
    })

    const apply = Effect.fn("Cgroups.apply")(function*(path: string, resources: CgroupResources) {
      const unit = sliceOfPath(path)
      const limits = unit === undefined ? [] : yield* properties(resources)
      if (unit !== undefined && limits.length > 0) {
        yield* systemd.setProperties(unit, limits).pipe(Effect.mapError(wrap("apply", path)))
      }
      yield* inner.apply(path, resources)
    })

    const create = Effect.fn("Cgroups.create")(function*(path: string, resources: CgroupResources = {}) {
      const unit = sliceOfPath(path)
      if (unit === undefined) return yield* inner.create(path, resources)
      // Asked at every refresh: most of the time it is there, and only its limits are news.
      const existed = yield* inner.exists(path)
      const limits = yield* properties(resources)
      const start = systemd.startTransient(unit, [...sliceProperties(unit, yield* kind), ...limits])
      const change = limits.length === 0 ? Effect.void : systemd.setProperties(unit, limits).pipe(
        // The directory is there and the unit is not: someone made it by hand, or systemd forgot it.
        Effect.catchReason("SystemdError", "NotFound", () => start)
      )
      yield* Effect.mapError(existed ? change : start, wrap("create", path))
      yield* inner.create(path, resources)
    })

    const destroy = Effect.fn("Cgroups.destroy")(function*(path: string) {
      const unit = sliceOfPath(path)
      if (unit !== undefined) {
        yield* inner.killAll(path)
        yield* Effect.mapError(systemd.stop(unit), wrap("destroy", path))
      }
      yield* inner.destroy(path)
    })

    return Cgroups.of({ ...inner, apply, create, destroy })
  })
)
