/**
 * How a pod ended is told as it was: it has succeeded only if all its containers have, and failed only if one of them
 * ran, unless the node says why it did not take it (F1).
 */
import { at } from "../../domain/k8s/json.ts"
import type { Invariant } from "../Watching.ts"

export const outcomeTrue: Invariant = {
  name: "outcome-true",
  watch: ({ pod }) => {
    /** By pod and container: the exit of its last run. */
    const exits = new Map<string, number>()
    const began = new Set<string>()
    return {
      happening: (_, { container, kind, sandbox }) => {
        if (container === undefined) return undefined
        if (kind === "Started") began.add(sandbox.uid)
        if (kind === "Stopped") exits.set(`${sandbox.uid}/${container.name}`, container.exitCode)
        return undefined
      },
      change: ({ before, object, type }) => {
        const phase = at(object, "status", "phase")
        if (type !== "MODIFIED" || at(before, "status", "phase") === phase) return undefined
        const { deletionTimestamp, name = "", uid = "" } = object.metadata
        if (phase === "Succeeded") {
          const bad = pod(uid)?.spec.containers.find((one) => exits.get(`${uid}/${one.name}`) !== 0)
          return bad === undefined ? undefined : `${name} is told to have succeeded, and ${bad.name} has not`
        }
        const excused = at(object, "status", "reason") !== undefined || deletionTimestamp !== undefined
        return phase === "Failed" && !excused && !began.has(uid)
          ? `${name} is told to have failed, and nothing of it ever ran`
          : undefined
      }
    }
  }
}
