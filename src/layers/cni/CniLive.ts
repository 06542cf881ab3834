/**
 * CNI by running the plugins' programs. Each run has a deadline; at its end, and when the caller is interrupted, the
 * program and what it started are killed.
 */
import { Effect, Layer, Result } from "effect"
import { join } from "node:path"
import {
  attachmentProblem,
  type CniVerb,
  pluginEnv,
  type PluginInput,
  pluginStdin
} from "../../domain/cni/execution.ts"
import type { Attachment } from "../../domain/cni/execution.ts"
import { parseRefusal, refusalReason, refusalText } from "../../domain/cni/failure.ts"
import { excerpt, isObject, parseJson } from "../../domain/cni/json.ts"
import { Permanent, Retryable, Uncertain } from "../../domain/failure.ts"
import { HostFiles } from "../host/HostFiles.ts"
import { type ProcessError, Processes } from "../host/Processes.ts"
import { Cni, CniError } from "./Cni.ts"
import { attachmentRecords } from "./live/attachmentRecords.ts"
import { networkVerbs, type PluginRun } from "./live/networkVerbs.ts"

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

type Call = Omit<PluginInput, "plugin"> & { readonly attachment?: Attachment }

/** What every error of one run has in common. */
const about = (verb: CniVerb, type: string, call: Call) => ({
  op: verb,
  network: call.list.name,
  source: call.list.source,
  plugin: type,
  target: call.attachment?.containerId ?? "",
  code: 0,
  stderr: ""
})

const make = (options: CniLiveOptions) =>
  Effect.gen(function*() {
    const processes = yield* Processes
    const files = yield* HostFiles
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs
    const path = options.path ?? process.env["PATH"] ?? defaultPath

    const foldersOf = ({ list }: Call) => list.binDirs ?? options.binDirs

    const programOf = Effect.fnUntraced(function*(verb: CniVerb, type: string, call: Call) {
      for (const folder of foldersOf(call)) {
        const program = join(folder, type)
        const found = yield* Effect.result(files.stat(program))
        if (Result.isSuccess(found) && found.success.type === "file" && (found.success.mode & 0o111) !== 0) {
          return program
        }
      }
      return yield* new CniError({
        ...about(verb, type, call),
        fault: "PluginMissing",
        // Someone may be about to install it.
        reason: new Retryable({}),
        detail: `there is no program ${type} in ${foldersOf(call).join(", ")}`
      })
    })

    const notRun = (verb: CniVerb, type: string, call: Call) => (error: ProcessError) => {
      const { cause, detail, reason } = error
      const fault = reason._tag === "Uncertain" ? "Killed" : reason._tag === "Permanent" ? "Garbage" : "NotStarted"
      const said = fault === "Killed" ? "was killed before it had ended" : detail
      return new CniError({ ...about(verb, type, call), fault, reason, detail: said, cause })
    }

    /** Runs one plugin; gives what it printed, undefined when that was nothing. */
    const runPlugin: PluginRun = Effect.fnUntraced(function*(verb, plugin, call) {
      const { type } = plugin
      const program = yield* programOf(verb, type, call)
      const { exitCode, stderr, stdout } = yield* processes.run({
        command: program,
        args: [],
        env: { ...pluginEnv(verb, foldersOf(call), call.attachment), PATH: path, [marker]: options.cacheDir },
        stdin: pluginStdin({ ...call, plugin }),
        // Ours comes first, and says what it was.
        timeoutMs: timeoutMs * 2
      }).pipe(
        Effect.mapError(notRun(verb, type, call)),
        Effect.timeoutOrElse({
          duration: timeoutMs,
          orElse: () =>
            Effect.fail(
              new CniError({
                ...about(verb, type, call),
                fault: "TimedOut",
                reason: new Uncertain(),
                detail: `did not end within ${timeoutMs} ms and was killed`
              })
            )
        })
      )
      if (exitCode === 0) return stdout.trim() === "" ? undefined : yield* printed(verb, type, call, { stderr, stdout })
      const refusal = parseRefusal(stdout)
      if (refusal === undefined) {
        return yield* new CniError({
          ...about(verb, type, call),
          fault: "Garbage",
          reason: new Uncertain(),
          detail: `ended with ${exitCode} and no CNI error; stdout: "${excerpt(stdout)}"; stderr: "${
            excerpt(stderr, 300)
          }"`,
          stderr
        })
      }
      return yield* new CniError({
        ...about(verb, type, call),
        fault: "Refused",
        reason: refusalReason(refusal.code),
        code: refusal.code,
        detail: refusalText(refusal, stderr),
        stderr
      })
    })

    const printed = (
      verb: CniVerb,
      type: string,
      call: Call,
      output: { readonly stdout: string; readonly stderr: string }
    ) =>
      Effect.mapError(Effect.fromResult(parseJson(output.stdout)), (detail) =>
        new CniError({
          ...about(verb, type, call),
          fault: "Garbage",
          reason: new Uncertain(),
          detail: `its output cannot be read: ${detail}`,
          stderr: output.stderr
        }))

    const checked = (verb: CniVerb, list: Call["list"], attachment: Attachment) => {
      const problem = attachmentProblem(attachment)
      return problem === undefined ? Effect.void : Effect.fail(
        new CniError({
          ...about(verb, "", { list, version: "", attachment }),
          fault: "Refused",
          reason: new Permanent(),
          detail: problem
        })
      )
    }

    const versions = Effect.fn("Cni.versions")(function*(type: string, binDirs?: ReadonlyArray<string>) {
      const nowhere = { source: "", name: "", versions: [], disableCheck: false, disableGc: false, plugins: [] }
      const call = { list: binDirs === undefined ? nowhere : { ...nowhere, binDirs }, version: "1.0.0" }
      const answer = yield* runPlugin("VERSION", { type, capabilities: [], fields: {} }, call)
      const supported = isObject(answer) ? answer["supportedVersions"] : undefined
      if (Array.isArray(supported)) return supported.filter((version): version is string => typeof version === "string")
      return yield* new CniError({
        ...about("VERSION", type, call),
        fault: "Garbage",
        reason: new Uncertain(),
        detail: "it does not say which versions it supports"
      })
    })

    if (options.endEarlierRuns === true) yield* endEarlierRuns(files, processes, `${marker}=${options.cacheDir}`)
    const records = attachmentRecords(files, join(options.cacheDir, "results"))
    return Cni.of(networkVerbs({ runPlugin, checked, versions, records }))
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
