/** The root certificate that pods are given, in every namespace. */
import { configMaps } from "../../../domain/k8s/resources.ts"
import type { MemoryApi } from "./MemoryApi.ts"
import { kindOf, loopback } from "./state.ts"
import { update } from "./verbUpdate.ts"

const name = "kube-root-ca.crt"

/** Publishes a certificate, PEM, to all namespaces, those to come included. */
export const publishRoot = ({ state }: MemoryApi, certificate: string): void => {
  const kind = kindOf(state, configMaps)
  state.root.certificate = certificate
  for (const { metadata } of state.store.shelf(kind).objects.list()) {
    if (metadata.name !== name) continue
    const { namespace = "" } = metadata
    update(state, {
      target: { kind, namespace, name, subresource: "" },
      object: { metadata: { name }, data: { "ca.crt": certificate } },
      options: { user: loopback }
    })
  }
}
