/** A new namespace gets its default service account and the server's CA; one that is deleted takes its contents along. */
import { listOf, putAt } from "../../../domain/k8s/json.ts"
import { configMaps, namespaces, serviceAccounts } from "../../../domain/k8s/resources.ts"
import type { KubeObject } from "../KubeApi.ts"
import type { Reaction } from "./reactions.ts"
import { kindOf, kubeObject, loopback, type State } from "./state.ts"
import { create } from "./verbCreate.ts"
import { remove } from "./verbDelete.ts"

export const makeNamespaces = (state: State): Reaction => {
  const kindOfSpace = kindOf(state, namespaces)
  const namespaced = state.kinds.filter((kind) => kind.namespaced && !kind.virtual)

  const furnish = (namespace: string): void => {
    const account = { metadata: { name: "default" } }
    const authority = { metadata: { name: "kube-root-ca.crt" }, data: { "ca.crt": state.root.certificate } }
    const options = { user: loopback }
    create(state, { kind: kindOf(state, serviceAccounts), namespace, object: account, options })
    create(state, { kind: kindOf(state, configMaps), namespace, object: authority, options })
  }

  const isEmpty = (namespace: string): boolean =>
    namespaced.every((kind) => state.store.shelf(kind).objects.countIn(namespace) === 0)

  /** Removes a namespace that is being deleted once nothing is left in it and nobody else holds it. */
  const finish = (namespace: string): void => {
    const space = state.store.get(kindOfSpace, "", namespace)
    if (space?.metadata["deletionTimestamp"] === undefined || !isEmpty(namespace)) return
    const emptied = kubeObject(putAt(space, ["spec", "finalizers"], undefined))
    if (listOf(space.metadata["finalizers"]).length === 0) state.store.remove(kindOfSpace, emptied)
  }

  const clear = (space: KubeObject): void => {
    const namespace = space.metadata.name ?? ""
    for (const kind of namespaced) {
      for (const { metadata } of state.store.shelf(kind).objects.list({ namespace })) {
        remove(state, { kind, namespace, name: metadata.name ?? "", options: {} })
      }
    }
    finish(namespace)
  }

  return (kind, { type, object, before }) => {
    if (kind === kindOfSpace) {
      if (type === "ADDED") furnish(object.metadata.name ?? "")
      else if (type === "MODIFIED" && object.metadata["deletionTimestamp"] !== undefined) {
        if (before?.metadata["deletionTimestamp"] === undefined) clear(object)
        else finish(object.metadata.name ?? "")
      }
    } else if (type === "DELETED" && kind.namespaced) finish(object.metadata.namespace ?? "")
  }
}
