/** The seeds that a person asks for: `7`, `1..1000`. */
import { Result } from "effect"

export interface SeedRange {
  readonly from: number
  readonly to: number
}

export const parseSeeds = (text: string): Result.Result<SeedRange, string> => {
  const match = /^(\d{1,9})(?:\.\.(\d{1,9}))?$/.exec(text)
  const from = Number(match?.[1])
  const to = Number(match?.[2] ?? match?.[1])
  return match === null || to < from
    ? Result.fail(`"${text}" is no range of seeds such as 1..1000`)
    : Result.succeed({ from, to })
}
