/**
 * The flags as `/flagz` shows them: those that stand for fields of the configuration with the value in force, whoever
 * set it, and the others as they were given.
 */
import type { KubeletConfiguration } from "../../domain/kubeletConfig/defaults.ts"
import { type FlagRow, kubeletFlags } from "../kubelet/flagTable.ts"
import { configz } from "./node.ts"

export type GivenFlags = Readonly<Record<string, ReadonlyArray<string>>>

/** What a header carries may be a secret. */
const secrets = new Set(["manifest-url-header"])

/** Flags that stand for nothing and were not given are left out. */
export const flagsInForce = (config: KubeletConfiguration, given: GivenFlags): Readonly<Record<string, string>> => {
  const document = configz(config)
  const textOf = ({ name, target }: FlagRow): string | undefined => {
    const texts = given[name] ?? []
    if (target._tag === "Ignored" && texts.length === 0) return undefined
    const text = target._tag === "Field" ? written(valueAt(document, target.path)) : texts.join(",")
    return secrets.has(name) && text !== "" ? "<masked>" : text
  }
  return Object.fromEntries(kubeletFlags.flatMap((row) => {
    const text = textOf(row)
    return text === undefined ? [] : [[row.name, text]]
  }))
}

const valueAt = (document: unknown, path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>(
    (value, name) => typeof value === "object" && value !== null ? Object.entries(value).find(isNamed(name))?.[1] : "",
    document
  )

const isNamed = (name: string) => ([key]: readonly [string, unknown]): boolean => key === name

/** As Go's flags write their values. */
const written = (value: unknown): string => {
  if (value === undefined || value === null) return ""
  if (Array.isArray(value)) return `[${value.map(written).join(",")}]`
  if (typeof value !== "object") return String(value)
  return Object.entries(value).map(([key, one]) => `${key}=${written(one)}`).join(",")
}
