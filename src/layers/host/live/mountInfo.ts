/** Reads the text of /proc/self/mountinfo. */
import type { MountEntry } from "../Mounts.ts"

/** Spaces, tabs, newlines and backslashes stand as three octal digits. */
const unescape = (field: string): string =>
  field.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

const list = (field: string | undefined): ReadonlyArray<string> => (field === undefined ? [] : field.split(","))

const parseLine = (line: string): MountEntry | undefined => {
  const separator = line.indexOf(" - ")
  if (separator < 0) return undefined
  const [id, parentId, device, root, mountPoint, options, ...propagation] = line.slice(0, separator).split(" ")
  const [fsType, source, superOptions] = line.slice(separator + 3).split(" ")
  if (root === undefined || mountPoint === undefined || device === undefined || fsType === undefined) return undefined
  return {
    id: Number(id),
    parentId: Number(parentId),
    device,
    root: unescape(root),
    mountPoint: unescape(mountPoint),
    options: list(options),
    propagation: propagation.filter((field) => field !== ""),
    fsType,
    source: unescape(source ?? ""),
    superOptions: list(superOptions)
  }
}

export const parseMountInfo = (text: string): ReadonlyArray<MountEntry> =>
  text.split("\n").map(parseLine).filter((entry) => entry !== undefined)
