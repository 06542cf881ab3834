/**
 * A container starts after the init containers before it have succeeded, and after the sidecars before it have started.
 * Once a regular container has started, no init container runs again in that sandbox (D6).
 */
import type { RuntimeHappening } from "../../layers/cri/sim/records.ts"
import type { Invariant } from "../Watching.ts"

export const startOrder: Invariant = {
  name: "start-order",
  watch: ({ pod }) => {
    const done = new Set<string>()
    const key = ({ sandbox }: RuntimeHappening, name: string) => `${sandbox.uid}#${sandbox.attempt}/${name}`
    return {
      happening: (_, happening) => {
        const { container, kind, sandbox } = happening
        if (container === undefined) return undefined
        if (kind === "Stopped" && container.exitCode === 0) done.add(`${key(happening, container.name)} ended`)
        if (kind !== "Started") return undefined
        done.add(`${key(happening, container.name)} started`)
        const inits = pod(sandbox.uid)?.spec.initContainers ?? []
        const own = inits.findIndex(({ name }) => name === container.name)
        if (own < 0) done.add(key(happening, "initialized"))
        else if (inits[own]?.restartPolicy !== "Always" && done.has(key(happening, "initialized"))) {
          return `${sandbox.name}/${container.name} runs again, although initialization is over`
        }
        const missing = inits.slice(0, own < 0 ? inits.length : own).find(({ name, restartPolicy }) =>
          !done.has(`${key(happening, name)} ${restartPolicy === "Always" ? "started" : "ended"}`)
        )
        return missing === undefined
          ? undefined
          : `${sandbox.name}/${container.name} starts although ${missing.name} has not come up`
      }
    }
  }
}
