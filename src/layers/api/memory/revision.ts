/** Versions of the store and of its objects: opaque numbers to clients, one counter for everything here. */
import { Result } from "effect"
import type { KubeObject } from "../KubeApi.ts"
import { badRequest, type Refusal } from "./refusal.ts"

export const keyOf = (object: KubeObject): string => `${object.metadata.namespace ?? ""}/${object.metadata.name ?? ""}`

export const stamped = (object: KubeObject, revision: number): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(revision) }
})

/** Reads a version of a query; absent and empty are undefined. */
export const parseRevision = (text: string | undefined): Result.Result<number | undefined, Refusal> => {
  if (text === undefined || text === "") return Result.succeed(undefined)
  if (!/^\d{1,15}$/.test(text)) {
    return Result.fail(
      badRequest(`resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: invalid syntax`)
    )
  }
  return Result.succeed(Number(text))
}
