/**
 * CNI by running the plugins' programs. Each run has a deadline; at its end, and when the caller is interrupted, the
 * program and what it started are killed.
 */
import { Effect, Layer } from "effect"
import { join } from "node:path"
import { HostFiles } from "../host/HostFiles.ts"
import { Processes } from "../host/Processes.ts"
import { Cni } from "./Cni.ts"
import { attachmentRecords } from "./live/attachmentRecords.ts"
import { networkVerbs } from "./live/networkVerbs.ts"
import { checkAttachment, pluginRun, pluginVersions } from "./live/runPlugin.ts"

export interface CniLiveOptions {
  /** Folders of plugins, searched in order. */
  readonly binDirs: ReadonlyArray<string>
  /** Where attachments are put on record, in a folder `results`. */
  readonly cacheDir: string
  /** Of one run of one plugin. */
  readonly timeoutMs?: number
  /** Where plugins find programs of their own: iptables and such. The agent's when absent. */
  readonly path?: string
  /** Kills plugins that an agent before this one has left running: it was killed, and nobody waits for their word. */
  readonly endEarlierRuns?: boolean
}

/** As long as runtimes wait for a whole sandbox; a plugin that takes a lease from a slow server needs seconds. */
const defaultTimeoutMs = 60_000

/** Variable by which plugins of ours are known among the processes of the machine. */
const marker = "KUBEFFECT_CNI_CACHE"

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

const make = (options: CniLiveOptions) =>
  Effect.gen(function*() {
    const processes = yield* Processes
    const files = yield* HostFiles
    if (options.endEarlierRuns === true) yield* endEarlierRuns(files, processes, `${marker}=${options.cacheDir}`)
    const runPlugin = pluginRun({
      files,
      processes,
      binDirs: options.binDirs,
      timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
      env: { PATH: options.path ?? process.env["PATH"] ?? defaultPath, [marker]: options.cacheDir }
    })
    const records = attachmentRecords(files, join(options.cacheDir, "results"))
    return Cni.of(networkVerbs({ runPlugin, checked: checkAttachment, versions: pluginVersions(runPlugin), records }))
  })

/** Whatever has the variable in its environment; what ends or hides while we look is none. */
const endEarlierRuns = Effect.fnUntraced(
  function*(files: HostFiles["Service"], processes: Processes["Service"], variable: string) {
    const pids = (yield* Effect.orElseSucceed(files.readDirectory("/proc"), () => [])).filter((name) =>
      /^\d+$/.test(name)
    )
    yield* Effect.forEach(pids, (pid) =>
      Effect.gen(function*() {
        const environment = yield* files.readText(`/proc/${pid}/environ`)
        if (!environment.split("\0").includes(variable)) return
        yield* Effect.logInfo(`ending plugin ${pid}, which an earlier agent has left running`)
        yield* processes.kill(Number(pid), "SIGKILL")
      }).pipe(Effect.orElseSucceed(() => undefined)), { discard: true })
  }
)

export const layer = (options: CniLiveOptions): Layer.Layer<Cni, never, HostFiles | Processes> =>
  Layer.effect(Cni, make(options))
