/**
 * The ids that the runtime is known to hold, by pod, with the state that the last look at each has shown. It only
 * remembers, and says where a new listing differs; asking the runtime is `RuntimeView`'s business.
 */
import type { ObservedContainer } from "../../domain/pod/model.ts"
import type { ListedContainer, ListedSandbox, Listing } from "../../domain/runtime/listing.ts"
import { runningState } from "../../domain/runtime/observed.ts"

/** A pod that the runtime holds something of, as its labels name it. */
export interface RuntimePod {
  readonly uid: string
  readonly name: string
  readonly namespace: string
  readonly sandboxIds: ReadonlyArray<string>
  readonly containerIds: ReadonlyArray<string>
}

interface Entry {
  name: string
  namespace: string
  /** Sandbox id → state at the last look. */
  readonly sandboxes: Map<string, string>
  /** Container id → state at the last look and the sandbox it lives in. */
  readonly containers: Map<string, { readonly state: string; readonly sandboxId: string }>
}

/** Where a listing differs from what has been seen. */
export interface Change {
  readonly uid: string
  readonly id: string
}

/** The state of an id that no look has shown yet: it differs from every state that a listing can show. */
const unseen = ""

export class RuntimeIndex {
  readonly #pods = new Map<string, Entry>()
  /** Sandbox or container id → UID of its pod. */
  readonly #owners = new Map<string, string>()
  /** Where the log of a container lies never changes. */
  readonly #logPaths = new Map<string, string>()
  /** An exited container never changes again, so its record is asked for once. */
  readonly #exited = new Map<string, ObservedContainer>()
  /** By container: who wants to be told of its end. */
  readonly #waiting = new Map<string, Set<() => void>>()
  /** Containers that the last look at each has shown to run. */
  readonly #running = new Set<string>()

  noteSandbox(uid: string, sandboxId: string): void {
    this.#entryOf(uid).sandboxes.set(sandboxId, unseen)
    this.#owners.set(sandboxId, uid)
  }

  noteContainer(uid: string, sandboxId: string, containerId: string): void {
    this.#entryOf(uid).containers.set(containerId, { state: unseen, sandboxId })
    this.#running.delete(containerId)
    this.#owners.set(containerId, uid)
  }

  /** A look has shown the state of a known id, as `listedState` names it. */
  noteState(id: string, state: string): void {
    const entry = this.#pods.get(this.#owners.get(id) ?? "")
    const container = entry?.containers.get(id)
    if (container !== undefined) {
      entry?.containers.set(id, { ...container, state })
      if (state === runningState) this.#running.add(id)
      else this.#running.delete(id)
    } else if (entry?.sandboxes.has(id) === true) entry.sandboxes.set(id, state)
  }

  noteLogPath(containerId: string, path: string): void {
    this.#logPaths.set(containerId, path)
  }

  logPathOf(containerId: string): string | undefined {
    return this.#logPaths.get(containerId)
  }

  noteExited(containerId: string, container: ObservedContainer): void {
    this.#exited.set(containerId, container)
    this.#tellEnd(containerId)
  }

  exited(containerId: string): ObservedContainer | undefined {
    return this.#exited.get(containerId)
  }

  ownerOf(id: string): string | undefined {
    return this.#owners.get(id)
  }

