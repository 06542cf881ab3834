/** Removes the log folders of pods that are gone, and links of logs that are gone (parity G3, D15). */
import { Effect } from "effect"
import { deadLinks, strayLogFolders } from "../../domain/gc/strayLogs.ts"
import { labelPodUid } from "../../domain/runtime/labels.ts"
import { ContainerState, Cri } from "../../layers/cri/Cri.ts"
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

/** `isWanted` says of a pod's UID that the node is to run the pod. What the runtime still holds keeps its logs, too. */
export const removeStrayLogs = Effect.fn("removeStrayLogs")(function*(isWanted: (uid: string) => boolean) {
  const files = yield* HostFiles
  const cri = yield* Cri
  const { containerLogsDir, podLogsDir } = yield* AgentConfig
  // Before the runtime is asked: a folder made after that belongs to a pod that the answer may not know.
  const folders = yield* namesIn(podLogsDir)
  const sandboxes = yield* cri.listPodSandbox({})
  const held = new Set(sandboxes.items.map(({ labels }) => labels[labelPodUid] ?? ""))
  const stray = strayLogFolders(folders, (uid) => isWanted(uid) || held.has(uid))
  yield* Effect.forEach(stray, (folder) => files.removeTree(`${podLogsDir}/${folder}`), { discard: true })

  const names = yield* namesIn(containerLogsDir)
  const leads = yield* files.statAll(names.map((name) => `${containerLogsDir}/${name}`))
  const doubtful = names.filter((_, index) => leads[index] === undefined)
  const links = yield* Effect.forEach(doubtful, (name) => readLinkAt(containerLogsDir, name))
  const { containers } = yield* cri.listContainers({})
  const running = containers.filter(({ state }) => state === ContainerState.CONTAINER_RUNNING).map(({ id }) => id)
  yield* Effect.forEach(
    deadLinks(links.filter((link) => link !== undefined), running),
    (name) => files.removeFile(`${containerLogsDir}/${name}`),
    { discard: true }
  )
})
