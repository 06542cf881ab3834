/** The files that the agent itself shows in a volume: read what lies there, plan the difference, write it (parity I5). */
import { Clock, Effect, Random } from "effect"
import { dataLink, directoryName, planWrite, WriteStep, type WrittenVolume } from "../../domain/volumes/atomicWriter.ts"
import type { Payload } from "../../domain/volumes/payload.ts"
import { type HostFileError, HostFiles } from "../../layers/host/HostFiles.ts"

/** Files below a directory by relative path; links and other kinds are never written there by us. */
const readFiles = (
  directory: string,
  prefix = ""
): Effect.Effect<ReadonlyArray<readonly [string, Uint8Array]>, HostFileError, HostFiles> =>
  Effect.gen(function*() {
    const files = yield* HostFiles
    const found: Array<readonly [string, Uint8Array]> = []
    for (const name of yield* files.readDirectory(directory)) {
      const path = `${directory}/${name}`
      if ((yield* files.lstat(path)).type === "directory") found.push(...(yield* readFiles(path, `${prefix}${name}/`)))
      else found.push([`${prefix}${name}`, yield* files.readFile(path)])
    }
    return found
  })

const readVolume = Effect.fnUntraced(function*(path: string) {
  const files = yield* HostFiles
  const absent = () => Effect.succeed(undefined)
  const entries = yield* files.readDirectory(path)
  const current = yield* files.readLink(`${path}/${dataLink}`).pipe(
    Effect.map((target): string | undefined => target),
    Effect.catchReason("HostFileError", "NotFound", absent)
  )
  const written: WrittenVolume = {
    entries,
    current,
    files: current === undefined ? undefined : yield* readFiles(`${path}/${current}`).pipe(
      Effect.map((found): ReadonlyMap<string, Uint8Array> | undefined => new Map(found)),
      Effect.catchReason("HostFileError", "NotFound", absent)
    )
  }
  return written
})

const run = (volume: string, step: WriteStep) =>
  Effect.flatMap(HostFiles, (files) =>
    WriteStep.$match(step, {
      MakeDirectory: ({ gid, mode, path }) =>
        gid === undefined
          ? files.makeDirectory(`${volume}/${path}`, { mode })
          : files.makeDirectory(`${volume}/${path}`).pipe(
            Effect.andThen(files.chown(`${volume}/${path}`, { gid })),
            Effect.andThen(files.chmod(`${volume}/${path}`, mode))
          ),
      WriteFile: ({ content, gid, mode, path, uid }) =>
        files.writeFile(`${volume}/${path}`, content, {
          mode,
          ...(uid === undefined ? {} : { uid }),
          ...(gid === undefined ? {} : { gid })
        }),
      Link: ({ path, target }) => files.symlink(target, `${volume}/${path}`),
      Rename: ({ from, to }) => files.rename(`${volume}/${from}`, `${volume}/${to}`),
      Remove: ({ path }) => files.removeTree(`${volume}/${path}`)
    }))

/** Makes the payload what a reader of `path` sees; nothing is written when it is that already. */
export const writeContent = Effect.fn("writeContent")(function*(
  path: string,
  payload: Payload,
  fsGroup: number | undefined
) {
  const written = yield* readVolume(path)
  const dice = yield* Random.nextIntBetween(1_000_000_000, 4_294_967_295)
  const newDirectory = directoryName(yield* Clock.currentTimeMillis, dice)
  const plan = planWrite(written, payload, { newDirectory, fsGroup })
  yield* Effect.forEach(plan.steps, (step) => run(path, step), { discard: true })
  return plan.changed
})
