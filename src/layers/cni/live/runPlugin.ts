/** One run of one plugin's program: found, fed, bounded in time, and its end understood. */
import { Effect, Result } from "effect"
import { join } from "node:path"
import {
  type Attachment,
  attachmentProblem,
  type CniVerb,
  pluginEnv,
  type PluginInput,
  pluginStdin
} from "../../../domain/cni/execution.ts"
import { parseRefusal, refusalReason, refusalText } from "../../../domain/cni/failure.ts"
import { excerpt, isObject, parseJson } from "../../../domain/cni/json.ts"
import type { NetworkList } from "../../../domain/cni/networkList.ts"
import { Permanent, Retryable, Uncertain } from "../../../domain/failure.ts"
import type { HostFiles } from "../../host/HostFiles.ts"
import type { ProcessError, Processes, ProcessResult } from "../../host/Processes.ts"
import { CniError } from "../Cni.ts"
import type { PluginRun } from "./networkVerbs.ts"

export interface PluginRunner {
  readonly files: HostFiles["Service"]
  readonly processes: Processes["Service"]
  readonly binDirs: ReadonlyArray<string>
  readonly timeoutMs: number
  /** Variables besides those of the specification. */
  readonly env: Readonly<Record<string, string>>
}

type Call = Omit<PluginInput, "plugin"> & { readonly attachment?: Attachment }

/** Makes errors of one run. */
const errorsOf =
  (verb: CniVerb, type: string, call: Call) =>
  (rest: Partial<CniError> & Pick<CniError, "fault" | "reason" | "detail">): CniError =>
    new CniError({
      op: verb,
      network: call.list.name,
      source: call.list.source,
      plugin: type,
      target: call.attachment?.containerId ?? "",
      code: 0,
      stderr: "",
      ...rest
    })

type Errors = ReturnType<typeof errorsOf>

const programIn = Effect.fnUntraced(
  function*(files: HostFiles["Service"], folders: ReadonlyArray<string>, type: string, error: Errors) {
    for (const folder of folders) {
      const program = join(folder, type)
      const found = yield* Effect.result(files.stat(program))
      if (Result.isSuccess(found) && found.success.type === "file" && (found.success.mode & 0o111) !== 0) return program
    }
    return yield* error({
      fault: "PluginMissing",
      // Someone may be about to install it.
      reason: new Retryable({}),
      detail: `there is no program ${type} in ${folders.join(", ")}`
    })
  }
)

const notRun = (error: Errors) => ({ cause, detail, reason }: ProcessError) => {
  const fault = reason._tag === "Uncertain" ? "Killed" : reason._tag === "Permanent" ? "Garbage" : "NotStarted"
  return error({ fault, reason, detail: fault === "Killed" ? "was killed before it had ended" : detail, cause })
}

/** What it printed, undefined when that was nothing; or what its end means. */
const understood = ({ exitCode, stderr, stdout }: ProcessResult, error: Errors): Result.Result<unknown, CniError> => {
  const garbage = (detail: string) => error({ fault: "Garbage", reason: new Uncertain(), detail, stderr })
  if (exitCode === 0) {
    return stdout.trim() === ""
      ? Result.succeed(undefined)
      : Result.mapError(parseJson(stdout), (detail) => garbage(`its output cannot be read: ${detail}`))
  }
  const refusal = parseRefusal(stdout)
  if (refusal === undefined) {
    const said = `stdout: "${excerpt(stdout)}"; stderr: "${excerpt(stderr, 300)}"`
    return Result.fail(garbage(`ended with ${exitCode} and no CNI error; ${said}`))
  }
  const { code } = refusal
  const detail = refusalText(refusal, stderr)
  return Result.fail(error({ fault: "Refused", reason: refusalReason(code), code, detail, stderr }))
}

export const pluginRun = ({ binDirs, env, files, processes, timeoutMs }: PluginRunner): PluginRun =>
  Effect.fnUntraced(function*(verb, plugin, call) {
    const error = errorsOf(verb, plugin.type, call)
    const folders = call.list.binDirs ?? binDirs
    const command = yield* programIn(files, folders, plugin.type, error)
    const ended = yield* processes.run({
      command,
      args: [],
      env: { ...env, ...pluginEnv(verb, folders, call.attachment) },
      stdin: pluginStdin({ ...call, plugin }),
      // Ours comes first, and says what it was.
      timeoutMs: timeoutMs * 2
    }).pipe(
      Effect.mapError(notRun(error)),
      Effect.timeoutOrElse({
        duration: timeoutMs,
        orElse: () => {
          const detail = `did not end within ${timeoutMs} ms and was killed`
          return Effect.fail(error({ fault: "TimedOut", reason: new Uncertain(), detail }))
        }
      })
    )
    return yield* Effect.fromResult(understood(ended, error))
  })

/** Fails when the attachment must not be asked for. */
export const checkAttachment = (verb: CniVerb, list: NetworkList, attachment: Attachment) => {
  const detail = attachmentProblem(attachment)
  if (detail === undefined) return Effect.void
  const error = errorsOf(verb, "", { list, version: "", attachment })
  return Effect.fail(error({ fault: "Refused", reason: new Permanent(), detail }))
}

const nowhere: NetworkList = {
  source: "",
  name: "",
  versions: [],
  disableCheck: false,
  disableGc: false,
  plugins: []
}

export const pluginVersions = (run: PluginRun) =>
  Effect.fn("Cni.versions")(function*(type: string, binDirs?: ReadonlyArray<string>) {
    const call = { list: binDirs === undefined ? nowhere : { ...nowhere, binDirs }, version: "1.0.0" }
    const answer = yield* run("VERSION", { type, capabilities: [], fields: {} }, call)
    const supported = isObject(answer) ? answer["supportedVersions"] : undefined
    if (Array.isArray(supported)) return supported.filter((version): version is string => typeof version === "string")
    const detail = "it does not say which versions it supports"
    return yield* errorsOf("VERSION", type, call)({ fault: "Garbage", reason: new Uncertain(), detail })
  })
