/** The authorities that a projected volume shows: those of one bundle by its name, or of all that a signer vouches for (parity I8). */
import { Lookup } from "../config/lookups.ts"
import type { ClusterTrustBundle } from "../k8s/clusterTrustBundle.ts"
import type { LabelSelector } from "../k8s/meta.ts"
import { isSelected } from "../k8s/selectors.ts"
import { certificatePem, pemBodies } from "./pem.ts"

export interface TrustWish {
  /** One of `name` and `signerName`. */
  readonly name: string | undefined
  readonly signerName: string | undefined
  /** Undefined selects nothing, empty selects all. */
  readonly labelSelector: LabelSelector | undefined
}

/** Each authority once, in an order that does not depend on how the bundles came. */
const merged = (bundles: ReadonlyArray<ClusterTrustBundle>): string =>
  certificatePem([...new Set(bundles.flatMap(({ spec }) => pemBodies(spec.trustBundle)))].sort())

/** PEM of what is wished for. */
export const trustAnchors = (bundles: ReadonlyArray<ClusterTrustBundle>, wish: TrustWish): Lookup<string> => {
  if (wish.name !== undefined) {
    const named = bundles.filter(({ metadata }) => metadata.name === wish.name)
    return named.length === 0 ? Lookup.Missing() : Lookup.Found({ value: merged(named) })
  }
  const chosen = bundles.filter(({ metadata, spec }) =>
    spec.signerName === wish.signerName && isSelected(wish.labelSelector, metadata.labels ?? {})
  )
  return chosen.length === 0 ? Lookup.Missing() : Lookup.Found({ value: merged(chosen) })
}

/** What users read when there is nothing to show. */
export const missingTrust = ({ name }: TrustWish): string =>
  name === undefined
    ? "combination of signerName and labelSelector matched zero ClusterTrustBundles"
    : `while getting ClusterTrustBundle: clustertrustbundle.certificates.k8s.io "${name}" not found`
