/**
 * What the agent has done to one sandbox's network: written before the first plugin runs and removed after the last one has
 * undone its work, so that whatever a crash leaves is known to the next agent.
 */
import { Result, Schema } from "effect"
import { networkText } from "./cachedAttachment.ts"
import type { Attachment } from "./execution.ts"
import { parseJson } from "./json.ts"
import { type NetworkList, parseNetwork } from "./networkList.ts"
import { type CniResult, decodeResult } from "./result.ts"

export interface PodNetwork {
  /** As the status annotation has it. */
  readonly name: string
  readonly list: NetworkList
  readonly attachment: Attachment
  /** Absent until ADD has succeeded. */
  readonly result?: CniResult
}

export interface PodRecord {
  readonly containerId: string
  readonly netns: string
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string }
  /** `returning`: the runtime has asked for it, or given up on it; not to be kept in any case. */
  readonly state: "adding" | "added" | "returning"
  readonly writtenAtMs: number
  /** The default one first. */
  readonly networks: ReadonlyArray<PodNetwork>
}

const Wire = Schema.Struct({
  containerId: Schema.String,
  netns: Schema.String,
  pod: Schema.Struct({ namespace: Schema.String, name: Schema.String, uid: Schema.String }),
  state: Schema.Literals(["adding", "added", "returning"]),
  writtenAtMs: Schema.Number,
  networks: Schema.Array(Schema.Struct({
    name: Schema.String,
    source: Schema.String,
    binDirs: Schema.optionalKey(Schema.Array(Schema.String)),
    config: Schema.String,
    ifname: Schema.String,
    args: Schema.Array(Schema.Tuple([Schema.String, Schema.String])),
    capabilityArgs: Schema.Record(Schema.String, Schema.Unknown),
    result: Schema.optionalKey(Schema.Unknown)
  }))
})

const decodeWire = Schema.decodeUnknownResult(Wire)

export const encodeRecord = (record: PodRecord): string =>
  JSON.stringify({
    ...record,
    networks: record.networks.map(({ attachment, list, name, result }) => ({
      name,
      source: list.source,
      ...(list.binDirs === undefined ? {} : { binDirs: list.binDirs }),
      config: networkText(list),
      ifname: attachment.ifname,
      args: attachment.args,
      capabilityArgs: attachment.capabilityArgs,
      ...(result === undefined ? {} : { result })
    }))
  })

/** The failure is what is wrong with the text. */
export const decodeRecord = (text: string): Result.Result<PodRecord, string> =>
  Result.gen(function*() {
    const wire = yield* Result.mapError(
      decodeWire(yield* parseJson(text)),
      (error) => error.message.replace(/\s+/g, " ")
    )
    const { containerId, netns } = wire
    const networks: Array<PodNetwork> = []
    for (const { args, binDirs, capabilityArgs, config, ifname, name, result, source } of wire.networks) {
      const list = yield* Result.mapError(
        parseNetwork({ path: "recorded.conflist", text: config }),
        (error) => error.message
      )
      networks.push({
        name,
        list: { ...list, source, ...(binDirs === undefined ? {} : { binDirs }) },
        attachment: { containerId, netns, ifname, args, capabilityArgs },
        ...(result === undefined ? {} : { result: yield* decodeResult(result) })
      })
    }
    return { ...wire, networks }
  })

/** How long a sandbox may be unknown to the runtime before its network is taken back: it is made before it is listed. */
const graceMs = 120_000

/** Whether nobody will ever ask for this network's end. `netnsExists`: whether the sandbox's namespace is still there. */
export const isOrphan = (
  record: PodRecord,
  view: { readonly listed: boolean; readonly netnsExists: boolean; readonly nowMs: number }
): boolean =>
  record.state === "returning" ||
  (!view.listed && (!view.netnsExists || view.nowMs - record.writtenAtMs > graceMs))
