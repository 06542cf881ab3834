/**
 * How a volume's files are replaced so that a reader never sees a part (parity I5): a new directory beside the old one,
 * then one rename of the link `..data`. The names users see are links into `..data` and stay what they are. Every step
 * may be the last one before a crash: the next plan takes up what it finds.
 */
import { Data } from "effect"
import { groupMode } from "./ownership.ts"
import type { Payload } from "./payload.ts"

/** Steps on paths relative to the volume, in order. */
export type WriteStep = Data.TaggedEnum<{
  MakeDirectory: { readonly path: string; readonly mode: number; readonly gid: number | undefined }
  WriteFile: {
    readonly path: string
    readonly content: Uint8Array
    readonly mode: number
    readonly uid: number | undefined
    readonly gid: number | undefined
  }
  Link: { readonly path: string; readonly target: string }
  Rename: { readonly from: string; readonly to: string }
  Remove: { readonly path: string }
}>
export const WriteStep = Data.taggedEnum<WriteStep>()

export const dataLink = "..data"
const newDataLink = "..data_tmp"

/** The volume as it lies there. */
export interface WrittenVolume {
  /** All names in the volume's directory. */
  readonly entries: ReadonlyArray<string>
  /** Where `..data` leads; undefined without it. */
  readonly current: string | undefined
  /** Contents below `current`, by relative path; undefined when they could not all be read. */
  readonly files: ReadonlyMap<string, Uint8Array> | undefined
}

export interface WritePlan {
  readonly steps: ReadonlyArray<WriteStep>
  /** The files a reader sees change. */
  readonly changed: boolean
}

const sameBytes = (one: Uint8Array, other: Uint8Array): boolean =>
  one.byteLength === other.byteLength && one.every((byte, index) => byte === other[index])

const isCurrent = ({ files }: WrittenVolume, payload: Payload): boolean =>
  files !== undefined && files.size === payload.size && [...payload].every(([path, { content }]) => {
    const written = files.get(path)
    return written !== undefined && sameBytes(written, content)
  })

const topName = (path: string): string => path.split("/")[0] ?? path

/** Directories of all files, outer before inner. */
const directoriesOf = (payload: Payload): ReadonlyArray<string> => {
  const all = new Set<string>()
  for (const path of payload.keys()) {
    const names = path.split("/").slice(0, -1)
    names.forEach((_, index) => all.add(names.slice(0, index + 1).join("/")))
  }
  return [...all].sort()
}

const write = (payload: Payload, directory: string, gid: number | undefined): ReadonlyArray<WriteStep> => {
  const modeOf = (mode: number, isDirectory: boolean) =>
    gid === undefined ? mode : groupMode(mode, { directory: isDirectory, readOnly: true })
  return [
    ...[directory, ...directoriesOf(payload).map((path) => `${directory}/${path}`)].map((path) =>
      WriteStep.MakeDirectory({ path, mode: modeOf(0o755, true), gid })
    ),
    ...[...payload].map(([path, { content, mode, uid }]) =>
      WriteStep.WriteFile({ path: `${directory}/${path}`, content, mode: modeOf(mode, false), uid, gid })
    )
  ]
}

/** `newDirectory` must be a name not in use that begins with `..`. */
export const planWrite = (
  written: WrittenVolume,
  payload: Payload,
  options: { readonly newDirectory: string; readonly fsGroup: number | undefined }
): WritePlan => {
  const { newDirectory } = options
  const changed = !isCurrent(written, payload)
  const wanted = [...new Set([...payload.keys()].map(topName))].sort()
  const visible = written.entries.filter((name) => !name.startsWith(".."))
  const current = changed ? newDirectory : written.current
  // What a crash left: a link never renamed, and directories that nothing leads to.
  const before = written.entries.filter((name) =>
    name.startsWith("..") && name !== dataLink && name !== written.current
  )
  return {
    changed,
    steps: [
      ...before.map((path) => WriteStep.Remove({ path })),
      ...(changed
        ? [
          ...write(payload, newDirectory, options.fsGroup),
          WriteStep.Link({ path: newDataLink, target: newDirectory }),
          WriteStep.Rename({ from: newDataLink, to: dataLink })
        ]
        : []),
      ...wanted.filter((name) => !visible.includes(name)).map((name) =>
        WriteStep.Link({ path: name, target: `${dataLink}/${name}` })
      ),
      ...visible.filter((name) => !wanted.includes(name)).map((path) => WriteStep.Remove({ path })),
      ...(written.current !== undefined && written.current !== current
        ? [WriteStep.Remove({ path: written.current })]
        : [])
    ]
  }
}

const two = (value: number): string => String(value).padStart(2, "0")

/** `..2006_01_02_15_04_05.<digits>`, UTC. */
export const directoryName = (nowMs: number, dice: number): string => {
  const at = new Date(nowMs)
  const date = [at.getUTCFullYear(), two(at.getUTCMonth() + 1), two(at.getUTCDate())]
  const time = [two(at.getUTCHours()), two(at.getUTCMinutes()), two(at.getUTCSeconds())]
  return `..${[...date, ...time].join("_")}.${dice}`
}
