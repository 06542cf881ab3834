/**
 * Keeps the device of a block volume open for as long as its pod has it, by a loop device on top, so that no other disk
 * can come up under its name meanwhile. The kernel holds it: it outlives the agent (parity I17).
 */
import { Effect } from "effect"
import { type ProcessError, Processes } from "../../layers/host/Processes.ts"
import { refuse, type VolumeError } from "./VolumeError.ts"

const timeoutMs = 60_000

const losetup = Effect.fnUntraced(function*(args: ReadonlyArray<string>) {
  const processes = yield* Processes
  const { exitCode, stderr, stdout } = yield* processes.run({ command: "losetup", args, timeoutMs })
  if (exitCode !== 0) return yield* refuse(`losetup ${args.join(" ")}: ${stderr.trim()}`)
  return stdout
})

/** Loop devices on top of a device or file: `/dev/loop3: [0005]:12 (/path)`. */
const loopsOn = (path: string) =>
  Effect.map(
    losetup(["-j", path]),
    (text) => text.split("\n").flatMap((line) => line.startsWith("/dev/") ? [line.slice(0, line.indexOf(":"))] : [])
  )

/** A node without the program does without the lock. */
const ifInstalled = <R>(effect: Effect.Effect<void, ProcessError | VolumeError, R>) =>
  Effect.catchReason(
    effect,
    "ProcessError",
    "NotFound",
    () => Effect.logDebug("there is no losetup on this node: block devices are not locked")
  )

/** Repeatable. */
export const lockDevice = Effect.fn("lockDevice")(function*(path: string) {
  if ((yield* loopsOn(path)).length === 0) yield* losetup(["-f", path])
}, (effect) => ifInstalled(effect))

/** A lock that is not there is none to let go of. */
export const unlockDevice = Effect.fn("unlockDevice")(function*(path: string) {
  yield* Effect.forEach(yield* loopsOn(path), (loop) => losetup(["-d", loop]), { discard: true })
}, (effect) => ifInstalled(effect))
