/** Drops the record of a dead container together with the files of its log (parity G3, D15). */
import { Effect } from "effect"
import { filesOfLog } from "../../domain/gc/strayLogs.ts"
import { Cri } from "../../layers/cri/Cri.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"

/** The live file of the log and the rotated ones. */
const removeLog = Effect.fnUntraced(function*(logPath: string) {
  const files = yield* HostFiles
  const slash = logPath.lastIndexOf("/")
  if (slash <= 0) return
  const folder = logPath.slice(0, slash)
  const names = yield* files.readDirectory(folder)
  yield* Effect.forEach(
    filesOfLog(names, logPath.slice(slash + 1)),
    (name) => Effect.catchReason(files.removeFile(`${folder}/${name}`), "HostFileError", "NotFound", () => Effect.void),
    { discard: true }
  )
}, (effect) => Effect.catchReason(effect, "HostFileError", "NotFound", () => Effect.void))

/** The log goes first: the record is what remembers where it is. What is gone already is a success. */
export const removeContainer = Effect.fn("removeContainer")(
  function*(containerId: string) {
    const cri = yield* Cri
    const { status } = yield* cri.containerStatus({ containerId })
    yield* removeLog(status?.logPath ?? "")
    yield* cri.removeContainer({ containerId })
  },
  (effect) => Effect.catchReason(effect, "CriError", "NotFound", () => Effect.void)
)
