/** Binding a pod to a node, as a scheduler asks for it. */
import { Result } from "effect"
import { at, type JsonObject, objectOf, objectsOf, put, putAt, textOf } from "../../../domain/k8s/json.ts"
import type { KubeObject } from "../KubeApi.ts"
import { required } from "./problem.ts"
import * as Refusals from "./refusal.ts"
import { kubeObject, type State, timestamp } from "./state.ts"
import type { Outcome, WriteOptions } from "./verbCreate.ts"
import { stored, type Target } from "./verbUpdate.ts"

/** The conditions with one set; its time moves only when its status does. */
export const withCondition = (state: State, conditions: unknown, condition: JsonObject): ReadonlyArray<JsonObject> => {
  const list = objectsOf(conditions)
  const old = list.find((one) => one["type"] === condition["type"])
  const since = old?.["status"] === condition["status"] ? old?.["lastTransitionTime"] : undefined
  const next = { lastProbeTime: null, ...condition, lastTransitionTime: since ?? timestamp(state) }
  return old === undefined ? [...list, next] : list.map((one) => one === old ? next : one)
}

/** The pod on its node, with the condition that says so. */
export const bound = (state: State, pod: KubeObject, node: string, metadata: JsonObject = {}): KubeObject => {
  const condition = { type: "PodScheduled", status: "True" }
  const status = objectOf(pod["status"])
  const scheduled = {
    ...put(status, "nominatedNodeName", undefined),
    conditions: withCondition(state, status["conditions"], condition)
  }
  const merged = ["labels", "annotations"].reduce((result, key) => {
    const added = objectOf(metadata[key])
    if (Object.keys(added).length === 0) return result
    return putAt(result, ["metadata", key], { ...objectOf(at(result, "metadata", key)), ...added })
  }, putAt(pod, ["spec", "nodeName"], node))
  return kubeObject(put(merged, "status", scheduled))
}

const obstacle = (pod: KubeObject, uid: string): string | undefined => {
  const name = pod.metadata.name ?? ""
  const node = textOf(at(pod, "spec", "nodeName"))
  if (uid !== "" && uid !== pod.metadata.uid) {
    return `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`
  }
  if (pod.metadata["deletionTimestamp"] !== undefined) {
    return `pod ${name} is being deleted, cannot be assigned to a host`
  }
  if (node !== "") return `pod ${name} is already assigned to node "${node}"`
  if (objectsOf(at(pod, "spec", "schedulingGates")).length > 0) return `pod ${name} has non-empty .spec.schedulingGates`
  return undefined
}

/** `pods/binding`: once, and only of a pod that may run. */
export const bind = (state: State, target: Target, binding: JsonObject, options: WriteOptions): Outcome => {
  const { kind } = target
  const node = textOf(at(binding, "target", "name"))
  if (node === "") {
    return Result.fail(Refusals.invalid({ ...kind, kind: "Binding" }, target.name, [required("target.name")]))
  }
  return Result.flatMap(stored(state, target), (pod) => {
    const why = obstacle(pod, textOf(at(binding, "metadata", "uid")))
    if (why !== undefined) {
      return Result.fail(Refusals.conflict({ ...kind, plural: "pods/binding" }, target.name, why))
    }
    if (options.dryRun !== true) state.store.put(kind, bound(state, pod, node, objectOf(binding["metadata"])))
    return Result.succeed(kubeObject({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 }))
  })
}
