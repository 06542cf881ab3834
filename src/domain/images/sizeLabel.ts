/** The size of an image as the metric of pulls labels it (parity N8). */

const mebi = 1024 ** 2
const gibi = 1024 ** 3

/** Each with the size that it lies above, the largest first. */
const labels: ReadonlyArray<readonly [number, string]> = [
  [100 * gibi, "GT100GB"],
  [60 * gibi, "60GB-100GB"],
  [40 * gibi, "40GB-60GB"],
  [30 * gibi, "30GB-40GB"],
  [20 * gibi, "20GB-30GB"],
  [10 * gibi, "10GB-20GB"],
  [5 * gibi, "5GB-10GB"],
  [gibi, "1GB-5GB"],
  [500 * mebi, "500MB-1GB"],
  [100 * mebi, "100MB-500MB"],
  [10 * mebi, "10MB-100MB"],
  [0, "0-10MB"]
]

export const imageSizeLabel = (bytes: number): string => labels.find(([above]) => bytes > above)?.[1] ?? "N/A"
