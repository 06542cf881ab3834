/**
 * The daemon's log on standard error, in the two forms of Kubernetes' components (parity T4): klog's text, which operators
 * and their tools know from every node, and JSON. Verbosity works as there: 0 to 3 is for operators, from 4 on for who
 * looks for a fault.
 */
import { Cause, Console, Layer, Logger, type LogLevel, References } from "effect"

/** One entry, whatever it will look like. */
export interface Entry {
  readonly severity: "I" | "W" | "E" | "F"
  readonly verbosity: number
  readonly date: Date
  readonly message: string
  readonly values: ReadonlyArray<readonly [key: string, value: string]>
}

interface Output {
  /** All but errors go to standard output. */
  readonly splitStream?: boolean
}

export interface LogSettings {
  readonly format: string
  readonly verbosity: number
  readonly vmodule?: ReadonlyArray<unknown>
  readonly options?: { readonly text: Output; readonly json: Output }
}

/** Replaces the loggers of Effect. Each line is written at once: there is nothing to flush. */
export const layer = ({ format, options, verbosity }: LogSettings): Layer.Layer<never> => {
  const isJson = format === "json"
  const split = (isJson ? options?.json : options?.text)?.splitStream ?? false
  const logger = Logger.make((logged) => {
    const entry = entryOf(logged, verbosity)
    const line = isJson ? jsonLine(entry) : textLine(entry, process.pid)
    const console = logged.fiber.getRef(Console.Console)
    if (split && entry.severity !== "E" && entry.severity !== "F") console.log(line)
    else console.error(line)
  })
  return Layer.merge(Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, levelFor(verbosity)))
}

/** What of the settings has no effect, to be said once. */
export const logWarnings = ({ vmodule = [] }: LogSettings): ReadonlyArray<string> =>
  vmodule.length === 0 ? [] : ["logging.vmodule has no effect: lines of the log do not say which file they are from"]

/** The least that is shown at a verbosity. */
export const levelFor = (verbosity: number): LogLevel.LogLevel =>
  verbosity >= 6 ? "Trace" : verbosity >= 4 ? "Debug" : "Info"

const severityOf = (level: LogLevel.LogLevel): Entry["severity"] =>
  level === "Fatal" ? "F" : level === "Error" ? "E" : level === "Warn" ? "W" : "I"

/** A failure is foreseen: its message says it all. A defect is not, and neither is what is looked for at verbosity 4. */
const causeText = (cause: Cause.Cause<unknown>, verbosity: number): string =>
  verbosity >= 4 || cause.reasons.some(({ _tag }) => _tag === "Die")
    ? Cause.pretty(cause)
    : cause.reasons.map((reason) => reason._tag === "Fail" ? textOf(reason.error) : "interrupted").join("; ")

const entryOf = (options: Logger.Options<unknown>, verbosity: number): Entry => {
  const parts = Array.isArray(options.message) ? options.message : [options.message]
  const [first, ...rest] = parts
  const annotations = Object.entries(options.fiber.getRef(References.CurrentLogAnnotations))
  return {
    severity: severityOf(options.logLevel),
    verbosity: options.logLevel === "Trace" ? 6 : options.logLevel === "Debug" ? 4 : 0,
    date: options.date,
    message: textOf(first),
    values: [
      ...annotations.map(([key, value]): readonly [string, string] => [key, textOf(value)]),
      ...rest.flatMap((part) => valuesOf(part, verbosity)),
      ...(options.cause.reasons.length === 0 ? [] : [["err", causeText(options.cause, verbosity)] as const])
    ]
  }
}

/** What was logged beside the message: failures as `err`, the fields of objects by their names. */
const valuesOf = (part: unknown, verbosity: number): ReadonlyArray<readonly [string, string]> => {
  if (Cause.isCause(part)) return [["err", causeText(part, verbosity)]]
  if (part instanceof Error) return [["err", part.message]]
  if (typeof part !== "object" || part === null || Array.isArray(part)) return [["value", textOf(part)]]
  return Object.entries(part).map(([key, value]) => [key, textOf(value)])
}

const textOf = (value: unknown): string => {
  if (typeof value === "string") return value
  if (value instanceof Error) return value.message
  return JSON.stringify(value) ?? String(value)
}

const pad = (value: number, digits: number): string => String(value).padStart(digits, "0")

/** `W1122 19:31:49.896000   12345 kubeffect] "message" key="value"`, in UTC. */
export const textLine = (entry: Entry, pid: number): string => {
  const { date } = entry
  const day = `${pad(date.getUTCMonth() + 1, 2)}${pad(date.getUTCDate(), 2)}`
  const time = date.toISOString().slice(11, 23)
  const values = entry.values.map(([key, value]) => ` ${key}=${JSON.stringify(value)}`).join("")
  const process = String(pid).padStart(7, " ")
  return `${entry.severity}${day} ${time}000 ${process} kubeffect] ${JSON.stringify(entry.message)}${values}`
}

/** As the JSON format of Kubernetes' components: errors have no `v`. */
export const jsonLine = (entry: Entry): string =>
  JSON.stringify({
    ts: entry.date.getTime(),
    caller: "kubeffect",
    msg: entry.message,
    ...(entry.severity === "E" || entry.severity === "F" ? {} : { v: entry.verbosity }),
    ...Object.fromEntries(entry.values)
  })
