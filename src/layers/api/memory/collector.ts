/** Garbage collection: dependents are deleted when the last of their owners is gone, or before it in the foreground. */
import { type JsonObject, listOf, objectsOf, put, textOf } from "../../../domain/k8s/json.ts"
import type { KubeObject } from "../KubeApi.ts"
import type { Change } from "./history.ts"
import type { ApiKind } from "./kinds.ts"
import type { Reaction } from "./reactions.ts"
import { keyOf } from "./revision.ts"
import { kubeObject, type State } from "./state.ts"
import { remove } from "./verbDelete.ts"

interface Dependent {
  readonly kind: ApiKind
  readonly namespace: string
  readonly name: string
}

const ownersOf = (object: KubeObject | undefined): ReadonlyArray<JsonObject> =>
  object === undefined ? [] : objectsOf(object.metadata["ownerReferences"])

const withMeta = (object: KubeObject, key: string, value: ReadonlyArray<unknown>): KubeObject =>
  kubeObject(put(object, "metadata", put(object.metadata, key, value.length === 0 ? undefined : value)))

/** Who depends on whom, by the uid of the owner. */
class Ownership {
  readonly #byOwner = new Map<string, Map<string, Dependent>>()

  follow(kind: ApiKind, { type, object, before }: Change): void {
    if (before?.metadata["ownerReferences"] === object.metadata["ownerReferences"] && type === "MODIFIED") return
    const key = `${kind.plural}.${kind.group} ${keyOf(object)}`
    for (const owner of ownersOf(before)) {
      const uid = textOf(owner["uid"])
      const dependents = this.#byOwner.get(uid)
      dependents?.delete(key)
      if (dependents?.size === 0) this.#byOwner.delete(uid)
    }
    if (type === "DELETED") return
    const { namespace = "", name = "" } = object.metadata
    for (const owner of ownersOf(object)) {
      const uid = textOf(owner["uid"])
      const dependents = this.#byOwner.get(uid) ?? new Map<string, Dependent>()
      this.#byOwner.set(uid, dependents)
      dependents.set(key, { kind, namespace, name })
    }
  }

  of(uid: string): ReadonlyArray<Dependent> {
    return [...this.#byOwner.get(uid)?.values() ?? []]
  }
}

export const makeCollector = (state: State): Reaction => {
  const ownership = new Ownership()
  /** Owners whose deletion waits for their dependents. */
  const waiting = new Map<string, Dependent>()

  const current = ({ kind, namespace, name }: Dependent) => state.store.get(kind, namespace, name)

  const lettingGo = (owner: KubeObject, kind: ApiKind, finalizer: string): void => {
    const rest = listOf(owner.metadata["finalizers"]).filter((one) => one !== finalizer)
    const held = rest.length > 0 || (owner.metadata["deletionGracePeriodSeconds"] ?? 0) !== 0
    if (held) state.store.put(kind, withMeta(owner, "finalizers", rest))
    else state.store.remove(kind, owner)
  }

  const deleteDependents = (uid: string): void => {
    for (const dependent of ownership.of(uid)) {
      const object = current(dependent)
      if (object === undefined || object.metadata["deletionTimestamp"] !== undefined) continue
      const others = ownersOf(object).filter((owner) => owner["uid"] !== uid)
      if (others.length > 0) state.store.put(dependent.kind, withMeta(object, "ownerReferences", others))
      else remove(state, { ...dependent, options: {} })
    }
  }

  const orphan = (uid: string): void => {
    for (const dependent of ownership.of(uid)) {
      const object = current(dependent)
      if (object === undefined) continue
      const others = ownersOf(object).filter((owner) => owner["uid"] !== uid)
      state.store.put(dependent.kind, withMeta(object, "ownerReferences", others))
    }
  }

  const finishWaiting = (uid: string): void => {
    const waits = waiting.get(uid)
    if (waits === undefined || ownership.of(uid).length > 0) return
    waiting.delete(uid)
    const owner = current(waits)
    if (owner?.metadata.uid === uid) lettingGo(owner, waits.kind, "foregroundDeletion")
  }

  return (kind, change) => {
    ownership.follow(kind, change)
    const { object, before, type } = change
    const { name = "", namespace = "", uid = "" } = object.metadata
    const finalizers = listOf(object.metadata["finalizers"])
    if (type === "DELETED") {
      waiting.delete(uid)
      deleteDependents(uid)
      for (const owner of ownersOf(before)) finishWaiting(textOf(owner["uid"]))
    } else if (object.metadata["deletionTimestamp"] !== undefined && finalizers.includes("orphan")) {
      orphan(uid)
      const owner = state.store.get(kind, namespace, name)
      if (owner?.metadata.uid === uid) lettingGo(owner, kind, "orphan")
    } else if (object.metadata["deletionTimestamp"] !== undefined && finalizers.includes("foregroundDeletion")) {
      if (waiting.has(uid)) return
      waiting.set(uid, { kind, namespace, name })
      deleteDependents(uid)
      finishWaiting(uid)
    }
  }
}
