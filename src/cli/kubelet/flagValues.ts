/**
 * From the text of a flag to the value it sets, with the rules of the kubelet's flags: a scalar given twice counts as its
 * last value, lists and maps given twice add up.
 */
import { Result } from "effect"
import { parseGoDuration } from "../../domain/kubeletConfig/goDuration.ts"
import type { FlagRow, FlagType } from "./flagTable.ts"

type Parsed = Result.Result<unknown, string>

/** The value of all the texts that a flag was given, in their order; there is at least one. */
export const flagValue = (row: FlagRow, texts: ReadonlyArray<string>): Parsed => {
  const whole = joined[row.type]
  if (whole !== undefined) {
    return Result.mapError(whole(texts), (why) => invalid(row, texts.join(","), why))
  }
  const last = texts.at(-1) ?? ""
  return Result.mapError(scalar(row.type, last), (why) => invalid(row, last, why))
}

const invalid = (row: FlagRow, text: string, why: string): string =>
  `invalid argument "${text}" for "--${row.name}" flag: ${why}`

const scalar = (type: FlagType, text: string): Parsed => {
  switch (type) {
    case "int":
      return /^[+-]?\d+$/.test(text) ? Result.succeed(Number(text)) : Result.fail("not a whole number")
    case "float":
      return text !== "" && Number.isFinite(Number(text)) ? Result.succeed(Number(text)) : Result.fail("not a number")
    case "duration":
      // The text itself, as a file would have it.
      return parseGoDuration(text) === undefined ? Result.fail("not a duration such as 1m30s") : Result.succeed(text)
    case "switch":
      return switchValue(text)
    default:
      return Result.succeed(text)
  }
}

const switchValue = (text: string): Result.Result<boolean, string> => {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return Result.succeed(true)
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return Result.succeed(false)
  return Result.fail("neither true nor false")
}

const items = (texts: ReadonlyArray<string>): ReadonlyArray<string> =>
  texts.flatMap((text) => text.split(",")).map((item) => item.trim()).filter((item) => item !== "")

/** Items `key<separator>value` as pairs. */
const pairs = (
  texts: ReadonlyArray<string>,
  separator: string
): Result.Result<ReadonlyArray<readonly [string, string]>, string> => {
  const found: Array<readonly [string, string]> = []
  for (const item of items(texts)) {
    const at = item.indexOf(separator)
    if (at <= 0) return Result.fail(`malformed pair, expect key${separator}value: "${item}"`)
    found.push([item.slice(0, at).trim(), item.slice(at + separator.length).trim()])
  }
  return Result.succeed(found)
}

const record = (found: ReadonlyArray<readonly [string, string]>): Record<string, string> => Object.fromEntries(found)

/** Labels as `key=value,…`. */
export const labelsOf = (texts: ReadonlyArray<string>): Result.Result<Record<string, string>, string> =>
  Result.map(pairs(texts, "="), record)

/** Taints as `key=value:effect,…`, in the form of the configuration's field. */
export const taintsOf = (texts: ReadonlyArray<string>): Parsed => collect(items(texts), taint)

/** The types whose repetitions add up. */
const joined: Partial<Record<FlagType, (texts: ReadonlyArray<string>) => Parsed>> = {
  list: (texts) => Result.succeed(items(texts)),
  map: labelsOf,
  thresholds: (texts) => Result.map(pairs(texts, "<"), record),
  switchMap: (texts) =>
    Result.flatMap(pairs(texts, "="), (found) => {
      const values: Record<string, boolean> = {}
      for (const [key, text] of found) {
        const value = switchValue(text)
        if (Result.isFailure(value)) return Result.fail(`${key}: ${value.failure}`)
        values[key] = value.success
      }
      return Result.succeed(values)
    }),
  headers: (texts) =>
    Result.map(pairs(texts, ":"), (found) => {
      const values: Record<string, Array<string>> = {}
      for (const [key, value] of found) (values[key] ??= []).push(value)
      return values
    }),
  taints: taintsOf,
  reservedMemory: (texts) => collect(texts, reservedMemory),
  vmodule: (texts) =>
    Result.flatMap(pairs(texts, "="), (found) =>
      collect(found, ([filePattern, level]) =>
        /^\d+$/.test(level)
          ? Result.succeed({ filePattern, verbosity: Number(level) })
          : Result.fail(`"${level}" is no level`)))
}

const collect = <A>(inputs: ReadonlyArray<A>, parse: (input: A) => Parsed): Parsed => {
  const values: Array<unknown> = []
  for (const input of inputs) {
    const value = parse(input)
    if (Result.isFailure(value)) return value
    values.push(value.success)
  }
  return Result.succeed(values)
}

const taint = (text: string): Parsed => {
  const parts = /^([^=:]+)(?:=([^:]*))?:([A-Za-z]+)$/.exec(text)
  if (parts === null) return Result.fail(`"${text}" is no taint, expect key=value:effect`)
  const [, key, value, effect] = parts
  return Result.succeed({ key, ...(value === undefined || value === "" ? {} : { value }), effect })
}

const reservedMemory = (text: string): Parsed => {
  const parts = /^(\d+):(.+)$/.exec(text)
  if (parts === null) return Result.fail(`"${text}" is no reservation, expect node:type=quantity`)
  return Result.map(pairs([parts[2] ?? ""], "="), (found) => ({ numaNode: Number(parts[1]), limits: record(found) }))
}
