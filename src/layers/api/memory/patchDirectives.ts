/** What the `$` keys of a strategic merge patch have in common. */
import type { Result } from "effect"
import { isObject, objectOf, own } from "../../../domain/k8s/json.ts"
import type { Refusal } from "./refusal.ts"

export type Patched<A> = Result.Result<A, Refusal>

export const isDirective = (key: string): boolean => key.startsWith("$")

/** Whether a value of a patch is what it means: no directives, nothing to be removed. */
const isPlain = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.every(isPlain)
  if (!isObject(value)) return value !== null
  for (const key of Object.keys(value)) {
    if (isDirective(key) || !isPlain(value[key])) return false
  }
  return true
}

/** A value of a patch where there was none: directives have done their work, nulls remove nothing. */
export const plain = (value: unknown): unknown => {
  if (isPlain(value)) return value
  if (Array.isArray(value)) {
    return value.filter((element) => own(objectOf(element), "$patch") === undefined).map(plain)
  }
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, element]) =>
      isDirective(key) || element === null ? [] : [[key, plain(element)] as const]
    )
  )
}
