/** What may change in a pod that exists: little through the pod itself, one thing each through its subresources. */
import {
  equal,
  type JsonObject,
  listOf,
  mapList,
  objectOf,
  objectsOf,
  own,
  put,
  putObject,
  textOf
} from "../../../domain/k8s/json.ts"
import { immutable, invalidValue, refused } from "./problem.ts"
import type { Cause } from "./refusal.ts"
import { labelProblems } from "./validateMeta.ts"

const allowed =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`," +
  "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations)," +
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"

const withoutImages = (containers: unknown): unknown =>
  mapList(listOf(containers), (one) => put(one, "image", undefined))

const frozen = (spec: JsonObject): JsonObject => {
  const bare = ["activeDeadlineSeconds", "tolerations", "schedulingGates"].reduce(
    (result, key) => put(result, key, undefined),
    spec
  )
  return put(
    put(bare, "containers", withoutImages(spec["containers"])),
    "initContainers",
    withoutImages(spec["initContainers"])
  )
}

/** What differs, shortly: a whole diff of two specs helps nobody. */
const changed = (spec: JsonObject, before: JsonObject): string =>
  [...new Set([...Object.keys(spec), ...Object.keys(before)])]
    .filter((key) => !equal(own(spec, key), own(before, key)))
    .join(", ")

const gatesCauses = (spec: JsonObject, before: JsonObject): ReadonlyArray<Cause> => {
  const known = new Set(objectsOf(before["schedulingGates"]).map((gate) => gate["name"]))
  const added = objectsOf(spec["schedulingGates"]).filter((gate) => !known.has(gate["name"]))
  return added.length === 0
    ? []
    : [refused(
      "spec.schedulingGates",
      `only deletion is allowed, but found new scheduling gate ${JSON.stringify(textOf(added[0]?.["name"]))}`
    )]
}

const tolerationsCauses = (spec: JsonObject, before: JsonObject): ReadonlyArray<Cause> => {
  const now = listOf(spec["tolerations"])
  const kept = listOf(before["tolerations"]).every((old) => now.some((one) => equal(one, old)))
  return kept
    ? []
    : [refused("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")]
}

const deadlineCauses = (spec: JsonObject, before: JsonObject): ReadonlyArray<Cause> => {
  const now = own(spec, "activeDeadlineSeconds")
  const old = own(before, "activeDeadlineSeconds")
  if (typeof old !== "number" || now === old) return []
  if (typeof now !== "number") {
    return [
      invalidValue("spec.activeDeadlineSeconds", now ?? null, "must not update from a positive integer to nil value")
    ]
  }
  return now > old
    ? [invalidValue("spec.activeDeadlineSeconds", now, "must be less than or equal to previous value")]
    : []
}

/** Checks a change of the pod itself. A pod that waits behind a gate may also narrow down where it can run. */
export const podUpdateCauses = (spec: JsonObject, before: JsonObject): ReadonlyArray<Cause> => {
  if (spec === before) return []
  const gated = objectsOf(before["schedulingGates"]).length > 0
  const placing = (value: JsonObject) =>
    gated ? put(put(value, "nodeSelector", undefined), "affinity", undefined) : value
  const now = placing(frozen(spec))
  const old = placing(frozen(before))
  return [
    ...gatesCauses(spec, before),
    ...tolerationsCauses(spec, before),
    ...deadlineCauses(spec, before),
    ...(equal(now, old) ? [] : [refused("spec", `${allowed}\n changed: ${changed(now, old)}`)])
  ]
}

/** The stored pod with the ephemeral containers of the request. */
export const withEphemeral = (pod: JsonObject, before: JsonObject): JsonObject =>
  putObject(before, "spec", (spec) => put(spec, "ephemeralContainers", objectOf(pod["spec"])["ephemeralContainers"]))

const notForEphemeral = ["ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"]

/** Ephemeral containers are only ever added. */
export const ephemeralCauses = (spec: JsonObject, before: JsonObject): ReadonlyArray<Cause> => {
  const now = objectsOf(spec["ephemeralContainers"])
  const names = new Set(
    ["containers", "initContainers"].flatMap((key) => objectsOf(spec[key])).map((one) => one["name"])
  )
  const kept = objectsOf(before["ephemeralContainers"]).flatMap((old) => {
    const same = now.find((one) => one["name"] === old["name"])
    if (same === undefined) {
      return [
        refused("spec.ephemeralContainers", `existing ephemeral containers "${textOf(old["name"])}" may not be removed`)
      ]
    }
    return equal(same, old)
      ? []
      : [
        refused("spec.ephemeralContainers", `existing ephemeral containers "${textOf(old["name"])}" may not be changed`)
      ]
  })
  return [
    ...kept,
    ...now.flatMap((one, index) =>
      notForEphemeral.filter((key) => own(one, key) !== undefined).map((key) =>
        refused(`spec.ephemeralContainers[${index}].${key}`, "cannot be set for an Ephemeral Container")
      )
    ),
    ...now.flatMap((one, index) => {
      const target = textOf(one["targetContainerName"])
      if (target === "" || names.has(target)) return []
      const field = `spec.ephemeralContainers[${index}].targetContainerName`
      return labelProblems(target).length > 0 || !names.has(target)
        ? [{ reason: "FieldValueNotFound", field, message: `Not found: ${JSON.stringify(target)}` }]
        : []
    })
  ]
}

const resized = (containers: unknown, before: unknown): unknown => {
  const now = objectsOf(containers)
  return mapList(listOf(before), (old, index) => {
    const one = now[index]
    if (one === undefined || one["name"] !== old["name"]) return old
    return put(put(old, "resources", one["resources"]), "resizePolicy", one["resizePolicy"])
  })
}

/** The stored pod with the resources of the request. */
export const withResources = (pod: JsonObject, before: JsonObject): JsonObject => {
  const wanted = objectOf(pod["spec"])
  return putObject(before, "spec", (spec) => {
    const main = put(spec, "containers", resized(wanted["containers"], spec["containers"]))
    const init = put(main, "initContainers", resized(wanted["initContainers"], spec["initContainers"]))
    return put(init, "resources", wanted["resources"])
  })
}

/** A resize keeps the QoS class and touches nothing but cpu and memory. */
export const resizeCauses = (
  qos: { readonly now: string; readonly before: string },
  spec: JsonObject,
  before: JsonObject
): ReadonlyArray<Cause> => [
  ...(qos.now === qos.before ? [] : [immutable("spec", "Pod QOS Class may not change as a result of resizing")]),
  ...objectsOf(spec["containers"]).flatMap((one, index) => {
    const old = objectOf(objectsOf(before["containers"])[index]?.["resources"])
    return ["requests", "limits"].flatMap((key) => {
      const others = (amounts: unknown) => put(put(objectOf(amounts), "cpu", undefined), "memory", undefined)
      return equal(others(objectOf(one["resources"])[key]), others(old[key]))
        ? []
        : [refused(`spec.containers[${index}].resources.${key}`, "only cpu and memory resources are mutable")]
    })
  })
]
