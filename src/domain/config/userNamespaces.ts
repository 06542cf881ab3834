/**
 * Host ids for pods with a user namespace of their own (KEP-127, parity E13): equal blocks, each given to one pod at a
 * time, and the file in the pod's folder that remembers the block across restarts of the agent.
 */
import { Option, Result, Schema } from "effect"
import type { UserNamespaceMappings } from "./namespaces.ts"

/** The host ids that pods may get: `[first, first + count × perPod)`. */
export interface IdRange {
  readonly first: number
  /** `userNamespaces.idsPerPod`, a multiple of 65536. */
  readonly perPod: number
  readonly count: number
}

const block = 65_536

/** What is used where no range was set aside for pods: everything above the host's own first block. */
export const defaultIdRange = (maxPods: number, perPod: number = block): IdRange => ({
  first: block,
  perPod,
  count: maxPods
})

/** A range that cannot be used. */
export class BadIdRange extends Schema.TaggedError<BadIdRange>()("BadIdRange", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

const subids = /^[^:\s]+(?::\s*\S+)?\s+(\d+)\s+(\d+)$/

/** Reads the answer of `getsubids kubelet` (`0: kubelet 65536 7208960`), which must be one range with room for all pods. */
export const parseSubids = (text: string, maxPods: number, perPod: number): Result.Result<IdRange, BadIdRange> => {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "")
  const bad = (detail: string) => Result.fail(new BadIdRange({ detail }))
  if (lines.length !== 1) return bad("the user \"kubelet\" must have exactly one range of subordinate ids")
  const [, first, length] = subids.exec(lines[0] ?? "") ?? []
  if (first === undefined || length === undefined) return bad(`unreadable range of subordinate ids: ${lines[0]}`)
  if (Number(first) < block) return bad(`the first subordinate id must be at least ${block}, it is ${first}`)
  if (Number(first) % block !== 0) return bad(`the first subordinate id must be a multiple of ${block}, it is ${first}`)
  const count = Math.floor(Number(length) / perPod)
  return count < maxPods
    ? bad(`${length} subordinate ids are too few for ${maxPods} pods of ${perPod} each`)
    : Result.succeed({ first: Number(first), perPod, count })
}

const mappingOf = (hostId: number, length: number): UserNamespaceMappings => ({
  uids: [{ hostId, containerId: 0, length }],
  gids: [{ hostId, containerId: 0, length }]
})

const hostIdsOf = ({ uids }: UserNamespaceMappings): ReadonlyArray<number> => uids.map(({ hostId }) => hostId)

/** The lowest block that none of the living pods has, or none when all are taken. */
export const allocateIds = (
  range: IdRange,
  taken: ReadonlyArray<UserNamespaceMappings>
): Option.Option<UserNamespaceMappings> => {
  const used = new Set(taken.flatMap(hostIdsOf))
  for (let index = 0; index < range.count; index++) {
    const hostId = range.first + index * range.perPod
    if (!used.has(hostId)) return Option.some(mappingOf(hostId, range.perPod))
  }
  return Option.none()
}

const Mapping = Schema.Struct({ hostId: Schema.Number, containerId: Schema.Number, length: Schema.Number })
const MappingsFile = Schema.fromJsonString(
  Schema.Struct({ uidMappings: Schema.Array(Mapping), gidMappings: Schema.Array(Mapping) })
)
const decodeFile = Schema.decodeUnknownResult(MappingsFile)

/** Text of the file `userns` in the pod's folder. */
export const mappingsFile = ({ uids, gids }: UserNamespaceMappings): string =>
  JSON.stringify({ uidMappings: uids, gidMappings: gids })

/** Reads that file back. A file that is torn or foreign is an error: its pod's ids are not known to be free. */
export const parseMappingsFile = (text: string): Result.Result<UserNamespaceMappings, BadIdRange> =>
  Result.mapBoth(decodeFile(text), {
    onSuccess: ({ uidMappings, gidMappings }) => ({ uids: uidMappings, gids: gidMappings }),
    onFailure: ({ message }) => new BadIdRange({ detail: `unreadable user namespace file: ${message}` })
  })
