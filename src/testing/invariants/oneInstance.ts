/** A container never runs twice: not on one node, and not on two. */
import type { Invariant } from "../Watching.ts"

export const oneInstance: Invariant = {
  name: "one-instance",
  watch: ({ nodes }) => ({
    happening: (_, { container, kind, sandbox }) => {
      if (kind !== "Started" || container === undefined) return undefined
      const live = nodes.flatMap(({ name, runtime }) =>
        [...runtime.containers.values()]
          .filter((one) => one.state === "Running" && one.name === container.name && one.sandbox.uid === sandbox.uid)
          .map(({ attempt }) => `${name}#${attempt}`)
      )
      return live.length > 1 ? `${sandbox.name}/${container.name} runs as ${live.join(" and ")}` : undefined
    }
  })
}