  /** All ids known now: what `take` may find vanished. */
  ids(): ReadonlySet<string> {
    return new Set(this.#owners.keys())
  }

  sandboxesOf(uid: string): ReadonlyArray<string> {
    return [...this.#pods.get(uid)?.sandboxes.keys() ?? []]
  }

  containersOf(uid: string): ReadonlyArray<{ readonly id: string; readonly sandboxId: string }> {
    return [...this.#pods.get(uid)?.containers ?? []].map(([id, { sandboxId }]) => ({ id, sandboxId }))
  }

  running(): ReadonlySet<string> {
    return this.#running
  }

  pods(isMeant: (uid: string) => boolean = () => true): ReadonlyArray<RuntimePod> {
    const meant: Array<RuntimePod> = []
    for (const [uid, { containers, name, namespace, sandboxes }] of this.#pods) {
      if (!isMeant(uid)) continue
      meant.push({ uid, name, namespace, sandboxIds: [...sandboxes.keys()], containerIds: [...containers.keys()] })
    }
    return meant
  }

  /** Drops a sandbox or container of a pod. */
  drop(uid: string, id: string): void {
    const entry = this.#pods.get(uid)
    entry?.sandboxes.delete(id)
    entry?.containers.delete(id)
    this.#running.delete(id)
    this.#owners.delete(id)
    this.#exited.delete(id)
    this.#logPaths.delete(id)
    this.#tellEnd(id)
  }

  /** Calls `tell` once the container is known to have exited or to be gone, which may be now. Gives what takes it back. */
  onEnd(containerId: string, tell: () => void): () => void {
    if (this.#exited.has(containerId) || !this.#owners.has(containerId)) {
      tell()
      return () => {}
    }
    const waiting = this.#waiting.get(containerId) ?? new Set()
    this.#waiting.set(containerId, waiting.add(tell))
    return () => {
      waiting.delete(tell)
      if (waiting.size === 0) this.#waiting.delete(containerId)
    }
  }

  forget(uid: string): void {
    for (const id of this.sandboxesOf(uid)) this.drop(uid, id)
    for (const { id } of this.containersOf(uid)) this.drop(uid, id)
    this.#pods.delete(uid)
  }

  /**
   * Makes the ids of the listing what is known and returns where it differs from what has been seen, as every listing
   * does until somebody has looked. Only ids of `before`, those known when the listing was asked for, can have vanished:
   * what came to be known since is newer than the listing.
   */
  take(listing: Listing, before: ReadonlySet<string>): ReadonlyArray<Change> {
    const changed = [
      ...listing.sandboxes.filter((sandbox) => this.#takeSandbox(sandbox)),
      ...listing.containers.filter((container) => this.#takeContainer(container)),
      ...this.#dropVanished(listing, before)
    ]
    for (const [uid, { containers, sandboxes }] of this.#pods) {
      if (sandboxes.size === 0 && containers.size === 0) this.#pods.delete(uid)
    }
    return changed
  }

  #tellEnd(containerId: string): void {
    const waiting = this.#waiting.get(containerId)
    this.#waiting.delete(containerId)
    for (const tell of waiting ?? []) tell()
  }

  #takeSandbox({ id, name, namespace, state, uid }: ListedSandbox): boolean {
    const entry = this.#entryOf(uid)
    const seen = entry.sandboxes.get(id) ?? unseen
    entry.name = name
    entry.namespace = namespace
    entry.sandboxes.set(id, seen)
    this.#owners.set(id, uid)
    return seen !== state
  }

  #takeContainer({ id, sandboxId, state, uid }: ListedContainer): boolean {
    const entry = this.#entryOf(uid)
    const seen = entry.containers.get(id)?.state ?? unseen
    entry.containers.set(id, { state: seen, sandboxId })
    this.#owners.set(id, uid)
    return seen !== state
  }

  #dropVanished(listing: Listing, before: ReadonlySet<string>): ReadonlyArray<Change> {
    const present = new Set([...listing.sandboxes, ...listing.containers].map(({ id }) => id))
    const changed: Array<Change> = []
    for (const id of before) {
      const uid = this.#owners.get(id)
      if (uid === undefined || present.has(id)) continue
      changed.push({ uid, id })
      this.drop(uid, id)
    }
    return changed
  }

  #entryOf(uid: string): Entry {
    const known = this.#pods.get(uid)
    if (known !== undefined) return known
    const entry: Entry = { name: "", namespace: "", sandboxes: new Map(), containers: new Map() }
    this.#pods.set(uid, entry)
    return entry
  }
}
