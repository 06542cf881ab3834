/** Where the container runtime has its network configuration and plugins, as it says itself. */
import { Result } from "effect"
import { isObject, parseJson, textOf } from "./json.ts"

export interface CniFolders {
  readonly confDir: string
  readonly binDirs: ReadonlyArray<string>
}

/**
 * `info` of the runtime's verbose status: containerd has its configuration there, with one plugin folder before 2.1 and
 * several since. Undefined for a runtime that does not tell.
 */
export const runtimeFolders = (info: Readonly<Record<string, string>>): CniFolders | undefined => {
  const config = Result.getOrUndefined(parseJson(info["config"] ?? ""))
  const cni = isObject(config) ? config["cni"] : undefined
  if (!isObject(cni)) return undefined
  const several = Array.isArray(cni["binDirs"]) ? cni["binDirs"].filter((dir) => typeof dir === "string") : []
  const binDirs = [...several, textOf(cni["binDir"])].filter((dir) => dir !== "")
  const confDir = textOf(cni["confDir"])
  return confDir === "" || binDirs.length === 0 ? undefined : { confDir, binDirs: [...new Set(binDirs)] }
}
