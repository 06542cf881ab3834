/** What a plugin's failure means: the error it prints, its code, and what a caller may do about it. */
import { type Failure, NotFound, Permanent, Retryable } from "../failure.ts"
import { excerpt, isObject, parseJson, textOf } from "./json.ts"

/** How a call of a plugin went wrong. */
export type CniFault =
  /** No program of that name in the plugin folders. */
  | "PluginMissing"
  /** It ran and said why it failed. */
  | "Refused"
  /** It ended with an error, or well, but printed nothing that could be read. */
  | "Garbage"
  /** It was killed at its deadline. */
  | "TimedOut"
  /** Somebody else killed it. */
  | "Killed"
  /** It could not be started. */
  | "NotStarted"
  /** The network, its plugins and we have no version in common. */
  | "NoCommonVersion"
  /** The files that the call needs could not be read or written. */
  | "Storage"

export interface PluginRefusal {
  readonly code: number
  readonly msg: string
  readonly details: string
}

/** The codes that the specification gives a meaning; those from 100 on are a plugin's own. */
const codeMeanings: Readonly<Record<number, string>> = {
  1: "incompatible CNI version",
  2: "unsupported field in network configuration",
  3: "container unknown or does not exist",
  4: "invalid necessary environment variables",
  5: "I/O failure",
  6: "failed to decode content",
  7: "invalid network config",
  11: "try again later",
  50: "the plugin is not available",
  51: "the plugin is not available, and existing containers may have limited connectivity"
}

export const codeMeaning = (code: number): string => Object.hasOwn(codeMeanings, code) ? codeMeanings[code] ?? "" : ""

/** Only what a change of the configuration or of the caller would cure is not worth trying again. */
export const refusalReason = (code: number): Failure => {
  if (code === 3) return new NotFound()
  return [1, 2, 4, 6, 7].includes(code) ? new Permanent() : new Retryable({})
}

/** What a plugin printed on standard output before it ended with an error; undefined when it is none of it. */
export const parseRefusal = (stdout: string): PluginRefusal | undefined => {
  const parsed = parseJson(stdout)
  if (parsed._tag === "Failure" || !isObject(parsed.success)) return undefined
  const { code, details, msg } = parsed.success
  return typeof code === "number" && code > 0 && typeof msg === "string"
    ? { code, msg, details: textOf(details) }
    : undefined
}

/** One line for people: what the plugin said, what its code means where it did not say it, and what it complained. */
export const refusalText = ({ code, details, msg }: PluginRefusal, stderr: string): string => {
  const meaning = codeMeaning(code)
  return [
    msg === "" ? meaning : msg,
    ...(details === "" || msg.includes(details) ? [] : [details]),
    ...(stderr.trim() === "" ? [] : [`stderr: ${excerpt(stderr, 300)}`])
  ].join("; ") + ` (code ${code}${meaning === "" || msg === "" ? "" : `, ${meaning}`})`
}
