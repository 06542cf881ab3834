/**
 * The record of an attachment that ADD leaves for CHECK, DEL and GC: a file in the form that the CNI library of container
 * runtimes writes, so that each finds what the other did.
 */
import { Result } from "effect"
import * as Base64 from "effect/encoding/Base64"
import type { Attachment } from "./execution.ts"
import { isObject, parseJson, textOf } from "./json.ts"
import { type NetworkList, parseNetwork } from "./networkList.ts"
import { type CniResult, decodeResult, encodeResult } from "./result.ts"

export interface CachedAttachment {
  readonly list: NetworkList
  readonly attachment: Attachment
  readonly result: CniResult
}

/** Name of the file in the folder of results. */
export const cacheFileName = (network: string, { containerId, ifname }: Pick<Attachment, "containerId" | "ifname">) =>
  `${network}-${containerId}-${ifname}`

/** A list as a file would have it. */
export const networkText = (list: NetworkList): string =>
  JSON.stringify({
    name: list.name,
    cniVersion: list.versions.at(-1),
    ...(list.versions.length > 1 ? { cniVersions: list.versions } : {}),
    ...(list.disableCheck ? { disableCheck: true } : {}),
    ...(list.disableGc ? { disableGC: true } : {}),
    loadOnlyInlinedPlugins: true,
    plugins: list.plugins.map(({ fields }) => fields)
  })

export const encodeCached = ({ attachment, list, result }: CachedAttachment, version: string): string =>
  JSON.stringify({
    kind: "cniCacheV1",
    containerId: attachment.containerId,
    config: Base64.encode(networkText(list)),
    ifName: attachment.ifname,
    networkName: list.name,
    netns: attachment.netns,
    cniArgs: attachment.args,
    capabilityArgs: attachment.capabilityArgs,
    result: encodeResult(result, version)
  })

const pairsOf = (value: unknown): Attachment["args"] =>
  (Array.isArray(value) ? value : []).flatMap((pair) =>
    Array.isArray(pair) && typeof pair[0] === "string" && typeof pair[1] === "string" ? [[pair[0], pair[1]]] : []
  )

/** Undefined for what is no such record: another program's file, or one cut short. */
export const decodeCached = (text: string): CachedAttachment | undefined => {
  const parsed = Result.getOrUndefined(parseJson(text))
  if (!isObject(parsed) || parsed["kind"] !== "cniCacheV1") return undefined
  const config = Result.getOrUndefined(Base64.decodeString(textOf(parsed["config"])))
  const list = Result.getOrUndefined(parseNetwork({ path: "cached.conflist", text: config ?? "" }))
  const result = Result.getOrUndefined(decodeResult(parsed["result"]))
  if (list === undefined || result === undefined) return undefined
  return {
    list,
    attachment: {
      containerId: textOf(parsed["containerId"]),
      netns: textOf(parsed["netns"]),
      ifname: textOf(parsed["ifName"]),
      args: pairsOf(parsed["cniArgs"]),
      capabilityArgs: isObject(parsed["capabilityArgs"]) ? parsed["capabilityArgs"] : {}
    },
    result
  }
}
