/** Faults of the machine's own parts: its disk, its mounts, its control groups. */
import { Context, Effect, Layer } from "effect"
import type { Failing, OutsideCall, ServiceName } from "../../domain/chaos/fault.ts"
import { Uncertain } from "../../domain/failure.ts"
import { CgroupError, Cgroups } from "../host/Cgroups.ts"
import { errnoReason, errnoText, fileError } from "../host/errno.ts"
import { HostFiles } from "../host/HostFiles.ts"
import { MountError, Mounts } from "../host/Mounts.ts"
import { Faults } from "./Faults.ts"
import { strikeCall, strikeEvery, struckBy } from "./strike.ts"

const codeOf = (how: Failing): string => how === "full" ? "ENOSPC" : how === "busy" ? "EBUSY" : "EIO"

const reasonOf = (how: Failing) => how === "lost" || how === "timeout" ? new Uncertain() : errnoReason(codeOf(how))

/** The path that a call is about. */
const targetOf = ([first]: ReadonlyArray<unknown>): string => {
  if (typeof first === "string") return first
  const target: unknown = typeof first === "object" && first !== null ? Reflect.get(first, "target") : undefined
  return typeof target === "string" ? target : ""
}

const callOf = (service: ServiceName) => (method: string, args: ReadonlyArray<unknown>): OutsideCall => ({
  service,
  method,
  target: targetOf(args)
})

/** A system call that hangs is given up after this long. */
const deadlineMs = 30_000

const mountError = (how: Failing, { method, target }: OutsideCall) =>
  new MountError({ op: method, target, reason: reasonOf(how), code: codeOf(how), detail: `made up: ${how}` })

const cgroupError = (how: Failing, { method, target }: OutsideCall) => {
  const code = codeOf(how)
  return new CgroupError({ op: method, path: target, reason: reasonOf(how), code, detail: errnoText(code) })
}

/** A write that stops half-way: what is there is neither the old content nor the new. */
const torn = (
  files: HostFiles["Service"],
  faults: Faults["Service"]
): Pick<HostFiles["Service"], "writeFile" | "append"> => {
  const half = (data: string | Uint8Array) => data.slice(0, Math.floor(data.length / 2))
  const errorOf = (how: Failing, call: OutsideCall) => fileError(call.method, call.target, codeOf(how))
  const strike = (
    method: "writeFile" | "append",
    path: string,
    whole: ReturnType<typeof files.append>,
    part: ReturnType<typeof files.append>
  ) => {
    const call: OutsideCall = { service: "HostFiles", method, target: path }
    return Effect.suspend(() => {
      const ruling = faults.verdict(call)
      return ruling._tag === "Fail" && ruling.how === "torn"
        ? Effect.andThen(part, Effect.fail(errorOf("torn", call)))
        : struckBy(faults, ruling, call, whole, { errorOf, deadlineMs })
    })
  }
  return {
    writeFile: (path, data, options) =>
      strike("writeFile", path, files.writeFile(path, data, options), files.writeFile(path, half(data), options)),
    append: (path, data) => strike("append", path, files.append(path, data), files.append(path, half(data)))
  }
}

export const layer: Layer.Layer<
  HostFiles | Mounts | Cgroups,
  never,
  HostFiles | Mounts | Cgroups | Faults
> = Layer.effectContext(
  Effect.gen(function*() {
    const faults = yield* Faults
    const files = yield* HostFiles
    const fileCall = callOf("HostFiles")
    const mountCall = callOf("Mounts")
    const cgroupCall = callOf("Cgroups")
    const struckFiles = strikeEvery(
      files,
      (method, args, effect) =>
        strikeCall(faults, fileCall(method, args), effect, {
          errorOf: (how, { target }) => fileError(method, target, codeOf(how)),
          deadlineMs
        })
    )
    const struckMounts = strikeEvery(
      yield* Mounts,
      (method, args, effect) => strikeCall(faults, mountCall(method, args), effect, { errorOf: mountError, deadlineMs })
    )
    const struckCgroups = strikeEvery(
      yield* Cgroups,
      (method, args, effect) =>
        strikeCall(faults, cgroupCall(method, args), effect, { errorOf: cgroupError, deadlineMs })
    )
    return Context.make(HostFiles, HostFiles.of({ ...struckFiles, ...torn(files, faults) })).pipe(
      Context.add(Mounts, struckMounts),
      Context.add(Cgroups, struckCgroups)
    )
  })
)
