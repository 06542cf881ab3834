/** A trivial scheduler: the node with the fewest pods among those that may run it. What fits nowhere waits for a change. */
import { events, nodes, pods } from "../../../domain/k8s/resources.ts"
import { formatMicroTime } from "../../../domain/k8s/time.ts"
import type { KubeObject } from "../KubeApi.ts"
import { bound, withCondition } from "./bindPod.ts"
import { nodeOf } from "./collection.ts"
import { at, equal, objectOf, objectsOf, put, textOf } from "./json.ts"
import { type Candidate, candidateOf, obstacleTo, refusalText } from "./placement.ts"
import type { Reaction } from "./reactions.ts"
import { keyOf } from "./revision.ts"
import { kindOf, kubeObject, loopback, newSuffix, nowMillis, type State } from "./state.ts"
import { create } from "./verbCreate.ts"

const scheduler = "default-scheduler"

const isWaiting = (pod: KubeObject): boolean =>
  nodeOf(pod) === "" && at(pod, "spec", "schedulerName") === scheduler &&
  pod.metadata["deletionTimestamp"] === undefined && objectsOf(at(pod, "spec", "schedulingGates")).length === 0

const announce = (
  state: State,
  pod: KubeObject,
  about: { readonly type: string; readonly reason: string; readonly action: string },
  note: string
) => {
  const { name = "", namespace = "default", resourceVersion, uid } = pod.metadata
  const object = {
    metadata: { name: `${name}.${newSuffix(state)}${newSuffix(state)}` },
    involvedObject: { kind: "Pod", apiVersion: "v1", namespace, name, uid, resourceVersion },
    ...about,
    message: note,
    eventTime: formatMicroTime(nowMillis(state)),
    reportingComponent: scheduler,
    reportingInstance: scheduler
  }
  create(state, { kind: kindOf(state, events), namespace, object, options: { user: loopback } })
}

export const makeBinder = (state: State): Reaction => {
  const kindOfPods = kindOf(state, pods)
  const kindOfNodes = kindOf(state, nodes)
  const shelf = state.store.shelf(kindOfPods)
  const candidates = new Map<string, Candidate>()
  /** Pods that no node takes, in the order they came. */
  const waiting = new Set<string>()

  const choose = (pod: KubeObject): Candidate | string => {
    const spec = objectOf(pod["spec"])
    const reasons = new Map<string, number>()
    let best: Candidate | undefined
    let fewest = Number.POSITIVE_INFINITY
    for (const node of candidates.values()) {
      const count = shelf.objects.countOnNode(node.name)
      // A node with as many pods as the best so far cannot win: no need to look closer.
      if (count >= fewest) continue
      const obstacle = obstacleTo(spec, node, count)
      if (obstacle === undefined) {
        best = node
        fewest = count
      } else reasons.set(obstacle, (reasons.get(obstacle) ?? 0) + 1)
    }
    return best ?? refusalText(candidates.size, reasons)
  }

  const place = (pod: KubeObject): void => {
    const { name = "", namespace = "" } = pod.metadata
    const chosen = choose(pod)
    if (typeof chosen !== "string") {
      waiting.delete(keyOf(pod))
      state.store.put(kindOfPods, bound(state, pod, chosen.name))
      announce(
        state,
        pod,
        { type: "Normal", reason: "Scheduled", action: "Binding" },
        `Successfully assigned ${namespace}/${name} to ${chosen.name}`
      )
      return
    }
    waiting.add(keyOf(pod))
    const status = objectOf(pod["status"])
    const known = objectsOf(status["conditions"]).find((one) => one["type"] === "PodScheduled")
    if (textOf(known?.["message"]) === chosen) return
    const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message: chosen }
    const conditions = withCondition(state, status["conditions"], condition)
    state.store.put(kindOfPods, kubeObject(put(pod, "status", { ...status, conditions })))
    announce(state, pod, { type: "Warning", reason: "FailedScheduling", action: "Scheduling" }, chosen)
  }

  const retry = (): void => {
    for (const key of [...waiting]) {
      const pod = shelf.objects.get(key)
      if (pod !== undefined && isWaiting(pod)) place(pod)
      else waiting.delete(key)
    }
  }

  return (kind, { type, object, before }) => {
    if (kind === kindOfPods) {
      const now = shelf.objects.get(keyOf(object))
      if (type === "DELETED") {
        waiting.delete(keyOf(object))
        if (nodeOf(object) !== "") retry()
      } else if (now !== undefined && isWaiting(now) && (before === undefined || !isWaiting(before))) place(now)
    } else if (kind === kindOfNodes) {
      const name = object.metadata.name ?? ""
      const old = candidates.get(name)
      if (type === "DELETED") candidates.delete(name)
      else candidates.set(name, candidateOf(object))
      if (waiting.size > 0 && !equal(old, candidates.get(name))) retry()
    }
  }
}
