/** Reads a folder of network configurations. */
import { Effect, Result } from "effect"
import {
  chooseNetwork,
  missingProgram,
  type NetworkChoice,
  programsOf,
  type ReadNetwork
} from "../../domain/cni/networkFolder.ts"
import {
  addedPluginsFolder,
  type ConfigFile,
  isConfigName,
  NetworkConfigError,
  type NetworkList,
  parseNetwork
} from "../../domain/cni/networkList.ts"
import type { CniFolders } from "../../domain/cni/runtimeFolders.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"

/** The names of a folder that is there; none of one that is not. */
const namesIn = Effect.fnUntraced(function*(folder: string) {
  const files = yield* HostFiles
  return yield* files.readDirectory(folder).pipe(
    Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed([]))
  )
})

const readAll = Effect.fnUntraced(function*(folder: string, isWanted: (name: string) => boolean) {
  const files = yield* HostFiles
  const names = (yield* namesIn(folder)).filter(isWanted)
  return yield* Effect.forEach(names, (name) => {
    const path = `${folder}/${name}`
    return Effect.map(files.readText(path), (text): ConfigFile => ({ path, text }))
  })
})

/** Every network of the folder, in the order of runtimes; with what is wrong with a file in its place. */
export const readNetworks = Effect.fn("readNetworks")(function*(folder: string) {
  const found = yield* readAll(folder, isConfigName)
  return yield* Effect.forEach(found, (file) =>
    Effect.gen(function*() {
      const name = addedPluginsFolder(file)
      const added = name === "" ? [] : yield* readAll(`${folder}/${name}`, (each) => each.endsWith(".conf"))
      return { path: file.path, network: parseNetwork(file, added) }
    }).pipe(
      Effect.catch((error) =>
        Effect.succeed({
          path: file.path,
          network: Result.fail(new NetworkConfigError({ source: file.path, detail: error.message }))
        })
      )
    ))
})

/** The programs of a network that are in none of the folders. */
export const missingPrograms = Effect.fn("missingPrograms")(
  function*(list: NetworkList, binDirs: ReadonlyArray<string>) {
    const files = yield* HostFiles
    const wanted = [...new Set(list.plugins.flatMap(programsOf))]
    return yield* Effect.filter(wanted, (program) =>
      Effect.map(
        Effect.forEach(binDirs, (folder) => files.exists(`${folder}/${program}`)),
        (found) => !found.includes(true)
      ))
  }
)

export interface NetworkSurvey extends NetworkChoice {
  readonly files: ReadonlyArray<ReadNetwork>
  readonly missing: ReadonlyArray<string>
}

/** The folder, the network it makes and what that lacks. */
export const surveyNetworks = Effect.fn("surveyNetworks")(function*({ binDirs, confDir }: CniFolders) {
  const files = yield* readNetworks(confDir)
  const { chosen, problems } = chooseNetwork(confDir, files)
  if (chosen === undefined) return { files, chosen, problems, missing: [] }
  const missing = yield* missingPrograms(chosen, binDirs)
  return {
    files,
    chosen: { ...chosen, binDirs },
    missing,
    problems: [...problems, ...missing.map((program) => missingProgram(chosen, program, binDirs))]
  }
})
