/**
 * What to do with the files of a log that has grown too big (parity G6): the live file is moved aside under the time,
 * what was moved aside before is compressed, and of those as many stay as the limit allows.
 */

export interface LogFiles {
  /** Name of the live file, without its folder. */
  readonly log: string
  /** All names in its folder. */
  readonly siblings: ReadonlyArray<string>
}

export interface LogRotation {
  /** Left over from compressions that were cut short. */
  readonly remove: ReadonlyArray<string>
  /** Each becomes `<name>.gz`. */
  readonly compress: ReadonlyArray<string>
  /** Undefined where that name is taken: the clock went back, and another second will do. */
  readonly rotateTo: string | undefined
}

const compressed = ".gz"
const unfinished = ".tmp"

/** `20261101-101500`, UTC. */
const stamp = (nowMs: number): string =>
  new Date(nowMs).toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, "20261101-101500".length)

/** Where a file is compressed to before it takes its place: a part of it is never taken for the whole. */
export const compressingName = (name: string): string => `${name}${unfinished}`
export const compressedName = (name: string): string => `${name}${compressed}`

/** `maxFiles` counts the live file, the one that is moved aside now, and those that are compressed. */
export const logRotation = ({ log, siblings }: LogFiles, maxFiles: number, nowMs: number): LogRotation => {
  const rotated = siblings.filter((name) => name.startsWith(`${log}.`)).sort()
  const useless = rotated.filter((name) =>
    name.endsWith(unfinished) || (!name.endsWith(compressed) && rotated.includes(compressedName(name)))
  )
  const useful = rotated.filter((name) => !useless.includes(name))
  const excess = useful.slice(0, Math.max(0, useful.length - Math.max(0, maxFiles - 2)))
  const rotateTo = `${log}.${stamp(nowMs)}`
  return {
    remove: [...useless, ...excess],
    compress: useful.filter((name) => !excess.includes(name) && !name.endsWith(compressed)),
    rotateTo: rotated.some((name) => name.startsWith(rotateTo)) ? undefined : rotateTo
  }
}
