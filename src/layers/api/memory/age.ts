/** Spans of time as `kubectl` shows them: two units at most, coarser the longer they are. */
import { textOf } from "../../../domain/k8s/json.ts"
import { parseTime } from "../../../domain/k8s/time.ts"

const pair = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`

export const span = (millis: number): string => {
  const seconds = Math.trunc(millis / 1000)
  if (seconds < -1) return "<invalid>"
  if (seconds < 0) return "0s"
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.trunc(seconds / 60)
  if (minutes < 10) return pair(minutes, "m", seconds % 60, "s")
  if (minutes < 180) return `${minutes}m`
  const hours = Math.trunc(minutes / 60)
  if (hours < 8) return pair(hours, "h", minutes % 60, "m")
  if (hours < 48) return `${hours}h`
  const days = Math.trunc(hours / 24)
  if (days < 8) return pair(days, "d", hours % 24, "h")
  if (days < 730) return `${days}d`
  const years = Math.trunc(days / 365)
  return years < 8 ? pair(years, "y", days % 365, "d") : `${years}y`
}

/** How long ago a time of the API was. */
export const since = (time: unknown, nowMs: number): string => {
  const millis = parseTime(textOf(time))
  return millis === undefined ? "<unknown>" : span(nowMs - millis)
}
