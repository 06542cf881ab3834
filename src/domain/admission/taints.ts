/** Taints and the pods that bear them (parity C7, M3). */
import type { Taint } from "../k8s/node.ts"
import type { Toleration } from "../k8s/pod.ts"

const compares = (toleration: Toleration, taint: Taint): boolean => {
  switch (toleration.operator ?? "Equal") {
    case "":
    case "Equal":
      return (toleration.value ?? "") === (taint.value ?? "")
    case "Exists":
      return true
    default:
      return false
  }
}

/** An empty effect means every effect, an empty key with `Exists` every key. */
export const tolerates = (toleration: Toleration, taint: Taint): boolean =>
  ((toleration.effect ?? "") === "" || toleration.effect === taint.effect) &&
  ((toleration.key ?? "") === "" || toleration.key === taint.key) &&
  compares(toleration, taint)

export const toleratesAll = (
  tolerations: ReadonlyArray<Toleration>,
  taints: ReadonlyArray<Taint>
): boolean => taints.every((taint) => tolerations.some((toleration) => tolerates(toleration, taint)))
