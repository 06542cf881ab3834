/**
 * Mounts a disk that may never have been used: one without a file system gets one, one with is checked first, one with
 * another than asked for is left alone (parity I21).
 */
import { Effect } from "effect"
import { Mounts } from "../../layers/host/Mounts.ts"
import { Processes } from "../../layers/host/Processes.ts"
import { refuse } from "./VolumeError.ts"

export interface DiskWish {
  readonly device: string
  readonly target: string
  readonly fsType: string
  readonly options: ReadonlyArray<string>
  readonly readOnly: boolean
}

const probeTimeoutMs = 60_000
/** Large disks take their time, and one that is given up half-way is no disk any more. */
const formatTimeoutMs = 1_800_000

/** `blkid` ends so when it finds nothing. */
const nothingFound = 2
/** `fsck` found errors that it could not correct. */
const uncorrected = 4

const run = Effect.fnUntraced(function*(command: string, args: ReadonlyArray<string>, timeoutMs: number) {
  const processes = yield* Processes
  return yield* processes.run({ command, args, timeoutMs })
})

/** The file system on the disk; empty for a disk without anything. A partition table is something, too. */
const formatOf = Effect.fnUntraced(function*(device: string) {
  const args = ["-p", "-s", "TYPE", "-s", "PTTYPE", "-o", "export", device]
  const { exitCode, stderr, stdout } = yield* run("blkid", args, probeTimeoutMs)
  if (exitCode === nothingFound) return ""
  if (exitCode !== 0) return yield* refuse(`could not determine the format of ${device}: ${stderr.trim()}`)
  const field = (name: string) => new RegExp(`^${name}=(.+)$`, "m").exec(stdout)?.[1] ?? ""
  return field("TYPE") === "" && field("PTTYPE") !== "" ? "unknown data, probably partitions" : field("TYPE")
})

const makeArgs = (fsType: string, device: string): ReadonlyArray<string> =>
  fsType.startsWith("ext") ? ["-F", "-m0", device] : fsType === "xfs" ? ["-f", device] : [device]

const format = Effect.fnUntraced(function*({ device, fsType }: DiskWish) {
  const { exitCode, stderr } = yield* run(`mkfs.${fsType}`, makeArgs(fsType, device), formatTimeoutMs)
  if (exitCode !== 0) {
    return yield* refuse(`formatting disk ${device} as "${fsType}" failed: exit status ${exitCode}: ${stderr.trim()}`)
  }
})

/** What the check corrects is no matter; a disk that it cannot read at all shows in the mount. */
const check = Effect.fnUntraced(function*(device: string) {
  const { exitCode, stdout } = yield* run("fsck", ["-a", device], formatTimeoutMs).pipe(
    Effect.catchReason("ProcessError", "NotFound", () => Effect.succeed({ exitCode: 0, stdout: "", stderr: "" }))
  )
  if (exitCode === uncorrected) {
    return yield* refuse(`'fsck' found errors on device ${device} but could not correct them: ${stdout.trim()}`)
  }
})

export const mountDisk = Effect.fn("mountDisk")(function*(wish: DiskWish) {
  const mounts = yield* Mounts
  const { device, fsType, options, readOnly, target } = wish
  const found = yield* formatOf(device)
  if (found === "") {
    if (readOnly) return yield* refuse(`cannot mount unformatted disk ${device} as it is manipulated in read-only mode`)
    yield* format(wish)
  } else if (found !== fsType) {
    return yield* refuse(`failed to mount the volume as "${fsType}", it already contains ${found}`)
  } else if (!readOnly) yield* check(device)
  yield* mounts.mount({
    source: device,
    target,
    fsType,
    options: ["defaults", ...options, ...(readOnly ? ["ro"] : [])]
  })
})
