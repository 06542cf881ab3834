/** Which logs nobody can ask for any more (parity G3, D15): folders of pods that are gone, links that lead nowhere. */

/** `<namespace>_<name>_<uid>`; undefined for a folder that is no pod's. */
const uidOf = (folder: string): string | undefined => /^[^_]+_[^_]+_([^_]+)$/.exec(folder)?.[1]

/** Names of folders whose pod the node neither is to run nor still holds anything of. */
export const strayLogFolders = (
  folders: ReadonlyArray<string>,
  isKnown: (podUid: string) => boolean
): ReadonlyArray<string> =>
  folders.filter((folder) => {
    const uid = uidOf(folder)
    return uid !== undefined && !isKnown(uid)
  })

/** The container that a link `<pod>_<namespace>_<container>-<id>.log` belongs to; its id may be cut. */
const containerOf = (link: string): string => link.slice(link.lastIndexOf("-") + 1, -".log".length)

/**
 * Names of links to remove. While a log is rotated its file is away for a moment, so the link of a container that runs
 * stays, whatever it leads to.
 */
export const deadLinks = (
  links: ReadonlyArray<{ readonly name: string; readonly leadsSomewhere: boolean }>,
  runningIds: ReadonlyArray<string>
): ReadonlyArray<string> =>
  links
    .filter(({ leadsSomewhere, name }) => {
      if (leadsSomewhere || !name.endsWith(".log")) return false
      const id = containerOf(name)
      return id === "" || !runningIds.some((running) => running.startsWith(id))
    })
    .map(({ name }) => name)

/** The files of one run's log, the rotated ones included: `0.log`, `0.log.20261101-101500.gz`. */
export const filesOfLog = (names: ReadonlyArray<string>, log: string): ReadonlyArray<string> =>
  names.filter((name) => name === log || name.startsWith(`${log}.`))
