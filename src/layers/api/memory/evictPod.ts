/** `pods/eviction`: a deletion that disruption budgets may refuse. */
import { Result } from "effect"
import { at, type JsonObject, numberOf, objectOf, textOf } from "../../../domain/k8s/json.ts"
import { Refusal } from "./refusal.ts"
import { selectorHolds } from "./selectLabels.ts"
import { kubeObject, type State } from "./state.ts"
import type { Outcome } from "./verbCreate.ts"
import { remove } from "./verbDelete.ts"
import { stored, type Target } from "./verbUpdate.ts"

const budgets = { group: "policy", plural: "poddisruptionbudgets" }

const refusing = (state: State, namespace: string, labels: JsonObject): string | undefined => {
  const kind = state.kindOf(budgets)
  const found = kind === undefined ? [] : state.store.shelf(kind).objects.list({ namespace })
  return found.find((budget) =>
    selectorHolds(at(budget, "spec", "selector"), labels) && numberOf(at(budget, "status", "disruptionsAllowed")) < 1
  )?.metadata.name
}

const tooMany = (budget: string): Refusal =>
  new Refusal({
    code: 429,
    reason: "TooManyRequests",
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    details: {
      causes: [{
        reason: "DisruptionBudget",
        message: `The disruption budget ${budget} does not allow an eviction now`
      }]
    }
  })

/** How a body of delete options reads. */
export const deleteOptionsOf = (body: unknown): {
  readonly gracePeriodSeconds?: number
  readonly uid?: string
  readonly resourceVersion?: string
  readonly propagation?: "Foreground" | "Background" | "Orphan"
} => {
  const seconds = at(body, "gracePeriodSeconds")
  const uid = textOf(at(body, "preconditions", "uid"))
  const resourceVersion = textOf(at(body, "preconditions", "resourceVersion"))
  const policy = at(body, "propagationPolicy")
  const propagation = at(body, "orphanDependents") === true ? "Orphan" : policy
  return {
    ...(typeof seconds === "number" ? { gracePeriodSeconds: seconds } : {}),
    ...(uid === "" ? {} : { uid }),
    ...(resourceVersion === "" ? {} : { resourceVersion }),
    ...(propagation === "Foreground" || propagation === "Background" || propagation === "Orphan" ? { propagation } : {})
  }
}

export const evict = (state: State, target: Target, eviction: JsonObject, dryRun: boolean): Outcome =>
  Result.gen(function*() {
    const { kind, name, namespace } = target
    const pod = yield* stored(state, target)
    const budget = refusing(state, namespace, objectOf(pod.metadata["labels"]))
    const phase = at(pod, "status", "phase")
    // What has ended, or never began, disrupts nobody.
    const harmless = phase === "Succeeded" || phase === "Failed" || phase === "Pending" ||
      pod.metadata["deletionTimestamp"] !== undefined
    if (budget !== undefined && !harmless) return yield* Result.fail(tooMany(budget))
    yield* remove(state, { kind, namespace, name, options: { ...deleteOptionsOf(eviction["deleteOptions"]), dryRun } })
    return kubeObject({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 })
  })
