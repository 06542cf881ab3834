/** The folder of network configurations as runtimes read it: files in order of their names, the first one counts. */
import { Result } from "effect"
import { isObject, textOf } from "./json.ts"
import { type NetworkConfigError, type NetworkList, type NetworkPlugin } from "./networkList.ts"

export interface ReadNetwork {
  readonly path: string
  readonly network: Result.Result<NetworkList, NetworkConfigError>
}

/** The type of the plugin that our own list has: the shim. */
export const shimType = "kubeffect"

export const isShimList = (list: NetworkList): boolean => list.plugins.every(({ type }) => type === shimType)

export interface NetworkChoice {
  /** The network of pods; undefined when there is none. */
  readonly chosen: NetworkList | undefined
  /** What keeps a network from being chosen, or from being the right one: for people. */
  readonly problems: ReadonlyArray<string>
}

/** A runtime stops at the first file that it cannot read: what comes after one is not chosen. */
export const chooseNetwork = (folder: string, files: ReadonlyArray<ReadNetwork>): NetworkChoice => {
  const first = files.find(({ network }) => Result.isFailure(network) || !isShimList(network.success))
  if (first === undefined) return { chosen: undefined, problems: [`no network configuration in ${folder}`] }
  return Result.match(first.network, {
    onFailure: (error) => ({ chosen: undefined, problems: [error.message] }),
    onSuccess: (chosen) => ({ chosen, problems: [] })
  })
}

/** The programs that a plugin needs: its own, and the one it has addresses from. */
export const programsOf = ({ fields, type }: NetworkPlugin): ReadonlyArray<string> => {
  const ipam = isObject(fields["ipam"]) ? textOf(fields["ipam"]["type"]) : ""
  return ipam === "" ? [type] : [type, ipam]
}

/** Told when a program that the network needs is in none of its folders. */
export const missingProgram = (list: NetworkList, program: string, folders: ReadonlyArray<string>): string =>
  `plugin ${program}, which ${list.source} needs, is not installed in ${folders.join(", ")}`
