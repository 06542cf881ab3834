/** What a pod's content volumes are made of, asked of the caches: nothing here waits for the server. */
import { Effect } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { ContentSource, DesiredVolume } from "../../domain/volumes/desired.ts"
import { type ContentInputs, type Supply, supplyOf, type TokenWish } from "../../domain/volumes/payload.ts"
import type { CertificateWish } from "../../domain/volumes/podCertificates.ts"
import type { TrustWish } from "../../domain/volumes/trustBundles.ts"
import { ObjectCache } from "./ObjectCache.ts"
import { PodCertificates } from "./PodCertificates.ts"
import { ServiceAccountTokens } from "./ServiceAccountTokens.ts"
import { TrustBundles } from "./TrustBundles.ts"
import { VolumeHost } from "./VolumeHost.ts"

/** The tokens that these volumes show. */
export const tokenWishes = (volumes: ReadonlyArray<DesiredVolume>): ReadonlyArray<TokenWish> =>
  volumes.flatMap(({ source }) =>
    source._tag === "Content" ? source.sources.filter((part) => part._tag === "Token") : []
  )

/** The certificates that these volumes show. */
export const certificateWishes = (volumes: ReadonlyArray<DesiredVolume>): ReadonlyArray<CertificateWish> =>
  volumes.flatMap(({ source }) =>
    source._tag === "Content" ? source.sources.flatMap((part) => part._tag === "Certificate" ? [part.wish] : []) : []
  )

/** Whether any of these volumes shows authorities of the cluster. */
export const showsTrust = (volumes: ReadonlyArray<DesiredVolume>): boolean =>
  volumes.some(({ source }) => source._tag === "Content" && source.sources.some(({ _tag }) => _tag === "Trust"))

const gather = Effect.fnUntraced(function*(pod: Pod, sources: ReadonlyArray<ContentSource>) {
  const objects = yield* ObjectCache
  const tokens = yield* ServiceAccountTokens
  const bundles = yield* TrustBundles
  const issued = yield* PodCertificates
  const host = yield* VolumeHost
  const { namespace, uid } = pod.metadata
  const secrets = new Map<string, ReturnType<ContentInputs["secret"]>>()
  const configMaps = new Map<string, ReturnType<ContentInputs["configMap"]>>()
  const held = new Map<TokenWish, ReturnType<ContentInputs["token"]>>()
  const anchors = new Map<TrustWish, ReturnType<ContentInputs["trust"]>>()
  const certificates = new Map<CertificateWish, ReturnType<ContentInputs["certificate"]>>()
  for (const source of sources) {
    if (source._tag === "Secret") secrets.set(source.name, yield* objects.secret(namespace, source.name))
    if (source._tag === "ConfigMap") configMaps.set(source.name, yield* objects.configMap(namespace, source.name))
    if (source._tag === "Token") held.set(source, yield* tokens.held(uid, source))
    if (source._tag === "Certificate") certificates.set(source.wish, yield* issued.held(uid, source.wish))
    if (source._tag === "Trust") anchors.set(source, yield* bundles.anchors(source))
  }
  const inputs: ContentInputs = {
    pod,
    allocatable: yield* host.allocatable,
    secret: (name) => secrets.get(name),
    configMap: (name) => configMaps.get(name),
    token: (wish) => held.get(wish),
    trust: (wish) => anchors.get(wish),
    certificate: (wish) => certificates.get(wish)
  }
  return inputs
})

/** By volume name. */
export const gatherSupplies = Effect.fnUntraced(function*(pod: Pod, volumes: ReadonlyArray<DesiredVolume>) {
  const supplies = new Map<string, Supply>()
  for (const { name, source } of volumes) {
    if (source._tag === "Content") supplies.set(name, supplyOf(source, yield* gather(pod, source.sources)))
  }
  return supplies
})
