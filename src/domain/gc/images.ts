/** Which images go when their file system fills up, or when nobody has used them for long (parity G4). */

export interface ListedImage {
  readonly id: string
  /** Tags and digests. */
  readonly names: ReadonlyArray<string>
  readonly sizeBytes: number
  /** The runtime wants to keep it. */
  readonly pinned: boolean
}

export interface KnownImage extends ListedImage {
  /** 0 for one that was there before the agent. */
  readonly firstSeenMs: number
  /** 0 for one that was not seen in use. */
  readonly lastUsedMs: number
  readonly inUse: boolean
}

export type KnownImages = ReadonlyMap<string, KnownImage>

/** Takes in what the runtime lists. `used`: ids, tags and digests that containers and pods name. */
export const observeImages = (
  known: KnownImages | undefined,
  listed: ReadonlyArray<ListedImage>,
  used: ReadonlySet<string>,
  nowMs: number
): KnownImages =>
  new Map(listed.map((image) => {
    const before = known?.get(image.id)
    const inUse = used.has(image.id) || image.names.some((name) => used.has(name))
    const firstSeenMs = before?.firstSeenMs ?? (known === undefined ? 0 : nowMs)
    return [image.id, { ...image, inUse, firstSeenMs, lastUsedMs: inUse ? nowMs : before?.lastUsedMs ?? 0 }]
  }))

/** The images that may go, the longest unused first. */
export const evictionOrder = (known: KnownImages): ReadonlyArray<KnownImage> =>
  [...known.values()]
    .filter(({ inUse, pinned }) => !inUse && !pinned)
    .sort((a, b) => a.lastUsedMs - b.lastUsedMs || a.firstSeenMs - b.firstSeenMs || (a.id < b.id ? -1 : 1))

/**
 * Those that nobody has used for `maxAgeMs`. An agent that has not watched for that long cannot tell; 0 is no limit.
 */
export const outdatedImages = (
  known: KnownImages,
  maxAgeMs: number,
  { agentStartedAtMs, nowMs }: { readonly agentStartedAtMs: number; readonly nowMs: number }
): ReadonlyArray<KnownImage> =>
  maxAgeMs <= 0 || nowMs - agentStartedAtMs <= maxAgeMs
    ? []
    : evictionOrder(known).filter(({ firstSeenMs, lastUsedMs }) => nowMs - Math.max(lastUsedMs, firstSeenMs) > maxAgeMs)

/** Those old enough to go for their space: a fresh pull is not undone before its container has started. */
export const removableImages = (known: KnownImages, minAgeMs: number, nowMs: number): ReadonlyArray<KnownImage> =>
  evictionOrder(known).filter(({ firstSeenMs }) => nowMs - firstSeenMs >= minAgeMs)

export interface ImageSpace {
  readonly totalBytes: number
  readonly availableBytes: number
}

/** How much must go, 0 while the file system is not full enough. A high threshold of 100 means never. */
export const bytesToFree = (
  { availableBytes, totalBytes }: ImageSpace,
  thresholds: { readonly highPercent: number; readonly lowPercent: number }
): number => {
  if (totalBytes <= 0 || thresholds.highPercent >= 100) return 0
  const usedPercent = 100 - Math.floor(availableBytes * 100 / totalBytes)
  if (usedPercent < thresholds.highPercent) return 0
  return Math.max(0, Math.floor(totalBytes * (100 - thresholds.lowPercent) / 100) - availableBytes)
}
