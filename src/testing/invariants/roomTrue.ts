/** A pod is refused for want of room only when there is none: pods that have ended take up nothing (C7). */
import { at } from "../../domain/k8s/json.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import { milliOfText } from "../../domain/resources/quantity.ts"
import type { Invariant } from "../Watching.ts"

/** Of every machine of a chaos run. */
const nodeMilliCpu = 4000

const milliCpuOf = (pod: Pod | undefined): number =>
  (pod?.spec.containers ?? []).reduce((sum, { resources }) => sum + milliOfText(resources?.requests?.["cpu"]), 0)

export const roomTrue: Invariant = {
  name: "room-true",
  watch: ({ nodes, objects, pod }) => ({
    change: ({ before, object, type }) => {
      const refused = at(object, "status", "reason") === "OutOfcpu"
      if (type !== "MODIFIED" || !refused || at(before, "status", "reason") === "OutOfcpu") return undefined
      const { name = "", uid = "" } = object.metadata
      const node = nodes.find((one) => one.name === at(object, "spec", "nodeName"))
      const running = new Set(
        [...node?.runtime.containers.values() ?? []].flatMap(({ sandbox, state }) =>
          state === "Running" ? [sandbox.uid] : []
        )
      )
      const others = objects().filter((one) =>
        one.metadata.uid !== uid && at(one, "spec", "nodeName") === node?.name &&
        (running.has(one.metadata.uid ?? "") || !/^(Succeeded|Failed)$/.test(String(at(one, "status", "phase"))))
      )
      const taken = others.reduce((sum, one) => sum + milliCpuOf(pod(one.metadata.uid ?? "")), 0)
      return taken + milliCpuOf(pod(uid)) > nodeMilliCpu
        ? undefined
        : `${name} is refused, although others take only ${taken}m CPU of ${nodeMilliCpu}m`
    }
  })
}
