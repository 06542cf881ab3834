/** The files of `PodRecord`s: one for each sandbox, below the agent's own folder. */
import { Effect, Result } from "effect"
import { decodeRecord, encodeRecord, type PodRecord } from "../../domain/cni/podRecord.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"

export const podRecords = (folder: string) =>
  Effect.map(HostFiles, (files) => {
    const pathOf = (containerId: string) => `${folder}/${containerId}.json`

    /** Undefined where there is none; one that cannot be read is told and kept for people to look at. */
    const readAt = Effect.fnUntraced(function*(path: string) {
      const text = yield* files.readText(path).pipe(
        Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(""))
      )
      if (text === "") return undefined
      const record = decodeRecord(text)
      if (Result.isSuccess(record)) return record.success
      yield* Effect.logWarning(`cannot read ${path}: ${record.failure}`)
      return undefined
    })

    return {
      read: (containerId: string) => readAt(pathOf(containerId)),
      write: (record: PodRecord) =>
        files.makeDirectory(folder, { recursive: true, mode: 0o700 }).pipe(
          Effect.andThen(files.writeFileAtomic(pathOf(record.containerId), encodeRecord(record), { mode: 0o600 }))
        ),
      remove: (containerId: string) =>
        files.removeFile(pathOf(containerId)).pipe(
          Effect.catchReason("HostFileError", "NotFound", () => Effect.void)
        ),
      isEmpty: Effect.map(files.exists(folder), (exists) => !exists),
      all: files.readDirectory(folder).pipe(
        Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed([])),
        Effect.flatMap((names) =>
          Effect.forEach(names.filter((name) => name.endsWith(".json")), (name) => readAt(`${folder}/${name}`))
        ),
        Effect.map((all) => all.filter((record) => record !== undefined))
      )
    }
  })

export type PodRecords = Effect.Success<ReturnType<typeof podRecords>>
