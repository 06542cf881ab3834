/** A pod that has Succeeded or Failed stays that, and restarts are only ever counted up. */
import { at } from "../../domain/k8s/json.ts"
import type { Invariant } from "../Watching.ts"

const ended = (phase: unknown): boolean => phase === "Succeeded" || phase === "Failed"

const restarts = (object: unknown): ReadonlyMap<string, number> => {
  const statuses = at(object, "status", "containerStatuses")
  const counts = new Map<string, number>()
  for (const status of Array.isArray(statuses) ? statuses : []) {
    const count = at(status, "restartCount")
    counts.set(String(at(status, "name")), typeof count === "number" ? count : 0)
  }
  return counts
}

export const endedStaysEnded: Invariant = {
  name: "ended-stays-ended",
  watch: () => ({
    change: ({ before, object, type }) => {
      if (before === undefined || type === "DELETED") return undefined
      const [was, is] = [at(before, "status", "phase"), at(object, "status", "phase")]
      if (ended(was) && was !== is) return `${object.metadata.name ?? ""} was ${String(was)} and is ${String(is)}`
      const counts = restarts(object)
      for (const [name, count] of restarts(before)) {
        const now = counts.get(name) ?? 0
        if (now < count) return `restarts of ${object.metadata.name ?? ""}/${name} went from ${count} to ${now}`
      }
      return undefined
    }
  })
}
