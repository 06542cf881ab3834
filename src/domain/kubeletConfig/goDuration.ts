/**
 * Durations in the text form of Go, which KubeletConfiguration and the kubelet's flags use: `1m30s`, `100ms`, `-1h`.
 * Inside the agent a duration is a number of milliseconds; printing one that was parsed gives what Go would print.
 */
import { Schema, SchemaTransformation } from "effect"

const millisPerUnit: ReadonlyMap<string, number> = new Map([
  ["ns", 1e-6],
  ["us", 1e-3],
  ["µs", 1e-3],
  ["μs", 1e-3],
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000]
])

// Escaped: one letter beyond Latin 1 and Node keeps the whole bundle as two bytes a letter.
const whole = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$/
const part = /(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g

/** Milliseconds, or undefined for text that is no duration. Only zero needs no unit. */
export const parseGoDuration = (text: string): number | undefined => {
  if (/^[+-]?0$/.test(text)) return 0
  if (!whole.test(text)) return undefined
  let millis = 0
  for (const [, amount, unit] of text.matchAll(part)) {
    millis += Number(amount) * (millisPerUnit.get(unit ?? "") ?? 0)
  }
  // Sums of decimal fractions are off by less than a nanosecond, which is the finest there is.
  millis = Math.round(millis * 1e6) / 1e6
  return text.startsWith("-") && millis !== 0 ? -millis : millis
}

/** At most `digits` decimals, none that are trailing zeros. */
const decimal = (value: number, digits: number): string => value.toFixed(digits).replace(/\.?0+$/, "")

/** As Go prints it: `0s`, `100ms`, `1.5s`, `1m0s`, `2h0m0s`. */
export const formatGoDuration = (millis: number): string => {
  if (millis < 0) return `-${formatGoDuration(-millis)}`
  if (millis === 0) return "0s"
  if (millis < 1e-3) return `${Math.round(millis * 1e6)}ns`
  if (millis < 1) return `${decimal(millis * 1000, 3)}µs`
  if (millis < 1000) return `${decimal(millis, 6)}ms`
  const hours = Math.floor(millis / 3_600_000)
  const minutes = Math.floor((millis % 3_600_000) / 60_000)
  const seconds = (millis % 60_000) / 1000
  const text = decimal(seconds, 9)
  if (hours > 0) return `${hours}h${minutes}m${text}s`
  return minutes > 0 ? `${minutes}m${text}s` : `${text}s`
}

/** A duration field: text outside, milliseconds inside. */
export const GoDuration = Schema.String.pipe(
  Schema.check(
    Schema.makeFilter((text: string) => parseGoDuration(text) === undefined ? `invalid duration "${text}"` : undefined)
  ),
  Schema.decodeTo(
    Schema.Number,
    SchemaTransformation.transform({
      // The check above has seen the text.
      decode: (text) => parseGoDuration(text) ?? 0,
      encode: formatGoDuration
    })
  )
)
