/** A trivial scheduler: the node with the fewest pods among those that may run it. What fits nowhere waits for a change. */
import { at, equal, objectOf, objectsOf, put, textOf } from "../../../domain/k8s/json.ts"
import { events, nodes, pods } from "../../../domain/k8s/resources.ts"
import { formatMicroTime } from "../../../domain/k8s/time.ts"
import type { KubeObject } from "../KubeApi.ts"
import { bound, withCondition } from "./bindPod.ts"
import { nodeOf } from "./collection.ts"
import type { Change } from "./history.ts"
import type { ApiKind } from "./kinds.ts"
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
  type: string,
  reason: string,
  action: string,
  message: string
): void => {
  const { name = "", namespace = "default", resourceVersion, uid } = pod.metadata
  const object = {
    metadata: { name: `${name}.${newSuffix(state)}${newSuffix(state)}` },
    involvedObject: { kind: "Pod", apiVersion: "v1", namespace, name, uid, resourceVersion },
    type,
    reason,
    action,
    message,
    eventTime: formatMicroTime(nowMillis(state)),
    reportingComponent: scheduler,
    reportingInstance: scheduler
  }
  create(state, { kind: kindOf(state, events), namespace, object, options: { user: loopback } })
}

class Binder {
  readonly #state: State
  readonly #pods: ApiKind
  readonly #nodes: ApiKind
  readonly #candidates = new Map<string, Candidate>()
  /** Pods that no node takes, in the order they came. */
  readonly #waiting = new Set<string>()

  constructor(state: State) {
    this.#state = state
    this.#pods = kindOf(state, pods)
    this.#nodes = kindOf(state, nodes)
  }

  react(kind: ApiKind, change: Change): void {
    if (kind === this.#pods) this.#podChanged(change)
    else if (kind === this.#nodes) this.#nodeChanged(change)
  }

  #podChanged({ type, object, before }: Change): void {
    const now = this.#find(keyOf(object))
    if (type === "DELETED") {
      this.#waiting.delete(keyOf(object))
      if (nodeOf(object) !== "") this.#retry()
    } else if (now !== undefined && isWaiting(now) && (before === undefined || !isWaiting(before))) this.#place(now)
  }

  #nodeChanged({ type, object }: Change): void {
    const name = object.metadata.name ?? ""
    const before = this.#candidates.get(name)
    if (type === "DELETED") this.#candidates.delete(name)
    else this.#candidates.set(name, candidateOf(object))
    if (this.#waiting.size > 0 && !equal(before, this.#candidates.get(name))) this.#retry()
  }

  #find(key: string): KubeObject | undefined {
    return this.#state.store.shelf(this.#pods).objects.get(key)
  }

  /** A node, or why there is none. */
  #choose(pod: KubeObject): Candidate | string {
    const { objects } = this.#state.store.shelf(this.#pods)
    const spec = objectOf(pod["spec"])
    const reasons = new Map<string, number>()
    let best: Candidate | undefined
    let fewest = Number.POSITIVE_INFINITY
    for (const node of this.#candidates.values()) {
      const count = objects.countOnNode(node.name)
      // A node with as many pods as the best so far cannot win: no need to look closer.
      if (count >= fewest) continue
      const obstacle = obstacleTo(spec, node, count)
      if (obstacle === undefined) {
        best = node
        fewest = count
      } else reasons.set(obstacle, (reasons.get(obstacle) ?? 0) + 1)
    }
    return best ?? refusalText(this.#candidates.size, reasons)
  }

  #place(pod: KubeObject): void {
    const { name = "", namespace = "" } = pod.metadata
    const chosen = this.#choose(pod)
    if (typeof chosen === "string") return this.#postpone(pod, chosen)
    this.#waiting.delete(keyOf(pod))
    this.#state.store.put(this.#pods, bound(this.#state, pod, chosen.name))
    const message = `Successfully assigned ${namespace}/${name} to ${chosen.name}`
    announce(this.#state, pod, "Normal", "Scheduled", "Binding", message)
  }

  #postpone(pod: KubeObject, message: string): void {
    this.#waiting.add(keyOf(pod))
    const status = objectOf(pod["status"])
    const known = objectsOf(status["conditions"]).find((one) => one["type"] === "PodScheduled")
    if (textOf(known?.["message"]) === message) return
    const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message }
    const conditions = withCondition(this.#state, status["conditions"], condition)
    this.#state.store.put(this.#pods, kubeObject(put(pod, "status", { ...status, conditions })))
    announce(this.#state, pod, "Warning", "FailedScheduling", "Scheduling", message)
  }

  #retry(): void {
    // A copy: whoever still finds no place is put back at the end.
    const keys = Array.from(this.#waiting)
    for (const key of keys) {
      const pod = this.#find(key)
      if (pod !== undefined && isWaiting(pod)) this.#place(pod)
      else this.#waiting.delete(key)
    }
  }
}

export const makeBinder = (state: State): Reaction => {
  const binder = new Binder(state)
  return (kind, change) => binder.react(kind, change)
}
