/** Plain JSON as CNI files and plugins have it, read without trust. */
import { Result, Schema } from "effect"
import { withoutNulls } from "../k8s/decode.ts"

export type JsonObject = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const decodeText = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))

/** The value of a text; nulls, which is how Go writes what is empty, are left out. The failure is what is wrong. */
export const parseJson = (text: string): Result.Result<unknown, string> => {
  if (text.trim() === "") return Result.fail("it is empty")
  return Result.mapBoth(decodeText(text), {
    onFailure: () => `it is no JSON: ${excerpt(text)}`,
    onSuccess: withoutNulls
  })
}

/** The beginning of a text on one line, for messages. */
export const excerpt = (text: string, length = 120): string => {
  const line = text.trim().replace(/\s+/g, " ")
  return line.length <= length ? line : `${line.slice(0, length)}…`
}

export const textOf = (value: unknown): string => typeof value === "string" ? value : ""
