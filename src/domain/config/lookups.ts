/** What a container's configuration refers to outside its pod, and how the answers are handed to pure functions. */
import { Data } from "effect"
import type { ConfigMap } from "../k8s/configMap.ts"
import type { Container } from "../k8s/container.ts"
import type { Pod } from "../k8s/pod.ts"
import type { Secret } from "../k8s/secret.ts"

/** The answer to looking something up. */
export type Lookup<A> = Data.TaggedEnum<{
  Found: { readonly value: A }
  Missing: {}
  /** It may exist, but could not be read; `message` is what users see. */
  Failed: { readonly message: string }
}>
interface LookupDefinition extends Data.TaggedEnum.WithGenerics<1> {
  readonly taggedEnum: Lookup<this["A"]>
}
export const Lookup = Data.taggedEnum<LookupDefinition>()

/** Everything of the pod's namespace that its containers refer to, by name. */
export interface EnvLookups {
  readonly secrets: ReadonlyMap<string, Lookup<Secret>>
  readonly configMaps: ReadonlyMap<string, Lookup<ConfigMap>>
  /** Contents of the files of `fileKeyRef`, keyed by `fileKey`. */
  readonly files: ReadonlyMap<string, Lookup<string>>
}

export const noLookups: EnvLookups = { secrets: new Map(), configMaps: new Map(), files: new Map() }

export const fileKey = (volumeName: string, path: string): string => `${volumeName}/${path}`

export interface EnvReferences {
  readonly secrets: ReadonlySet<string>
  readonly configMaps: ReadonlySet<string>
  readonly files: ReadonlyArray<{ readonly volumeName: string; readonly path: string }>
}

const named = (names: ReadonlyArray<string | undefined>): ReadonlySet<string> =>
  new Set(names.flatMap((name) => name === undefined || name === "" ? [] : [name]))

/** What must be looked up before the container's variables can be made. */
export const envReferences = ({ env = [], envFrom = [] }: Container): EnvReferences => ({
  secrets: named([
    ...envFrom.map(({ secretRef }) => secretRef?.name),
    ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name)
  ]),
  configMaps: named([
    ...envFrom.map(({ configMapRef }) => configMapRef?.name),
    ...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name)
  ]),
  files: env.flatMap(({ valueFrom }) =>
    valueFrom?.fileKeyRef === undefined
      ? []
      : [{ volumeName: valueFrom.fileKeyRef.volumeName, path: valueFrom.fileKeyRef.path }]
  )
})

/** Every Secret and ConfigMap that the pod refers to anywhere: what the node may have to watch for it (parity Q4). */
export const podReferences = (
  pod: Pod
): { readonly secrets: ReadonlySet<string>; readonly configMaps: ReadonlySet<string> } => {
  const containers: ReadonlyArray<Container> = [
    ...pod.spec.containers,
    ...(pod.spec.initContainers ?? []),
    ...(pod.spec.ephemeralContainers ?? [])
  ]
  const env = containers.map(envReferences)
  const volumes = pod.spec.volumes ?? []
  const projections = volumes.flatMap(({ projected }) => projected?.sources ?? [])
  return {
    secrets: named([
      ...(pod.spec.imagePullSecrets ?? []).map(({ name }) => name),
      ...env.flatMap(({ secrets }) => [...secrets]),
      ...projections.map(({ secret }) => secret?.name),
      ...volumes.flatMap((volume) => [
        volume.secret?.secretName,
        volume.csi?.nodePublishSecretRef?.name,
        volume.azureFile?.secretName,
        volume.iscsi?.secretRef?.name,
        volume.flexVolume?.secretRef?.name,
        volume.cinder?.secretRef?.name
      ])
    ]),
    configMaps: named([
      ...env.flatMap(({ configMaps }) => [...configMaps]),
      ...projections.map(({ configMap }) => configMap?.name),
      ...volumes.map(({ configMap }) => configMap?.name)
    ])
  }
}
