/** What shall never be restarted runs once; what shall be restarted on failure does not run again after a success. */
import type { Invariant } from "../Watching.ts"

export const neverAgain: Invariant = {
  name: "never-again",
  watch: ({ pod }) => {
    const started = new Set<string>()
    const succeeded = new Set<string>()
    return {
      happening: (_, { container, kind, sandbox }) => {
        if (container === undefined) return undefined
        const spec = pod(sandbox.uid)?.spec
        const main = spec?.containers.some(({ name }) => name === container.name) ?? false
        const policy = spec?.restartPolicy ?? "Always"
        if (!main || policy === "Always") return undefined
        const key = `${sandbox.uid}/${container.name}`
        if (kind === "Stopped" && container.exitCode === 0) succeeded.add(key)
        if (kind !== "Started") return undefined
        const again = policy === "Never" ? started.has(key) : succeeded.has(key)
        started.add(key)
        return again ? `${sandbox.name}/${container.name} runs again, its policy is ${policy}` : undefined
      }
    }
  }
}
