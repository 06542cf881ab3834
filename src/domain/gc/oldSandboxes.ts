/** Which sandboxes go (parity G3): those that are not ready and hold no container, but the newest of each living pod. */

export interface SandboxRecord {
  readonly id: string
  readonly podUid: string
  readonly attempt: number
  readonly createdAtMs: number
  readonly ready: boolean
}

/** Ids, oldest first. `inUse`: sandboxes that have containers, dead ones included. */
export const oldSandboxes = (
  records: ReadonlyArray<SandboxRecord>,
  inUse: ReadonlySet<string>,
  isWanted: (podUid: string) => boolean
): ReadonlyArray<string> => {
  // By attempt first: the clock may have been set back between two of them.
  const newestFirst = [...records].sort((a, b) =>
    b.attempt - a.attempt || b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1)
  )
  const seen = new Set<string>()
  const old = newestFirst.filter(({ id, podUid, ready }) => {
    const isNewest = !seen.has(podUid)
    seen.add(podUid)
    return !ready && !inUse.has(id) && !(isNewest && isWanted(podUid))
  })
  return old.map(({ id }) => id).reverse()
}
