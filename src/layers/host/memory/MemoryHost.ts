/**
 * One machine's files and mounts in memory. The handle outlives the agents that run on it, so that a test can crash one
 * and start another on what it left; tests and the simulated runtime use its methods to play the rest of the machine.
 * Methods throw `Errno`, as a system call would refuse.
 */
import { Errno, type Inode, type InodeSpec, link, MemoryFs, notify, unlink } from "./inode.ts"
import { type Mounted, MountTable, names, type Place } from "./MountTable.ts"

export interface MemoryHostOptions {
  readonly bytes?: number
  readonly inodes?: number
}

export interface Content {
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly nowMs?: number
}

const gib = 1024 ** 3

export class MemoryHost {
  readonly #devices = new Map<string, MemoryFs>()
  readonly #busy = new Set<string>()
  readonly #root: MemoryFs
  table: MountTable
  /** Grows with whatever can take something out of sight: what was seen at the same number is still there. */
  losses = 0
  #nextDev = 1

  constructor(options: MemoryHostOptions = {}) {
    this.#root = this.#format("ext4", "/dev/root", [], options.bytes ?? 100 * gib, options.inodes ?? 6_553_600, 0o755)
    this.table = new MountTable(this.#root)
  }

  #format(
    fsType: string,
    source: string,
    superOptions: ReadonlyArray<string>,
    bytes: number,
    inodes: number,
    rootMode: number
  ): MemoryFs {
    return new MemoryFs({ dev: this.#nextDev++, fsType, source, superOptions, bytes, inodes, rootMode, mtimeMs: 0 })
  }

  /** A disk or export that `Mounts.mount` can name as its source; its content stays when it is unmounted. */
  addDevice(source: string, fsType: string, size: { readonly bytes?: number; readonly inodes?: number } = {}): void {
    this.#devices.set(source, this.#format(fsType, source, [], size.bytes ?? gib, size.inodes ?? 65_536, 0o755))
  }

  /** Changes how much fits on the file system of the path, below what is used too: the disk is full then. */
  limit(path: string, size: { readonly bytes?: number; readonly inodes?: number }): void {
    const { fs } = this.at(path).inode
    fs.bytes = size.bytes ?? fs.bytes
    fs.inodes = size.inodes ?? fs.inodes
  }

  /** Somebody has a file open there: unmounting it is refused until they let go. */
  setBusy(mountPoint: string, busy: boolean): void {
    if (busy) this.#busy.add(mountPoint)
    else this.#busy.delete(mountPoint)
  }

  /** The machine starts anew: mounts and what lay on tmpfs are gone, disks stay. */
  reboot(): void {
    this.table = new MountTable(this.#root)
    this.losses += 1
    this.#busy.clear()
  }

  at(path: string, follow = true): Place {
    const place = this.table.find(path, follow)
    if (place === undefined) throw new Errno("ENOENT")
    return place
  }

  /** The directory and last name of a path that may not exist yet. */
  #slot(path: string): { readonly parent: Place; readonly name: string } {
    const name = names(path).at(-1)
    if (name === undefined) throw new Errno("EEXIST")
    if (name === "..") throw new Errno("EINVAL")
    const parent = this.at(path.slice(0, path.replace(/\/+$/, "").length - name.length) || "/")
    if (parent.inode.type !== "directory") throw new Errno("ENOTDIR")
    return { parent, name }
  }

  #writable(place: Place): void {
    if (place.mount.options.includes("ro")) throw new Errno("EROFS")
  }

  /** Makes an entry where none is. */
  create(path: string, spec: Omit<InodeSpec, "mtimeMs">, nowMs = 0): Inode {
    const { name, parent } = this.#slot(path)
    return this.createIn(parent, name, spec, nowMs)
  }

  createIn(parent: Place, name: string, spec: Omit<InodeSpec, "mtimeMs">, nowMs: number): Inode {
    if (parent.inode.entries.has(name)) throw new Errno("EEXIST")
    this.#writable(parent)
    const inode = parent.inode.fs.make({ ...spec, mtimeMs: nowMs })
    // A directory with the set-group-id bit hands its group down.
    if ((parent.inode.mode & 0o2000) !== 0) {
      inode.gid = parent.inode.gid
      if (spec.type === "directory") inode.mode |= 0o2000
    }
    this.table.forgetPaths()
    link(parent.inode, name, inode, nowMs)
    return inode
  }

  makeDirectories(path: string, mode = 0o755, nowMs = 0): void {
    let at = "/"
    for (const name of names(path)) {
      at = at === "/" ? `/${name}` : `${at}/${name}`
      const there = this.table.find(at, true)
      if (there === undefined) this.create(at, { type: "directory", mode }, nowMs)
      else if (there.inode.type !== "directory") throw new Errno("ENOTDIR")
    }
  }

  write(path: string, data: string | Uint8Array, options: Content = {}): void {
    const nowMs = options.nowMs ?? 0
    const place = this.table.find(path, true)
    if (place?.inode.type === "directory") throw new Errno("EISDIR")
    if (place !== undefined) this.#writable(place)
    const inode = place?.inode ?? this.create(path, { type: "file", mode: options.mode ?? 0o644 }, nowMs)
    inode.fs.fill(inode, typeof data === "string" ? new TextEncoder().encode(data) : data.slice(), nowMs)
    inode.mode = options.mode ?? inode.mode
    inode.uid = options.uid ?? inode.uid
    inode.gid = options.gid ?? inode.gid
    notify(inode)
  }

  read(path: string): Uint8Array {
    const { inode } = this.at(path)
    if (inode.type === "directory") throw new Errno("EISDIR")
    return inode.data
  }

  readText(path: string): string {
    return new TextDecoder().decode(this.read(path))
  }

  exists(path: string): boolean {
    return this.table.find(path, false) !== undefined
  }

  #removable(path: string): Place {
    const place = this.at(path, false)
    if (place.inode === place.mount.root || this.table.isCovered(place.inode)) throw new Errno("EBUSY")
    this.#writable(place)
    this.losses += 1
    return place
  }

