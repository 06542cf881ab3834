/** Which dead containers go (parity G3): all of pods that are gone, and of living pods all but the newest few of a name. */

export interface ContainerRecord {
  readonly id: string
  readonly podUid: string
  readonly name: string
  readonly attempt: number
  readonly createdAtMs: number
  readonly state: "Created" | "Running" | "Exited" | "Unknown"
}

/** Negative counts are no limit. */
export interface DeadContainerPolicy {
  readonly maxPerContainer: number
  readonly maxTotal: number
  /** Younger ones are left alone. */
  readonly minAgeMs: number
}

const newestFirst = (a: ContainerRecord, b: ContainerRecord): number =>
  b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1)

/** Of one container: the clock may have been set back between two of its runs. */
const latestFirst = (a: ContainerRecord, b: ContainerRecord): number => b.attempt - a.attempt || newestFirst(a, b)

/** By pod and name, each group newest first. */
const grouped = (records: ReadonlyArray<ContainerRecord>): ReadonlyArray<ReadonlyArray<ContainerRecord>> => {
  const groups = new Map<string, Array<ContainerRecord>>()
  for (const record of [...records].sort(latestFirst)) {
    const key = `${record.podUid}/${record.name}`
    groups.set(key, [...(groups.get(key) ?? []), record])
  }
  return [...groups.values()]
}

/** A record that was just made is about to be started: it is no dead container. */
const isDead = (record: ContainerRecord, index: number): boolean =>
  record.state !== "Running" && !(record.state === "Created" && index === 0)

/** What is beyond the newest `max` of each group. */
const excess = (groups: ReadonlyArray<ReadonlyArray<ContainerRecord>>, max: number): ReadonlyArray<ContainerRecord> =>
  max < 0 ? [] : groups.flatMap((group) => group.slice(max))

/** The limit over all is shared evenly; where even one of each is too many, the oldest go. */
const beyondTotal = (
  groups: ReadonlyArray<ReadonlyArray<ContainerRecord>>,
  maxTotal: number
): ReadonlyArray<ContainerRecord> => {
  if (maxTotal < 0 || groups.flat().length <= maxTotal) return []
  const share = Math.max(1, Math.floor(maxTotal / groups.length))
  const kept = groups.flatMap((group) => group.slice(0, share)).sort(newestFirst)
  return [...excess(groups, share), ...kept.slice(maxTotal)]
}

/** Ids, oldest first. `isWanted` says of a pod's UID that the node is to run the pod. */
export const deadContainers = (
  records: ReadonlyArray<ContainerRecord>,
  policy: DeadContainerPolicy,
  options: { readonly isWanted: (podUid: string) => boolean; readonly nowMs: number }
): ReadonlyArray<string> => {
  const dead = grouped(records).map((group) => group.filter(isDead)).map((group) =>
    group.filter(({ createdAtMs }) => options.nowMs - createdAtMs >= policy.minAgeMs)
  )
  const isWanted = (group: ReadonlyArray<ContainerRecord>) => options.isWanted(group[0]?.podUid ?? "")
  const ofGone = dead.filter((group) => group.length > 0 && !isWanted(group)).flat()
  const living = dead.filter((group) => group.length > 0 && isWanted(group))
  const many = excess(living, policy.maxPerContainer)
  const left = living.map((group) => group.filter((record) => !many.includes(record))).filter(({ length }) =>
    length > 0
  )
  return [...ofGone, ...many, ...beyondTotal(left, policy.maxTotal)].sort(newestFirst).reverse().map(({ id }) => id)
}
