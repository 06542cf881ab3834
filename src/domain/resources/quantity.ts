/**
 * Kubernetes quantities (`250m`, `1.5Gi`, `2e3`), exactly: a whole number of 10⁻⁹ parts plus the notation it was written
 * in. What is finer than 10⁻⁹ is rounded away from zero, under the theory that whoever asks for some gets some.
 */
import { Result, Schema } from "effect"

export type QuantityFormat = "BinarySI" | "DecimalSI" | "DecimalExponent"

export interface Quantity {
  readonly nano: bigint
  readonly format: QuantityFormat
}

/** Text that is no quantity. */
export class MalformedQuantity extends Schema.TaggedError<MalformedQuantity>()("MalformedQuantity", {
  text: Schema.String
}) {
  override get message(): string {
    return `quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$': ${this.text}`
  }
}

const scale = 1_000_000_000n
const maxNano = (2n ** 63n - 1n) * scale
const pattern = /^([+-]?)(\d+\.?\d*|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d+)?$/

const decimalExponents: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  "": 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18
}
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
const decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]

/** Ceiling of a non-negative ratio, floor of a negative one: away from zero. */
const divideAwayFromZero = (numerator: bigint, denominator: bigint): bigint => {
  const whole = numerator / denominator
  if (numerator % denominator === 0n) return whole
  return numerator < 0n ? whole - 1n : whole + 1n
}

const ceilDivide = (numerator: bigint, denominator: bigint): bigint => {
  const whole = numerator / denominator
  return numerator % denominator !== 0n && numerator > 0n ? whole + 1n : whole
}

/** A number too small or too large for any unit is settled before a huge power of ten would be computed. */
const exponentBound = 60

const scaled = (digits: bigint, fraction: number, exponent: number): bigint => {
  if (digits === 0n) return 0n
  const shift = Math.max(-exponentBound - 9, Math.min(exponentBound, exponent)) - fraction + 9
  return shift >= 0 ? digits * 10n ** BigInt(shift) : divideAwayFromZero(digits, 10n ** BigInt(-shift))
}

const readSuffix = (suffix: string): { format: QuantityFormat; exponent: number; factor: bigint } => {
  const binary = binarySuffixes.indexOf(suffix)
  if (binary > 0) return { format: "BinarySI", exponent: 0, factor: 1024n ** BigInt(binary) }
  const decimal = decimalExponents[suffix]
  if (decimal !== undefined) return { format: "DecimalSI", exponent: decimal, factor: 1n }
  return { format: "DecimalExponent", exponent: Number(suffix.slice(1)), factor: 1n }
}

/** Reads a quantity. Values beyond ±(2⁶³−1) are capped, as the API server does. */
export const parseQuantity = (text: string): Result.Result<Quantity, MalformedQuantity> => {
  const parts = pattern.exec(text)
  if (parts === null) return Result.fail(new MalformedQuantity({ text }))
  const [, sign, number = "", suffix = ""] = parts
  const [whole = "", fraction = ""] = number.split(".")
  const { format, exponent, factor } = readSuffix(suffix)
  const size = scaled(BigInt(whole + fraction) * factor, fraction.length, exponent)
  const capped = size > maxNano ? maxNano : size
  const nano = sign === "-" ? -capped : capped
  // Below one byte there is no binary unit to write it in.
  const readable = format === "BinarySI" && capped > 0n && capped < scale ? "DecimalSI" : format
  return Result.succeed({ nano, format: readable })
}

/** A quantity that the API server has already checked; other text is a defect. */
export const quantityOf = (text: string): Quantity => Result.getOrThrow(parseQuantity(text))

export const isQuantity = (text: string): boolean => pattern.test(text)

/** Whole units, rounded up. */
export const valueOf = (quantity: Quantity): bigint => ceilDivide(quantity.nano, scale)

/** Thousandths, rounded up. */
export const milliValueOf = (quantity: Quantity): bigint => ceilDivide(quantity.nano, 1_000_000n)

/** Whole units of a quantity text as a number (exact to 2⁵³); 0 when absent. */
export const valueOfText = (text: string | undefined): number =>
  text === undefined ? 0 : Number(valueOf(quantityOf(text)))

/** Thousandths of a quantity text as a number; 0 when absent. */
export const milliOfText = (text: string | undefined): number =>
  text === undefined ? 0 : Number(milliValueOf(quantityOf(text)))

export const fromValue = (value: number | bigint, format: QuantityFormat = "BinarySI"): Quantity => ({
  nano: BigInt(value) * scale,
  format
})

export const fromMilli = (milli: number | bigint, format: QuantityFormat = "DecimalSI"): Quantity => ({
  nano: BigInt(milli) * 1_000_000n,
  format
})

export const zero: Quantity = { nano: 0n, format: "DecimalSI" }

/** The sum keeps the notation of the first operand, unless that is zero. */
export const add = (a: Quantity, b: Quantity): Quantity => ({
  nano: a.nano + b.nano,
  format: a.nano === 0n ? b.format : a.format
})

export const subtract = (a: Quantity, b: Quantity): Quantity => ({
  nano: a.nano - b.nano,
  format: a.nano === 0n ? b.format : a.format
})

export const max = (a: Quantity, b: Quantity): Quantity => b.nano > a.nano ? b : a

const stripFactors = (value: bigint, base: bigint, limit: number): { mantissa: bigint; times: number } => {
  let mantissa = value
  let times = 0
  while (times < limit && mantissa !== 0n && mantissa % base === 0n) {
    mantissa /= base
    times++
  }
  return { mantissa, times }
}

const formatBinary = (nano: bigint): string => {
  const { mantissa, times } = stripFactors(divideAwayFromZero(nano, scale), 1024n, binarySuffixes.length - 1)
  return `${mantissa}${binarySuffixes[times]}`
}

const formatDecimal = (nano: bigint, exponential: boolean): string => {
  const { mantissa, times } = stripFactors(nano, 1000n, decimalSuffixes.length - 1)
  if (!exponential) return `${mantissa}${decimalSuffixes[times]}`
  const exponent = times * 3 - 9
  return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`
}

/** The canonical text: no fraction, the largest suffix that needs none, whole bytes in binary notation. */
export const formatQuantity = ({ nano, format }: Quantity): string => {
  if (nano === 0n) return "0"
  const small = nano > -1024n * scale && nano < 1024n * scale
  if (format === "BinarySI" && !small) return formatBinary(nano)
  return formatDecimal(nano, format === "DecimalExponent")
}
