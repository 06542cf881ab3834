/** The files in which attachments are on record: one for each container, interface and network. */
import { Effect, Result } from "effect"
import { join } from "node:path"
import {
  type CachedAttachment,
  cacheFileName,
  decodeCached,
  encodeCached
} from "../../../domain/cni/cachedAttachment.ts"
import type { Attachment, CniVerb } from "../../../domain/cni/execution.ts"
import type { NetworkList } from "../../../domain/cni/networkList.ts"
import { Retryable } from "../../../domain/failure.ts"
import type { HostFileError, HostFiles } from "../../host/HostFiles.ts"
import { CniError } from "../Cni.ts"

const failed = (op: CniVerb, network: string) => (cause: HostFileError) =>
  new CniError({
    op,
    network,
    source: cause.path,
    plugin: "",
    target: "",
    fault: "Storage",
    reason: new Retryable({}),
    code: 0,
    detail: cause.message,
    stderr: "",
    cause
  })

export const attachmentRecords = (files: HostFiles["Service"], folder: string) => {
  const pathOf = (list: NetworkList, attachment: Attachment) => join(folder, cacheFileName(list.name, attachment))
  const readAt = (path: string) => Effect.map(files.readText(path), decodeCached)

  return {
    write: (record: CachedAttachment, version: string) =>
      files.makeDirectory(folder, { recursive: true, mode: 0o700 }).pipe(
        Effect.andThen(
          files.writeFileAtomic(pathOf(record.list, record.attachment), encodeCached(record, version), { mode: 0o600 })
        ),
        Effect.mapError(failed("ADD", record.list.name))
      ),
    read: (op: CniVerb, list: NetworkList, attachment: Attachment) =>
      readAt(pathOf(list, attachment)).pipe(
        Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(undefined)),
        Effect.mapError(failed(op, list.name))
      ),
    remove: (list: NetworkList, attachment: Attachment) =>
      files.removeFile(pathOf(list, attachment)).pipe(
        Effect.catchReason("HostFileError", "NotFound", () => Effect.void),
        Effect.mapError(failed("DEL", list.name))
      ),
    all: files.readDirectory(folder).pipe(
      Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed([])),
      Effect.flatMap((names) =>
        Effect.forEach(names, (name) =>
          // One that goes while we look is none.
          Effect.map(Effect.result(readAt(join(folder, name))), Result.getOrUndefined))
      ),
      Effect.map((all) => all.filter((record) => record !== undefined)),
      Effect.mapError(failed("GC", ""))
    )
  }
}

export type AttachmentRecords = ReturnType<typeof attachmentRecords>
