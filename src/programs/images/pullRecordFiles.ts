/** The files of image pulls: one for each that is under way, one for each image that was pulled (parity N7). */
import { Effect, Metric } from "effect"
import {
  intentText,
  isRecordFile,
  type PulledRecord,
  readIntent,
  readRecord,
  recordFile,
  recordText
} from "../../domain/images/pullRecords.ts"
import { type HostFileError, HostFiles } from "../../layers/host/HostFiles.ts"

const intentsKept = Metric.gauge("kubelet_imagemanager_ondisk_pullintents", {
  description: "Number of ImagePullIntents stored on disk."
})
const recordsKept = Metric.gauge("kubelet_imagemanager_ondisk_pulledrecords", {
  description: "Number of ImagePulledRecords stored on disk."
})

const unlessGone = <A>(call: Effect.Effect<A, HostFileError>): Effect.Effect<A | undefined, HostFileError> =>
  Effect.catchReason(call, "HostFileError", "NotFound", () => Effect.succeed(undefined))

/**
 * The records below the root folder. What is no record, or not finished, is as if it were not there. The agent alone
 * writes them, so each file is read once until `reread`; its caller keeps those apart who ask and change.
 */
export const pullRecordFiles = Effect.fnUntraced(function*(rootDir: string) {
  const files = yield* HostFiles
  const pulling = `${rootDir}/image_manager/pulling`
  const pulled = `${rootDir}/image_manager/pulled`
  const pathOf = (folder: string, image: string) => `${folder}/${recordFile(image)}`
  /** By path, undefined where there is no file. What could not be read or changed is asked for again. */
  const texts = new Map<string, string | undefined>()

  const read = (path: string) => files.readText(path).pipe(unlessGone)
  const known = Effect.fnUntraced(function*(path: string) {
    if (!texts.has(path)) texts.set(path, yield* read(path))
    return texts.get(path) ?? ""
  })
  const namesIn = (folder: string) =>
    files.readDirectory(folder).pipe(unlessGone, Effect.map((names = []) => names.filter(isRecordFile)))
  const readAll = (folder: string) =>
    Effect.flatMap(namesIn(folder), (names) => Effect.forEach(names, (name) => read(`${folder}/${name}`)))

  /** Goes on to the end when it is interrupted, or what was read meanwhile would be taken for the outcome. */
  const change = Effect.fnUntraced(function*(
    path: string,
    text: string | undefined,
    how: Effect.Effect<void, HostFileError>
  ) {
    texts.delete(path)
    yield* how
    texts.set(path, text)
    yield* Metric.update(intentsKept, (yield* namesIn(pulling)).length)
    yield* Metric.update(recordsKept, (yield* namesIn(pulled)).length)
  }, Effect.uninterruptible)
  const write = (folder: string, image: string, text: string) => {
    const path = pathOf(folder, image)
    const made = files.makeDirectory(folder, { recursive: true, mode: 0o700 })
    return change(path, text, Effect.andThen(made, files.writeFileAtomic(path, text, { mode: 0o600 })))
  }
  const remove = (folder: string, image: string) => {
    const path = pathOf(folder, image)
    return change(path, undefined, unlessGone(files.removeFile(path)))
  }

  return {
    intents: Effect.map(readAll(pulling), (all) => all.flatMap((text = "") => readIntent(text) ?? [])),
    records: Effect.map(readAll(pulled), (all) => all.flatMap((text = "") => readRecord(text) ?? [])),
    intended: (image: string) => Effect.map(known(pathOf(pulling, image)), (text) => readIntent(text) === image),
    record: (imageRef: string) =>
      Effect.map(known(pathOf(pulled, imageRef)), (text) => {
        const record = readRecord(text)
        return record?.imageRef === imageRef ? record : undefined
      }),
    intend: (image: string) => write(pulling, image, intentText(image)),
    forgetIntent: (image: string) => remove(pulling, image),
    keep: (record: PulledRecord) => write(pulled, record.imageRef, recordText(record)),
    forget: (imageRef: string) => remove(pulled, imageRef),
    /** Asks the files anew, and holds nothing about images that may be gone. */
    reread: Effect.sync(() => texts.clear())
  }
})
