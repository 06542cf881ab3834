/** The environment of a container, in the order in which variables may refer to one another (parity E1–E3). */
import { Result } from "effect"
import * as Base64 from "effect/encoding/Base64"
import type { Container, EnvFromSource, EnvVar, EnvVarSource, FileKeySelector, KeySelector } from "../k8s/container.ts"
import type { ResourceList, StringMap } from "../k8s/fields.ts"
import type { Pod } from "../k8s/pod.ts"
import type { Service } from "../k8s/service.ts"
import { ContainerConfigError, invalid } from "./configError.ts"
import { parseEnvFile } from "./envFile.ts"
import { expand, type Lookup as Expansion } from "./expand.ts"
import { type FieldFacts, fieldText } from "./fieldRef.ts"
import { type EnvLookups, fileKey, Lookup } from "./lookups.ts"
import { resourceFieldText } from "./resourceFieldRef.ts"
import { type EnvEntry, serviceEnv } from "./serviceEnv.ts"

export interface EnvInput extends FieldFacts {
  readonly pod: Pod
  readonly container: Container
  readonly lookups: EnvLookups
  /** Services of the pod's namespace and `default/kubernetes`. */
  readonly services: ReadonlyArray<Service>
  readonly allocatable: ResourceList
}

type Outcome<A> = Result.Result<A, ContainerConfigError>
/** `undefined`: optional and not there. */
type Optional<A> = Outcome<A | undefined>

interface Kind {
  /** As it stands in messages about the object, and about its keys. */
  readonly object: string
  readonly keys: string
}
const secretKind: Kind = { object: "secret", keys: "Secret" }
const configMapKind: Kind = { object: "configmap", keys: "ConfigMap" }

const answer = <A>(lookup: Lookup<A> | undefined, optional: boolean, missing: string): Optional<A> =>
  Lookup.$match(lookup ?? Lookup.Missing<A>(), {
    Found: ({ value }): Optional<A> => Result.succeed(value),
    Missing: () =>
      optional
        ? Result.succeed(undefined)
        : Result.fail(new ContainerConfigError({ problem: "MissingObject", detail: missing })),
    Failed: ({ message }) => Result.fail(new ContainerConfigError({ problem: "LookupFailed", detail: message }))
  })

const find = <A>(
  from: ReadonlyMap<string, Lookup<A>>,
  kind: Kind,
  ref: { readonly name?: string; readonly optional?: boolean }
): Optional<A> => {
  const name = ref.name ?? ""
  return answer(from.get(name), ref.optional === true, `${kind.object} "${name}" not found`)
}

const decodeSecret = (key: string, base64: string): Outcome<string> =>
  Result.mapError(Base64.decodeString(base64), () => invalid(`value of secret key ${key} is not base64`))

const sortedEntries = (data: StringMap | undefined): ReadonlyArray<EnvEntry> =>
  Object.entries(data ?? {}).sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)

/** All entries of the sources, the later winning. */
const fromSources = (sources: ReadonlyArray<EnvFromSource>, lookups: EnvLookups): Outcome<ReadonlyArray<EnvEntry>> =>
  Result.gen(function*() {
    const entries: Array<EnvEntry> = []
    for (const { prefix = "", configMapRef, secretRef } of sources) {
      if (configMapRef !== undefined) {
        const configMap = yield* find(lookups.configMaps, configMapKind, configMapRef)
        for (const [key, value] of sortedEntries(configMap?.data)) entries.push([prefix + key, value])
      }
      if (secretRef !== undefined) {
        const secret = yield* find(lookups.secrets, secretKind, secretRef)
        for (const [key, value] of sortedEntries(secret?.data)) {
          entries.push([prefix + key, yield* decodeSecret(key, value)])
        }
      }
    }
    return entries
  })

