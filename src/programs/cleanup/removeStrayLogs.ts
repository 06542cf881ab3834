/** Removes the log folders of pods that are gone, and links of logs that are gone (parity G3, D15). */
import { Effect } from "effect"
import { deadLinks, strayLogFolders } from "../../domain/gc/strayLogs.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { AgentConfig } from "../AgentConfig.ts"

/** Names in a folder, none when there is no such folder. */
const namesIn = Effect.fnUntraced(function*(folder: string) {
  const files = yield* HostFiles
  return yield* files.readDirectory(folder)
}, (effect) => Effect.catchReason(effect, "HostFileError", "NotFound", () => Effect.succeed<Array<string>>([])))

/** Undefined for what is no link. */
const readLinkAt = Effect.fnUntraced(function*(folder: string, name: string) {
  const files = yield* HostFiles
  const path = `${folder}/${name}`
  const { type } = yield* files.lstat(path)
  if (type !== "symlink") return undefined
  const leadsSomewhere = yield* Effect.as(files.stat(path), true).pipe(
    Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(false))
  )
  return { name, leadsSomewhere }
}, (effect) => Effect.catchReason(effect, "HostFileError", "NotFound", () => Effect.succeed(undefined)))

/** Folders of pods' logs, and links that may lead nowhere. */
export const logsThere = Effect.gen(function*() {
  const files = yield* HostFiles
  const { containerLogsDir, podLogsDir } = yield* AgentConfig
  const folders = yield* namesIn(podLogsDir)
  const names = yield* namesIn(containerLogsDir)
  const leads = yield* files.statAll(names.map((name) => `${containerLogsDir}/${name}`))
  const doubtful = names.filter((_, index) => leads[index] === undefined)
  const links = yield* Effect.forEach(doubtful, (name) => readLinkAt(containerLogsDir, name))
  return { folders, links: links.filter((link) => link !== undefined) }
})

export interface LogsAndHolders {
  readonly logs: Effect.Success<typeof logsThere>
  /** Pods that the runtime holds sandboxes of: asked after `logs`, so that no folder in there is of a pod too new for it. */
  readonly heldUids: ReadonlySet<string>
  readonly runningIds: ReadonlyArray<string>
}

/** `isWanted` says of a pod's UID that the node is to run the pod. What the runtime still holds keeps its logs, too. */
export const removeStrayLogs = Effect.fn("removeStrayLogs")(
  function*({ heldUids, logs, runningIds }: LogsAndHolders, isWanted: (uid: string) => boolean) {
    const files = yield* HostFiles
    const { containerLogsDir, podLogsDir } = yield* AgentConfig
    const stray = strayLogFolders(logs.folders, (uid) => isWanted(uid) || heldUids.has(uid))
    yield* Effect.forEach(stray, (folder) => files.removeTree(`${podLogsDir}/${folder}`), { discard: true })
    yield* Effect.forEach(
      deadLinks(logs.links, runningIds),
      (name) => files.removeFile(`${containerLogsDir}/${name}`),
      { discard: true }
    )
  }
)
