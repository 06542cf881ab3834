/**
 * The real mount table: read from /proc/self/mountinfo, changed by util-linux `mount` and `umount` (Node has no such
 * system call, and the helpers of network file systems are reached through them anyway).
 */
import { Effect, Layer } from "effect"
import { NotFound, Permanent, Retryable } from "../../domain/failure.ts"
import { HostFiles } from "./HostFiles.ts"
import { parseMountInfo } from "./live/mountInfo.ts"
import { type BindRequest, MountError, type MountRequest, Mounts, type Propagation } from "./Mounts.ts"
import { Processes } from "./Processes.ts"

/** The real kubelet lets a mount hang for ever; two minutes is what it grants everything else (I1). */
const deadlineMs = 120_000

interface Outcome {
  readonly exitCode: number
  readonly output: string
}

const failed = (op: string, target: string, command: string, args: ReadonlyArray<string>, outcome: Outcome) => {
  const busy = /busy/.test(outcome.output)
  return new MountError({
    op,
    target,
    // Exit 1 is a call that can never work (bad arguments, no permission).
    reason: outcome.exitCode === 1 && !busy ? new Permanent() : new Retryable({}),
    code: busy ? "EBUSY" : "",
    detail: `${op} failed: exit status ${outcome.exitCode}\nCommand: ${command} ${
      args.join(" ")
    }\nOutput: ${outcome.output}`
  })
}

const optionArgs = (options: ReadonlyArray<string>): ReadonlyArray<string> =>
  options.length === 0 ? [] : ["-o", options.join(",")]

interface Tools {
  readonly files: HostFiles["Service"]
  readonly processes: Processes["Service"]
}

/** `/proc/<pid>/fd/<n>` must reach the kernel as it is: it names a file that may have no path any more. */
const literal = "--no-canonicalize"

const environment = { LC_ALL: "C", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }

const programs = ({ processes }: Tools) =>
  Effect.fnUntraced(function*(op: string, target: string, command: string, args: ReadonlyArray<string>) {
    const result = yield* processes.run({ command, args, env: environment, timeoutMs: deadlineMs }).pipe(
      Effect.mapError((cause) =>
        new MountError({ op, target, reason: cause.reason, code: "", detail: cause.message, cause })
      )
    )
    const output = `${result.stdout}${result.stderr}`.trim()
    if (result.exitCode !== 0) return yield* failed(op, target, command, args, { exitCode: result.exitCode, output })
  })

const table = ({ files }: Tools) => {
  const list = files.readText("/proc/self/mountinfo").pipe(
    Effect.map(parseMountInfo),
    Effect.mapError((cause) =>
      new MountError({
        op: "list",
        target: cause.path,
        reason: cause.reason,
        code: cause.code,
        detail: cause.message,
        cause
      })
    )
  )
  const isMountPoint = (path: string) =>
    Effect.map(list, (entries) => entries.some((entry) => entry.mountPoint === path))
  return { list, isMountPoint }
}

const unmounting = (tools: Tools) => {
  const program = programs(tools)
  const { isMountPoint } = table(tools)
  return Effect.fn("Mounts.unmount")(function*(
    target: string,
    options?: { readonly lazy?: boolean; readonly force?: boolean }
  ) {
    const args = [...(options?.lazy ? ["-l"] : []), ...(options?.force ? ["-f"] : []), literal, target]
    const refused = yield* Effect.flip(program("unmount", target, "umount", args)).pipe(
      Effect.catch(() => Effect.succeed(undefined))
    )
    if (refused === undefined) return
    if (refused.reason._tag === "Uncertain" || (yield* isMountPoint(target))) return yield* refused
    return yield* new MountError({
      op: "unmount",
      target,
      reason: new NotFound(),
      code: "EINVAL",
      detail: "not mounted",
      cause: refused
    })
  })
}

const binding = (tools: Tools) => {
  const program = programs(tools)
  const unmount = unmounting(tools)

  const setPropagation = (target: string, propagation: Propagation) =>
    program("propagate", target, "mount", [literal, `--make-${propagation}`, target])

  const remount = (target: string, options: ReadonlyArray<string>) =>
    program("remount", target, "mount", [literal, "-o", ["remount", ...options].join(","), target])

  const bind = Effect.fn("Mounts.bind")(function*(request: BindRequest) {
    const kind = request.recursive ? "--rbind" : "--bind"
    yield* program("bind", request.target, "mount", [literal, kind, request.source, request.target])
    // The kernel ignores `ro` on the bind itself, so for a moment it is writable: nobody knows it yet.
    yield* Effect.all([
      request.readOnly ? remount(request.target, ["bind", "ro"]) : Effect.void,
      request.propagation === undefined ? Effect.void : setPropagation(request.target, request.propagation)
    ], { discard: true }).pipe(
      Effect.onError(() => Effect.ignore(unmount(request.target, { lazy: true }), { log: "Warn" }))
    )
  })
  return { bind, remount, setPropagation }
}

const make = Effect.gen(function*() {
  const tools: Tools = { files: yield* HostFiles, processes: yield* Processes }
  const program = programs(tools)
  const { isMountPoint, list } = table(tools)
  const { bind, remount, setPropagation } = binding(tools)
  return Mounts.of({
    list,
    mount: Effect.fn("Mounts.mount")(function*({ fsType, options, source, target }: MountRequest) {
      const type = fsType === "" ? [] : ["-t", fsType]
      yield* program("mount", target, "mount", [...type, ...optionArgs(options), source, target])
    }),
    bind,
    remount: Effect.fn("Mounts.remount")(remount),
    unmount: unmounting(tools),
    makeShared: Effect.fn("Mounts.makeShared")(function*(target: string) {
      if (!(yield* isMountPoint(target))) yield* bind({ source: target, target })
      yield* setPropagation(target, "rshared")
    }),
    isMountPoint: Effect.fn("Mounts.isMountPoint")(isMountPoint)
  })
})

export const layer: Layer.Layer<Mounts, never, HostFiles | Processes> = Layer.effect(Mounts, make)
