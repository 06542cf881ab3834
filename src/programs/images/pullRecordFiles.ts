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

/** The records below the root folder. What is no record, or not finished, is as if it were not there. */
export const pullRecordFiles = Effect.fnUntraced(function*(rootDir: string) {
  const files = yield* HostFiles
  const pulling = `${rootDir}/image_manager/pulling`
  const pulled = `${rootDir}/image_manager/pulled`

  const namesIn = (folder: string) =>
    files.readDirectory(folder).pipe(unlessGone, Effect.map((names = []) => names.filter(isRecordFile)))
  const readIn = (folder: string, file: string) => files.readText(`${folder}/${file}`).pipe(unlessGone)
  const write = Effect.fnUntraced(function*(folder: string, file: string, text: string) {
    yield* files.makeDirectory(folder, { recursive: true, mode: 0o700 })
    yield* files.writeFileAtomic(`${folder}/${file}`, text, { mode: 0o600 })
  })
  const remove = (folder: string, file: string) => files.removeFile(`${folder}/${file}`).pipe(unlessGone)
  const counted = Effect.gen(function*() {
    yield* Metric.update(intentsKept, (yield* namesIn(pulling)).length)
    yield* Metric.update(recordsKept, (yield* namesIn(pulled)).length)
  })

  return {
    intents: Effect.gen(function*() {
      const texts = yield* Effect.forEach(yield* namesIn(pulling), (file) => readIn(pulling, file))
      return texts.flatMap((text = "") => readIntent(text) ?? [])
    }),
    records: Effect.gen(function*() {
      const texts = yield* Effect.forEach(yield* namesIn(pulled), (file) => readIn(pulled, file))
      return texts.flatMap((text = "") => readRecord(text) ?? [])
    }),
    intended: Effect.fnUntraced(function*(image: string) {
      return readIntent((yield* readIn(pulling, recordFile(image))) ?? "") === image
    }),
    record: Effect.fnUntraced(function*(imageRef: string) {
      const record = readRecord((yield* readIn(pulled, recordFile(imageRef))) ?? "")
      return record?.imageRef === imageRef ? record : undefined
    }),
    intend: (image: string) => Effect.andThen(write(pulling, recordFile(image), intentText(image)), counted),
    forgetIntent: (image: string) => Effect.andThen(remove(pulling, recordFile(image)), counted),
    keep: (record: PulledRecord) =>
      Effect.andThen(write(pulled, recordFile(record.imageRef), recordText(record)), counted),
    forget: (imageRef: string) => Effect.andThen(remove(pulled, recordFile(imageRef)), counted)
  }
})
