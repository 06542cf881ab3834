/** Files of variables that an init container leaves for the next ones (KEP-3721): lines `KEY='value'`, bounded in size. */
import { Result } from "effect"
import { type ContainerConfigError, invalid } from "./configError.ts"

const maxFileBytes = 64 * 1024
const maxKeyLength = 128
const maxValueBytes = 32 * 1024

const size = (text: string): number => new TextEncoder().encode(text).length

const isIgnored = (line: string): boolean => line.trim() === "" || line.trimStart().startsWith("#")

/** `KEY='value'`, where the value may go on over several lines and has no other quote in it. */
const assignment = /^[ \t]*([A-Za-z_][A-Za-z0-9_]*)='([^']*)'[ \t]*(?:#[^\n]*)?(?:\n|$)/

/** Reads the whole file; the later of two equal keys wins. */
export const parseEnvFile = (text: string): Result.Result<ReadonlyMap<string, string>, ContainerConfigError> => {
  if (size(text) > maxFileBytes) return Result.fail(invalid(`environment file is larger than ${maxFileBytes} bytes`))
  const entries = new Map<string, string>()
  let rest = text.replaceAll("\r\n", "\n")
  while (rest !== "") {
    const end = rest.indexOf("\n")
    const line = end === -1 ? rest : rest.slice(0, end)
    if (isIgnored(line)) {
      rest = end === -1 ? "" : rest.slice(end + 1)
      continue
    }
    const [whole, key, value] = assignment.exec(rest) ?? []
    if (whole === undefined || key === undefined || value === undefined) {
      return Result.fail(invalid(`environment file has a line that is not KEY='value': ${line}`))
    }
    if (key.length > maxKeyLength) return Result.fail(invalid(`environment key is longer than ${maxKeyLength}: ${key}`))
    if (size(value) > maxValueBytes) return Result.fail(invalid(`environment value of ${key} is too large`))
    entries.set(key, value)
    rest = rest.slice(whole.length)
  }
  return Result.succeed(entries)
}