const missingKey = (kind: Kind, ref: KeySelector, namespace: string): ContainerConfigError =>
  new ContainerConfigError({
    problem: "MissingKey",
    detail: `couldn't find key ${ref.key} in ${kind.keys} ${namespace}/${ref.name ?? ""}`
  })

const keyOf = (data: StringMap | undefined, kind: Kind, ref: KeySelector, namespace: string): Optional<string> => {
  if (data !== undefined && Object.hasOwn(data, ref.key)) return Result.succeed(data[ref.key])
  return ref.optional === true ? Result.succeed(undefined) : Result.fail(missingKey(kind, ref, namespace))
}

const fromFile = (ref: FileKeySelector, lookups: EnvLookups): Optional<string> =>
  Result.gen(function*() {
    const missing = `file "${ref.path}" not found in volume "${ref.volumeName}"`
    const text = yield* answer(lookups.files.get(fileKey(ref.volumeName, ref.path)), ref.optional === true, missing)
    if (text === undefined) return undefined
    const entries = yield* parseEnvFile(text)
    const value = entries.get(ref.key)
    if (value !== undefined || ref.optional === true) return value
    const detail = `environment variable key "${ref.key}" not found in file "${ref.path}"`
    return yield* Result.fail(new ContainerConfigError({ problem: "MissingKey", detail }))
  })

const fromReference = (source: EnvVarSource, input: EnvInput): Optional<string> =>
  Result.gen(function*() {
    const { pod, container, lookups } = input
    const namespace = pod.metadata.namespace
    if (source.fieldRef !== undefined) return yield* fieldText(source.fieldRef.fieldPath, pod, input)
    if (source.resourceFieldRef !== undefined) {
      return yield* resourceFieldText(source.resourceFieldRef, pod, container, input.allocatable)
    }
    if (source.configMapKeyRef !== undefined) {
      const configMap = yield* find(lookups.configMaps, configMapKind, source.configMapKeyRef)
      return configMap && (yield* keyOf(configMap.data, configMapKind, source.configMapKeyRef, namespace))
    }
    if (source.secretKeyRef !== undefined) {
      const secret = yield* find(lookups.secrets, secretKind, source.secretKeyRef)
      const value = secret && (yield* keyOf(secret.data, secretKind, source.secretKeyRef, namespace))
      return value === undefined ? undefined : yield* decodeSecret(source.secretKeyRef.key, value)
    }
    return source.fileKeyRef === undefined ? "" : yield* fromFile(source.fileKeyRef, lookups)
  })

const valueOf = (variable: EnvVar, lookup: Expansion, input: EnvInput): Optional<string> => {
  if (variable.value !== undefined && variable.value !== "") return Result.succeed(expand(variable.value, lookup))
  return variable.valueFrom === undefined ? Result.succeed("") : fromReference(variable.valueFrom, input)
}

const servicesFor = ({ pod, services }: EnvInput): Outcome<ReadonlyMap<string, string>> => {
  const { enableServiceLinks } = pod.spec
  if (enableServiceLinks === undefined) {
    return Result.fail(invalid("nil pod.spec.enableServiceLinks encountered, cannot construct envvars"))
  }
  return Result.succeed(new Map(serviceEnv(services, { namespace: pod.metadata.namespace, enableServiceLinks })))
}

/**
 * Name → value, in order: `envFrom`, `env`, then the services' variables that neither of them set. A variable may refer
 * to those before it and to the services' ones.
 */
export const containerEnv = (input: EnvInput): Outcome<ReadonlyMap<string, string>> =>
  Result.gen(function*() {
    const ofServices = yield* servicesFor(input)
    const vars = new Map(yield* fromSources(input.container.envFrom ?? [], input.lookups))
    for (const variable of input.container.env ?? []) {
      const value = yield* valueOf(variable, (name) => vars.get(name) ?? ofServices.get(name), input)
      if (value !== undefined) vars.set(variable.name, value)
    }
    for (const [name, value] of ofServices) if (!vars.has(name)) vars.set(name, value)
    return vars
  })
