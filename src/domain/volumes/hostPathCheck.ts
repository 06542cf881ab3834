/** What a hostPath volume must find at its path, and what is made when it is missing (parity I4). */
import { Data } from "effect"

export type PathKind = "absent" | "directory" | "file" | "socket" | "charDevice" | "blockDevice"

export type HostPathVerdict = Data.TaggedEnum<{
  Fine: {}
  /** With mode 0755, parents too. */
  MakeDirectory: {}
  /** Empty, mode 0644, its directory must exist. */
  MakeFile: {}
  Refused: { readonly message: string }
}>
export const HostPathVerdict = Data.taggedEnum<HostPathVerdict>()

const refuse = (path: string, what: string) =>
  HostPathVerdict.Refused({ message: `hostPath type check failed: ${path} is not a ${what}` })

/** Anything but a directory passes for a file. */
const isFile = (found: PathKind): boolean => found !== "absent" && found !== "directory"

export const checkHostPath = (path: string, type: string, found: PathKind): HostPathVerdict => {
  if (path.split("/").includes("..")) {
    return HostPathVerdict.Refused({ message: `invalid HostPath \`${path}\`: must not contain '..'` })
  }
  switch (type) {
    case "":
      return HostPathVerdict.Fine()
    case "DirectoryOrCreate":
      if (found === "absent") return HostPathVerdict.MakeDirectory()
      return found === "directory" ? HostPathVerdict.Fine() : refuse(path, "directory")
    case "Directory":
      return found === "directory" ? HostPathVerdict.Fine() : refuse(path, "directory")
    case "FileOrCreate":
      if (found === "absent") return HostPathVerdict.MakeFile()
      return isFile(found) ? HostPathVerdict.Fine() : refuse(path, "file")
    case "File":
      return isFile(found) ? HostPathVerdict.Fine() : refuse(path, "file")
    case "Socket":
      return found === "socket" ? HostPathVerdict.Fine() : refuse(path, "socket file")
    case "CharDevice":
      return found === "charDevice" ? HostPathVerdict.Fine() : refuse(path, "character device")
    case "BlockDevice":
      return found === "blockDevice" ? HostPathVerdict.Fine() : refuse(path, "block device")
    default:
      return HostPathVerdict.Refused({ message: `${type} is an invalid volume type` })
  }
}
