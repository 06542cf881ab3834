/** The lines of a container's log file, as containerd writes them (D15). */
import type { OutputStream } from "./program.ts"

/** Longer lines are cut into parts. */
const lineBytesMax = 16 * 1024

const timeOf = (ms: number): string => new Date(ms).toISOString().replace("Z", "000000Z")

/** One line of output as one or more lines of the file. */
export const logLine = (atMs: number, stream: OutputStream, text: string): string => {
  const prefix = `${timeOf(atMs)} ${stream}`
  let lines = ""
  let rest = text
  while (rest.length > lineBytesMax) {
    lines += `${prefix} P ${rest.slice(0, lineBytesMax)}\n`
    rest = rest.slice(lineBytesMax)
  }
  return `${lines}${prefix} F ${rest}\n`
}