  removeFile(path: string, nowMs = 0): void {
    const { inode } = this.#removable(path)
    if (inode.type === "directory") throw new Errno("EISDIR")
    this.#take(inode, nowMs)
  }

  removeDirectory(path: string, nowMs = 0): void {
    const { inode } = this.#removable(path)
    if (inode.type !== "directory") throw new Errno("ENOTDIR")
    if (inode.entries.size > 0) throw new Errno("ENOTEMPTY")
    this.#take(inode, nowMs)
  }

  removeTree(path: string, nowMs = 0): void {
    const place = this.table.find(path, false)
    if (place === undefined) return
    const real = this.table.pathOf(place)
    const mount = this.mountPoints().find((point) => point === real || point.startsWith(`${real}/`))
    if (mount !== undefined) throw new Errno(mount === real ? "EBUSY" : "EXDEV", `${mount} is a mount point`)
    this.#writable(place)
    this.#drop(this.#removable(path).inode, nowMs)
  }

  #drop(inode: Inode, nowMs: number): void {
    for (const child of inode.entries.values()) this.#drop(child, nowMs)
    this.#take(inode, nowMs)
  }

  #take(inode: Inode, nowMs: number): void {
    this.table.forgetPaths()
    unlink(inode, nowMs)
    inode.fs.drop(inode)
  }

  rename(from: string, to: string, nowMs = 0): void {
    const { inode } = this.#removable(from)
    const slot = this.#slot(to)
    if (slot.parent.inode.fs !== inode.fs) throw new Errno("EXDEV")
    const replaced = slot.parent.inode.entries.get(slot.name)
    if (replaced === inode) return
    if (replaced !== undefined) {
      if (replaced.type === "directory" && inode.type !== "directory") throw new Errno("EISDIR")
      if (replaced.type !== "directory" && inode.type === "directory") throw new Errno("ENOTDIR")
      if (replaced.entries.size > 0) throw new Errno("ENOTEMPTY")
      this.#drop(replaced, nowMs)
    }
    this.table.forgetPaths()
    inode.parent?.entries.delete(inode.name)
    for (const watcher of inode.parent?.watchers ?? []) watcher.changed()
    link(slot.parent.inode, slot.name, inode, nowMs)
  }

  mountPoints(): ReadonlyArray<string> {
    return this.table.mounts.map((mounted) => this.table.entryOf(mounted).mountPoint)
  }

  mount(
    request: {
      readonly source: string
      readonly fsType: string
      readonly target: string
      readonly options: ReadonlyArray<string>
    }
  ) {
    const at = this.at(request.target)
    if (at.inode.type !== "directory") throw new Errno("ENOTDIR")
    const fs = this.#open(request.source, request.fsType, request.options)
    const read = request.options.includes("ro") ? "ro" : "rw"
    this.#attach(at, fs, fs.root, [read, "relatime"])
  }

  #open(source: string, fsType: string, options: ReadonlyArray<string>): MemoryFs {
    if (fsType === "tmpfs" || fsType === "hugetlbfs") {
      const mode = option(options, "mode")
      const size = option(options, "size")
      const kept = options.filter((one) => one !== "ro" && one !== "rw")
      return this.#format(
        fsType,
        source,
        ["rw", ...kept],
        size === undefined ? 8 * gib : sizeOf(size),
        1_000_000,
        mode === undefined ? (fsType === "tmpfs" ? 0o1777 : 0o755) : Number.parseInt(mode, 8)
      )
    }
    const device = this.#devices.get(source)
    if (device === undefined) throw new Errno("ENOENT", `special device ${source} does not exist`)
    if (fsType !== "" && device.fsType !== fsType) {
      throw new Errno("EINVAL", `wrong fs type, bad superblock on ${source}`)
    }
    return device
  }

  bind(source: string, target: string, recursive: boolean): Mounted {
    const from = this.at(source)
    const at = this.at(target)
    if ((from.inode.type === "directory") !== (at.inode.type === "directory")) throw new Errno("ENOTDIR")
    const bound = this.#attach(at, from.mount.fs, from.inode, from.mount.options)
    if (recursive) this.#bindBelow(from, bound)
    return bound
  }

  /** The mounts of the source come along, each at the same place below the copy. */
  #bindBelow(from: Place, bound: Mounted): void {
    for (const child of this.table.childrenOf(from.mount)) {
      if (child === bound || child.on === undefined || !isBelow(child.on, from.inode)) continue
      const copy = this.#attach({ mount: bound, inode: child.on }, child.fs, child.root, child.options)
      this.#bindBelow({ mount: child, inode: child.root }, copy)
    }
  }

  /** The topmost mount of the path. */
  mountAt(path: string): Mounted {
    const place = this.table.find(path, true)
    if (place === undefined) throw new Errno("ENOENT")
    if (place.inode !== place.mount.root || place.mount.parent === undefined) throw new Errno("EINVAL", "not mounted")
    return place.mount
  }

  unmount(path: string, lazy: boolean): void {
    const mounted = this.mountAt(path)
    const children = this.table.childrenOf(mounted)
    const held = this.#busy.has(this.table.entryOf(mounted).mountPoint)
    if (!lazy && (children.length > 0 || held)) throw new Errno("EBUSY", "target is busy")
    this.#detach(mounted)
  }

  #detach(mounted: Mounted): void {
    for (const child of this.table.childrenOf(mounted)) this.#detach(child)
    this.table.detach(mounted)
    this.losses += 1
  }

  #attach(at: Place, fs: MemoryFs, root: Inode, options: ReadonlyArray<string>): Mounted {
    this.losses += 1
    return this.table.attach(at, fs, root, options)
  }
}

const isBelow = (inode: Inode, ancestor: Inode): boolean => {
  for (let at: Inode | undefined = inode; at !== undefined; at = at.parent) if (at === ancestor) return true
  return false
}

const option = (options: ReadonlyArray<string>, key: string): string | undefined =>
  options.find((one) => one.startsWith(`${key}=`))?.slice(key.length + 1)

const units: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: gib }

const sizeOf = (text: string): number => {
  const [, digits, unit] = /^(\d+)([kmg]?)$/i.exec(text) ?? []
  if (digits === undefined) throw new Errno("EINVAL", `bad size ${text}`)
  return Number(digits) * (units[unit?.toLowerCase() ?? ""] ?? 1)
}
