/** The in-memory mount table and the walk of a path through it, with the kernel's rules for links, `..` and stacking. */
import type { MountEntry } from "../Mounts.ts"
import { Errno, type Inode, type MemoryFs } from "./inode.ts"

export interface Mounted {
  readonly id: number
  readonly parent: Mounted | undefined
  /** The entry of the parent mount that this one hides. */
  readonly on: Inode | undefined
  readonly fs: MemoryFs
  readonly root: Inode
  options: ReadonlyArray<string>
  propagation: ReadonlyArray<string>
}

/** An entry as reached through a mount. */
export interface Place {
  readonly mount: Mounted
  readonly inode: Inode
}

const maxLinks = 40
const pinned = /^\/proc\/\d+\/fd\/(\d+)(\/.*)?$/

export class MountTable {
  readonly #covers = new Map<Inode, Array<Mounted>>()
  readonly #pins = new Map<number, Place>()
  /** Where paths led since anything was last made, moved or removed: a node asks for the same ones over and over. */
  readonly #found = new Map<string, Place>()
  readonly rootMount: Mounted
  mounts: Array<Mounted>
  #nextId = 1
  #nextPin = 3

  constructor(root: MemoryFs) {
    this.rootMount = {
      id: this.#nextId++,
      parent: undefined,
      on: undefined,
      fs: root,
      root: root.root,
      options: ["rw", "relatime"],
      propagation: []
    }
    this.mounts = [this.rootMount]
  }

  attach(at: Place, fs: MemoryFs, root: Inode, options: ReadonlyArray<string>): Mounted {
    const mounted: Mounted = { id: this.#nextId++, parent: at.mount, on: at.inode, fs, root, options, propagation: [] }
    this.forgetPaths()
    this.mounts.push(mounted)
    this.#covers.set(at.inode, [...(this.#covers.get(at.inode) ?? []), mounted])
    return mounted
  }

  detach(mounted: Mounted): void {
    this.forgetPaths()
    this.mounts = this.mounts.filter((other) => other !== mounted)
    if (mounted.on === undefined) return
    const rest = (this.#covers.get(mounted.on) ?? []).filter((other) => other !== mounted)
    if (rest.length === 0) this.#covers.delete(mounted.on)
    else this.#covers.set(mounted.on, rest)
  }

  childrenOf(mounted: Mounted): ReadonlyArray<Mounted> {
    return this.mounts.filter((other) => other.parent === mounted)
  }

  /** Something is mounted on the entry, through whatever mount it is reached: it can be neither removed nor renamed. */
  isCovered(inode: Inode): boolean {
    return this.#covers.has(inode)
  }

  /** The topmost mount on the place. */
  surface(place: Place): Place {
    if (this.#covers.size === 0) return place
    const over = this.#covers.get(place.inode)?.findLast((mounted) => mounted.parent === place.mount)
    return over === undefined ? place : this.surface({ mount: over, inode: over.root })
  }

  pathOf(place: Place): string {
    const { inode, mount } = place
    if (inode === mount.root) {
      if (mount.parent === undefined || mount.on === undefined) return "/"
      return this.pathOf({ mount: mount.parent, inode: mount.on })
    }
    if (inode.parent === undefined) return "/"
    const parent = this.pathOf({ mount, inode: inode.parent })
    return parent === "/" ? `/${inode.name}` : `${parent}/${inode.name}`
  }

  entryOf(mounted: Mounted): MountEntry {
    const within: Array<string> = []
    for (let at: Inode | undefined = mounted.root; at?.parent !== undefined; at = at.parent) within.unshift(at.name)
    return {
      id: mounted.id,
      parentId: mounted.parent?.id ?? 0,
      device: `0:${mounted.fs.dev}`,
      root: `/${within.join("/")}`,
      mountPoint: this.pathOf({ mount: mounted, inode: mounted.root }),
      options: mounted.options,
      propagation: mounted.propagation,
      fsType: mounted.fs.fsType,
      source: mounted.fs.source,
      superOptions: mounted.fs.superOptions
    }
  }

  pin(place: Place): number {
    const number = this.#nextPin++
    this.#pins.set(number, place)
    return number
  }

  unpin(number: number): void {
    this.#pins.delete(number)
  }

  #climb(place: Place): Place {
    const { inode, mount } = place
    if (inode !== mount.root) return { mount, inode: inode.parent ?? inode }
    if (mount.parent === undefined || mount.on === undefined) return place
    return this.#climb({ mount: mount.parent, inode: mount.on })
  }

  /** One step down or up; nothing when there is no such entry. Links are not followed. */
  step(place: Place, name: string): Place | undefined {
    if (place.inode.type !== "directory") throw new Errno("ENOTDIR")
    if (name === "..") return this.#climb(place)
    const child = place.inode.entries.get(name)
    return child === undefined ? undefined : this.surface({ mount: place.mount, inode: child })
  }

  #start(path: string): { readonly place: Place; readonly rest: string } {
    const pin = path.startsWith("/proc/") ? pinned.exec(path) : null
    if (pin !== null) {
      const place = this.#pins.get(Number(pin[1]))
      if (place === undefined) throw new Errno("ENOENT")
      return { place, rest: pin[2] ?? "" }
    }
    if (!path.startsWith("/")) throw new Errno("EINVAL", `${path} is not absolute`)
    return { place: this.surface({ mount: this.rootMount, inode: this.rootMount.root }), rest: path }
  }

  /** To be called whenever an entry is made, moved or removed. */
  forgetPaths(): void {
    if (this.#found.size > 0) this.#found.clear()
  }

  /** Where the path leads; nothing when it does not exist. */
  find(path: string, follow: boolean): Place | undefined {
    const known = follow ? this.#found.get(path) : undefined
    if (known !== undefined) return known
    const { place, rest } = this.#start(path)
    const found = this.#walk(place, rest, follow, maxLinks)
    // What is pinned is let go without a change of the tree.
    if (follow && found !== undefined && !path.startsWith("/proc/")) this.#found.set(path, found)
    return found
  }

  /** Cuts one name after the other off the path: a simulated node walks thousands of paths a minute. */
  #walk(from: Place, path: string, follow: boolean, linksLeft: number): Place | undefined {
    let { inode, mount } = from
    for (let at = 0, end = 0; at < path.length; at = end + 1) {
      end = path.indexOf("/", at)
      if (end < 0) end = path.length
      const name = path.slice(at, end)
      if (name === "" || name === ".") continue
      if (inode.type !== "directory") throw new Errno("ENOTDIR")
      const child = inode.entries.get(name)
      if (child === undefined || this.#covers.has(child)) {
        const next = this.step({ mount, inode }, name)
        if (next === undefined) return undefined
        inode = next.inode
        mount = next.mount
      } else if (child.type !== "symlink" || (!follow && names(path.slice(end)).length === 0)) inode = child
      else {
        if (linksLeft === 0) throw new Errno("ELOOP")
        const { target } = child
        const base = target.startsWith("/") ? this.#start(target) : { place: { mount, inode }, rest: target }
        return this.#walk(base.place, base.rest + path.slice(end), follow, linksLeft - 1)
      }
    }
    return { mount, inode }
  }
}

export const names = (path: string): ReadonlyArray<string> =>
  path.split("/").filter((name) => name !== "" && name !== ".")
