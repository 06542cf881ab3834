/**
 * The files that remember what pods were allotted and what is in force, `allocated_pods_state` and `actuated_pods_state`
 * in the agent's folder (parity D17, A16): the kubelet's own form, so that one takes over from the other.
 */
import { Result, Schema } from "effect"
import { fnv1a32 } from "../config/containerHash.ts"
import { goJson } from "../config/goText.ts"
import { ResourceRequirements } from "../k8s/container.ts"
import type { Allocation } from "./allocation.ts"

export type Allocations = ReadonlyMap<string, Allocation>

/** A file that is torn, foreign or changed by hand. */
export class BadCheckpoint extends Schema.TaggedError<BadCheckpoint>()("BadCheckpoint", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

const Requirements = Schema.toCodecGoJson(ResourceRequirements)
const Entry = Schema.Struct({
  ContainerResources: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Requirements))),
  PodLevelResources: Schema.optionalKey(Schema.NullOr(Requirements))
})
const Data = Schema.fromJsonString(Schema.Struct({ entries: Schema.optionalKey(Schema.Record(Schema.String, Entry)) }))
const File = Schema.fromJsonString(Schema.Struct({ data: Schema.String, checksum: Schema.Number }))

const decodeFile = Schema.decodeUnknownResult(File)
const decodeData = Schema.decodeUnknownResult(Data)

/** The kubelet hashes Go's print of the text with its type. */
const checksumOf = (data: string): number => fnv1a32(`(string)${data}`)

const sorted = <A>(entries: Iterable<readonly [string, A]>): { [key: string]: A } =>
  Object.fromEntries([...entries].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0))

const requirements = ({ claims, limits, requests }: ResourceRequirements) => ({
  ...(limits === undefined ? {} : { limits: sorted(Object.entries(limits)) }),
  ...(requests === undefined ? {} : { requests: sorted(Object.entries(requests)) }),
  ...(claims === undefined ? {} : { claims })
})

/** The text of a file. */
export const checkpointText = (allocations: Allocations): string => {
  const entries = [...allocations].map(([uid, { containers, pod }]) =>
    [uid, {
      ContainerResources: sorted(Object.entries(containers).map(([name, own]) => [name, requirements(own)] as const)),
      PodLevelResources: pod === undefined ? null : requirements(pod)
    }] as const
  )
  const data = goJson({ entries: sorted(entries) })
  return goJson({ data, checksum: checksumOf(data) })
}

/** Reads a file back. */
export const parseCheckpoint = (text: string): Result.Result<Allocations, BadCheckpoint> =>
  Result.gen(function*() {
    const bad = (detail: string) => new BadCheckpoint({ detail })
    const { checksum, data } = yield* Result.mapError(decodeFile(text), ({ message }) => bad(message))
    if (checksumOf(data) !== checksum) return yield* Result.fail(bad("checkpoint is corrupted"))
    const { entries = {} } = yield* Result.mapError(decodeData(data), ({ message }) => bad(message))
    return new Map(
      Object.entries(entries).map(([uid, { ContainerResources, PodLevelResources }]) => [uid, {
        containers: ContainerResources ?? {},
        ...(PodLevelResources === undefined || PodLevelResources === null ? {} : { pod: PodLevelResources })
      }])
    )
  })
