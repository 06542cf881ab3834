/**
 * Whom a critical pod displaces when resources are short (parity C8): as few pods as possible, best-effort ones rather
 * than burstable rather than guaranteed, and among them those whose requests come closest to what is missing.
 */
import type { Pod } from "../k8s/pod.ts"
import { isCriticalPod, type QosClass, qosClassOf } from "../resources/qos.ts"
import { requestOf, type Shortage } from "./shortage.ts"

interface Need {
  readonly resource: string
  readonly amount: bigint
}

export const preemptedMessage = "Preempted in order to admit critical pod"

const mayDisplace = (preemptor: Pod, pod: Pod): boolean => {
  if (isCriticalPod(preemptor) && !isCriticalPod(pod)) return true
  return preemptor.spec.priority !== undefined && pod.spec.priority !== undefined &&
    preemptor.spec.priority > pod.spec.priority
}

/** What is still missing once these pods are gone. */
const without = (needs: ReadonlyArray<Need>, pods: ReadonlyArray<Pod>): ReadonlyArray<Need> =>
  needs
    .map(({ amount, resource }) => ({
      resource,
      amount: pods.reduce((left, pod) => left - requestOf(pod, resource), amount)
    }))
    .filter(({ amount }) => amount > 0n)

/** How far the pod is from filling the needs: each counts alike, whatever its unit. */
const distance = (needs: ReadonlyArray<Need>, pod: Pod): number =>
  needs.reduce((total, { amount, resource }) => {
    const left = amount - requestOf(pod, resource)
    return left > 0n ? total + (Number(left) / Number(amount)) ** 2 : total
  }, 0)

const isSmaller = (a: Pod, b: Pod): boolean => {
  for (const resource of ["memory", "cpu"]) {
    const difference = requestOf(a, resource) - requestOf(b, resource)
    if (difference !== 0n) return difference < 0n
  }
  return false
}

/** The pods to take from `pods`, one by one the closest; undefined when they do not suffice. */
const closest = (pods: ReadonlyArray<Pod>, needs: ReadonlyArray<Need>): ReadonlyArray<Pod> | undefined => {
  const chosen: Array<Pod> = []
  let left = needs
  while (left.length > 0) {
    const rest = pods.filter((pod) => !chosen.includes(pod))
    const [first] = rest
    if (first === undefined) return undefined
    const best = rest.reduce((a, b) => {
      const difference = distance(left, b) - distance(left, a)
      return difference < 0 || (difference === 0 && isSmaller(b, a)) ? b : a
    }, first)
    chosen.push(best)
    left = without(left, [best])
  }
  return chosen
}

const needsText = (needs: ReadonlyArray<Need>): string =>
  `[${needs.map(({ amount, resource }) => `(res: ${resource}, q: ${amount}), `).join("")}]`

export type Preemption =
  | { readonly _tag: "Possible"; readonly victims: ReadonlyArray<Pod> }
  | { readonly _tag: "Impossible"; readonly message: string }

/** Who has to go so that the critical pod fits. */
export const preempt = (
  preemptor: Pod,
  others: ReadonlyArray<Pod>,
  short: ReadonlyArray<Shortage>
): Preemption => {
  const needs = short.map(({ capacity, requested, resource, used }) => ({
    resource,
    amount: requested - (capacity - used)
  }))
  const displaceable = others.filter((pod) => mayDisplace(preemptor, pod))
  const of = (qos: QosClass) => displaceable.filter((pod) => qosClassOf(pod) === qos)
  const [bestEffort, burstable, guaranteed] = [of("BestEffort"), of("Burstable"), of("Guaranteed")]
  const fromGuaranteed = closest(guaranteed, without(needs, [...bestEffort, ...burstable]))
  const fromBurstable = closest(burstable, without(needs, [...bestEffort, ...fromGuaranteed ?? []]))
  const fromBestEffort = closest(bestEffort, without(needs, [...fromBurstable ?? [], ...fromGuaranteed ?? []]))
  if (fromGuaranteed === undefined || fromBurstable === undefined || fromBestEffort === undefined) {
    const missing = needsText(without(needs, displaceable))
    return {
      _tag: "Impossible",
      message: "Unexpected error while attempting to recover from admission failure: preemption: error finding a set " +
        `of pods to preempt: no set of running pods found to reclaim resources: ${missing}`
    }
  }
  return { _tag: "Possible", victims: [...fromBestEffort, ...fromBurstable, ...fromGuaranteed] }
}
