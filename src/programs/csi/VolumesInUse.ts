/**
 * The attachable volumes that this node uses or is about to use. The attach controller detaches nothing that it sees
 * here, so a volume is told of before it is mounted and until it is unmounted for good (parity I16).
 */
import { Context, Effect, Layer, Stream, SubscriptionRef } from "effect"
import { csiDir, dataFile, uniqueName } from "../../domain/csi/csiPaths.ts"
import { parseVolumeData } from "../../domain/csi/volumeData.ts"
import { type HostFileError, HostFiles } from "../../layers/host/HostFiles.ts"
import { VolumeHost } from "../volumes/VolumeHost.ts"

export class VolumesInUse extends Context.Service<VolumesInUse, {
  readonly add: (name: string) => Effect.Effect<void>
  readonly remove: (name: string) => Effect.Effect<void>
  /** Sorted. */
  readonly names: Effect.Effect<ReadonlyArray<string>>
  /** The list now and whenever it is another one. */
  readonly changes: Stream.Stream<ReadonlyArray<string>>
  /** The API server shows these from now on. */
  readonly reported: (names: ReadonlyArray<string>) => Effect.Effect<void>
  /** Waits until the API server shows the volume as in use. */
  readonly untilReported: (name: string) => Effect.Effect<void>
}>()("kubeffect/programs/csi/VolumesInUse") {}

/** Directories below a path, none where it does not exist. */
const namesIn = Effect.fnUntraced(function*(path: string) {
  const files = yield* HostFiles
  // Asked every few seconds, and on most nodes the answer is no.
  if (!(yield* files.exists(path))) return []
  return yield* files.readDirectory(path).pipe(
    Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed<ReadonlyArray<string>>([])),
    Effect.catchIf(({ code }) => code === "ENOTDIR", () => Effect.succeed<ReadonlyArray<string>>([]))
  )
})

/** The folders that hold the data of staged volumes, whatever agent staged them. */
export const stagedFolders = Effect.fn("stagedFolders")(function*(rootDir: string) {
  const files = yield* HostFiles
  const found: Array<{ readonly directory: string; readonly driver: string; readonly handle: string }> = []
  for (const group of yield* namesIn(csiDir(rootDir))) {
    // Block volumes lie elsewhere, by other rules.
    if (group === "volumeDevices") continue
    for (const name of yield* namesIn(`${csiDir(rootDir)}/${group}`)) {
      const directory = `${csiDir(rootDir)}/${group}/${name}`
      const path = `${directory}/${dataFile}`
      if (!(yield* files.exists(path))) continue
      const data = parseVolumeData(yield* files.readText(path))
      if (data !== undefined) found.push({ directory, driver: data.driverName, handle: data.volumeHandle })
    }
  }
  return found
})

/** Block volumes that were set up, by the name of their PersistentVolume. */
export const stagedBlockVolumes = Effect.fn("stagedBlockVolumes")(function*(rootDir: string) {
  const files = yield* HostFiles
  const base = `${csiDir(rootDir)}/volumeDevices`
  const found: Array<{ readonly specName: string; readonly driver: string; readonly handle: string }> = []
  for (const specName of yield* namesIn(base)) {
    const path = `${base}/${specName}/data/${dataFile}`
    if (!(yield* files.exists(path))) continue
    const data = parseVolumeData(yield* files.readText(path))
    if (data !== undefined) found.push({ specName, driver: data.driverName, handle: data.volumeHandle })
  }
  return found
})

/**
 * Folders of volumes without the data that says what they are: an agent was killed while it made or removed them. They
 * are set up or empty by then, for the data comes first and goes last.
 */
export const namelessFolders = Effect.fn("namelessFolders")(function*(rootDir: string) {
  const files = yield* HostFiles
  const found: Array<string> = []
  const block = `${csiDir(rootDir)}/volumeDevices`
  for (const specName of yield* namesIn(block)) {
    if (specName === "staging" || specName === "publish") continue
    if (!(yield* files.exists(`${block}/${specName}/data/${dataFile}`))) found.push(`${block}/${specName}`)
  }
  for (const group of yield* namesIn(csiDir(rootDir))) {
    if (group === "volumeDevices") continue
    for (const name of yield* namesIn(`${csiDir(rootDir)}/${group}`)) {
      const directory = `${csiDir(rootDir)}/${group}/${name}`
      if (!(yield* files.exists(`${directory}/${dataFile}`))) found.push(directory)
    }
  }
  return found
})

/** Begins with what an earlier agent left mounted: it must not be detached while nobody remembers it. */
export const layer: Layer.Layer<VolumesInUse, HostFileError, HostFiles | VolumeHost> = Layer.effect(
  VolumesInUse,
  Effect.gen(function*() {
    const { rootDir } = yield* VolumeHost
    const left = [...(yield* stagedFolders(rootDir)), ...(yield* stagedBlockVolumes(rootDir))].map(uniqueName)
    const names = yield* SubscriptionRef.make<ReadonlyArray<string>>([...new Set(left)].sort())
    const shown = yield* SubscriptionRef.make<ReadonlySet<string>>(new Set())
    const change = (f: (all: ReadonlySet<string>) => ReadonlySet<string>) =>
      SubscriptionRef.update(names, (all) => {
        const next = [...f(new Set(all))].sort()
        return next.length === all.length && next.every((name, index) => name === all[index]) ? all : next
      })
    return VolumesInUse.of({
      add: (name) => change((all) => new Set([...all, name])),
      remove: (name) => change((all) => new Set([...all].filter((one) => one !== name))),
      names: SubscriptionRef.get(names),
      changes: Stream.changes(SubscriptionRef.changes(names)),
      reported: (all) => SubscriptionRef.set(shown, new Set(all)),
      untilReported: (name) =>
        SubscriptionRef.changes(shown).pipe(
          Stream.filter((all) => all.has(name)),
          Stream.take(1),
          Stream.runDrain
        )
    })
  })
)
