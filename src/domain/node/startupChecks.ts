/** What must hold of the machine before the agent begins (parity A19): a node that could not run pods should not join. */

export interface StartupFacts {
  readonly uid: number
  readonly swapDevices: ReadonlyArray<string>
  readonly cgroupMode: "v1" | "v2" | "hybrid"
}

export interface StartupRules {
  readonly failSwapOn: boolean
  readonly failCgroupV1: boolean
  /** `LimitedSwap` says that pods may use swap, so it may be there. */
  readonly swapBehavior: string
}

/** Problems that end the start, each with what to do about it. */
export const startupProblems = (facts: StartupFacts, rules: StartupRules): ReadonlyArray<string> => [
  ...(facts.uid === 0 ? [] : [`the agent runs as uid ${facts.uid}, and mounts, cgroups and pods' files need root`]),
  ...(facts.swapDevices.length > 0 && rules.failSwapOn && rules.swapBehavior !== "LimitedSwap"
    ? [`swap is on (${facts.swapDevices.join(", ")}): turn it off, or set failSwapOn (--fail-swap-on) to false`]
    : []),
  ...(facts.cgroupMode !== "v2" && rules.failCgroupV1
    ? ["this machine has cgroup v1: move it to v2, or set failCgroupV1 to false in the configuration file"]
    : [])
]
