/**
 * Opens a path below a root one component at a time without following links: Node has no `openat`, but a name below
 * `/proc/self/fd/<n>` is resolved from the open directory just as `openat` does it.
 */
import { constants, type Stats } from "node:fs"
import * as fs from "node:fs/promises"
import { Refusal } from "./fileCall.ts"

/** The same number on every architecture that Node runs on; `node:fs` does not name it. */
const O_PATH = 0o10000000

const components = (relative: string): ReadonlyArray<string> => {
  if (relative.startsWith("/")) throw new Refusal("EINVAL", `${relative} is an absolute path`)
  const parts = relative.split("/").filter((part) => part !== "" && part !== ".")
  if (parts.includes("..")) throw new Refusal("EINVAL", `${relative} must not contain ".."`)
  return parts
}

const openChild = async (parent: fs.FileHandle, name: string, createMode: number | undefined) => {
  const path = `/proc/self/fd/${parent.fd}/${name}`
  const open = () => fs.open(path, O_PATH | constants.O_NOFOLLOW)
  if (createMode === undefined) return open()
  return open().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error
    await fs.mkdir(path, { mode: createMode & 0o777 }).catch((failure: NodeJS.ErrnoException) => {
      // Somebody in the volume was faster: what they made is opened, and refused if it is a link.
      if (failure.code !== "EEXIST") throw failure
    })
    const child = await open()
    // The umask took bits away; set-group-id came from the parent and has to stay.
    const stat = await child.stat()
    if (stat.isDirectory()) await fs.chmod(`/proc/self/fd/${child.fd}`, (stat.mode & 0o7000) | createMode)
    return child
  })
}

/** The caller closes the handle. */
export const openBeneath = async (
  root: string,
  relative: string,
  createMode: number | undefined
): Promise<{ readonly handle: fs.FileHandle; readonly stat: Stats }> => {
  const names = components(relative)
  let handle = await fs.open(root, O_PATH)
  try {
    for (const name of names) {
      const child = await openChild(handle, name, createMode)
      await handle.close()
      handle = child
      if ((await handle.stat()).isSymbolicLink()) {
        throw new Refusal("ELOOP", `${name} of ${relative} is a symbolic link`)
      }
    }
    return { handle, stat: await handle.stat() }
  } catch (error) {
    await handle.close()
    throw error
  }
}
