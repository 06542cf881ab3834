/**
 * Gets to know the plugins that open sockets in the node's registry folder, and forgets those whose sockets go (parity
 * J1). A socket that was replaced is a plugin that started anew. Nothing is remembered between two lives of the agent:
 * sockets that are there are met again.
 */
import { Effect, FiberMap, Ref, Schedule, Stream } from "effect"
import { type PluginInfo, PluginRegistration } from "../../layers/csi/PluginRegistration.ts"
import { type HostFileError, HostFiles } from "../../layers/host/HostFiles.ts"
import * as Bell from "../Bell.ts"
import { supervise } from "../supervise.ts"
import { VolumeHost } from "../volumes/VolumeHost.ts"

/** What is done with the plugins of one type. */
export interface PluginHandler<R = never> {
  /** Why the plugin is refused; undefined when it is welcome. */
  readonly problem: (info: PluginInfo) => string | undefined
  /** Repeatable. */
  readonly register: (info: PluginInfo, endpoint: string) => Effect.Effect<void, { readonly message: string }, R>
  readonly deregister: (info: PluginInfo, endpoint: string) => Effect.Effect<void, { readonly message: string }, R>
}

/** The registry tells of its own sockets. Folders below it are watched by looking; there are rarely any. */
const lookMs = { withFolders: 10_000, without: 60_000 }
const retry = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("30 seconds")])

interface Seen {
  /** Path of each socket with what changes when it is replaced. */
  readonly sockets: Map<string, string>
  folders: number
}

/** Notes what is below a folder. Names with a dot in front are not meant yet. */
const look = (folder: string, seen: Seen): Effect.Effect<Seen, HostFileError, HostFiles> =>
  Effect.gen(function*() {
    const files = yield* HostFiles
    for (const name of yield* files.readDirectory(folder)) {
      if (name.startsWith(".")) continue
      const path = `${folder}/${name}`
      const stat = yield* files.lstat(path).pipe(
        Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(undefined))
      )
      if (stat?.type === "socket") seen.sockets.set(path, `${stat.ino}/${stat.mtimeMs}`)
      if (stat?.type !== "directory") continue
      seen.folders += 1
      yield* look(path, seen)
    }
    return seen
  })

interface Known {
  readonly mark: string
  readonly plugin: Ref.Ref<PluginInfo | undefined>
}

const endpointOf = (info: PluginInfo, socketPath: string): string => info.endpoint === "" ? socketPath : info.endpoint

/** Runs for ever. `handlers`: by type of plugin. */
export const pluginWatcher = <R>(handlers: ReadonlyMap<string, PluginHandler<R>>) =>
  Effect.gen(function*() {
    const files = yield* HostFiles
    const registration = yield* PluginRegistration
    const { rootDir } = yield* VolumeHost
    const folder = `${rootDir}/plugins_registry`
    const known = new Map<string, Known>()
    const fibers = yield* FiberMap.make<string, void>()

    const deregister = (info: PluginInfo, socketPath: string) =>
      handlers.get(info.type)?.deregister(info, endpointOf(info, socketPath)) ?? Effect.void

    const take = Effect.fnUntraced(function*(socketPath: string, plugin: Ref.Ref<PluginInfo | undefined>) {
      const info = yield* registration.info(socketPath)
      const before = yield* Ref.get(plugin)
      // Another plugin took the place of one, which did not start anew then but is gone.
      if (before !== undefined && (before.name !== info.name || before.type !== info.type)) {
        yield* deregister(before, socketPath)
        yield* Ref.set(plugin, undefined)
      }
      const handler = handlers.get(info.type)
      const problem = handler === undefined
        ? `no handler registered for plugin type: ${info.type} at socket ${socketPath}`
        : handler.problem(info)
      if (handler === undefined || problem !== undefined) {
        yield* Effect.logWarning(`plugin at ${socketPath} is refused: ${problem}`)
        return yield* registration.notify(socketPath, problem ?? "")
      }
      // From here on it is ours to forget, also when the plugin goes in the middle of this.
      yield* Ref.set(plugin, info)
      yield* handler.register(info, endpointOf(info, socketPath)).pipe(
        Effect.tapError(({ message }) => registration.notify(socketPath, message))
      )
      yield* registration.notify(socketPath, "")
      yield* Effect.logInfo(`registered the ${info.type} ${info.name} at ${socketPath}`)
    })

    const begin = Effect.fnUntraced(function*(socketPath: string, mark: string) {
      const before = known.get(socketPath)
      const plugin = before?.plugin ?? (yield* Ref.make<PluginInfo | undefined>(undefined))
      known.set(socketPath, { mark, plugin })
      const meet = take(socketPath, plugin).pipe(
        Effect.tapError((error) => Effect.logWarning(`cannot register the plugin at ${socketPath}`, error)),
        Effect.retry(retry),
        Effect.orDie
      )
      yield* FiberMap.run(fibers, socketPath, meet)
    })

    const forget = Effect.fnUntraced(function*(socketPath: string, { plugin }: Known) {
      known.delete(socketPath)
      const info = yield* Ref.get(plugin)
      if (info === undefined) return yield* FiberMap.remove(fibers, socketPath)
      const part = deregister(info, socketPath).pipe(
        Effect.tapError((error) => Effect.logWarning(`cannot deregister the plugin ${info.name}`, error)),
        Effect.retry(retry),
        Effect.orDie
      )
      yield* Effect.logInfo(`the plugin ${info.name} is gone from ${socketPath}`)
      yield* FiberMap.run(fibers, socketPath, part)
    })

    const round = Effect.gen(function*() {
      const { folders, sockets } = yield* look(folder, { sockets: new Map(), folders: 0 })
      for (const [path, plugin] of known) if (!sockets.has(path)) yield* forget(path, plugin)
      for (const [path, mark] of sockets) if (known.get(path)?.mark !== mark) yield* begin(path, mark)
      return folders > 0 ? lookMs.withFolders : lookMs.without
    })

    const told = yield* Bell.make
    const hear = Stream.runForEach(files.watch(folder), () => Bell.ring(told))
    const loop = Effect.forever(Effect.flatMap(round, (ms) => Bell.heardWithin(told, ms)))
    return yield* supervise("plugin watcher", Effect.all([hear, loop], { concurrency: "unbounded", discard: true }))
  }).pipe(Effect.scoped)
