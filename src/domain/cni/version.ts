/** Versions of the CNI specification: which we speak, how they order, which one a network and its plugins agree on. */

/** Oldest first. Results of versions before 0.3 have another form, and no plugin of today needs them. */
export const supportedVersions: ReadonlyArray<string> = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]

const numbersOf = (version: string): ReadonlyArray<number> => version.split(".").map(Number)

/** Below zero when `a` is older. Both are dotted numbers. */
export const compareVersions = (a: string, b: string): number => {
  const [left, right] = [numbersOf(a), numbersOf(b)]
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

export const atLeast = (version: string, wanted: string): boolean => compareVersions(version, wanted) >= 0

/** CHECK exists, and DEL is given the result of ADD. */
export const hasCheck = (version: string): boolean => atLeast(version, "0.4.0")

/** GC and STATUS exist. */
export const hasGcAndStatus = (version: string): boolean => atLeast(version, "1.1.0")

/** The newest version that the network offers, we speak and every plugin supports; undefined when there is none. */
export const agreedVersion = (
  offered: ReadonlyArray<string>,
  ofPlugins: ReadonlyArray<ReadonlyArray<string>>
): string | undefined =>
  offered
    .filter((version) => supportedVersions.includes(version) && ofPlugins.every((each) => each.includes(version)))
    .sort(compareVersions)
    .at(-1)
