/**
 * Faults as data: what may go wrong with which calls, when and how likely, and what happens to a machine by itself. A run
 * is a seed and a list of these, so that a failing one can be printed, shortened and played again.
 */
import { type Dice, hashText } from "./dice.ts"

export type ServiceName =
  | "KubeApi"
  | "Cri"
  | "RuntimeEvents"
  | "HostFiles"
  | "Mounts"
  | "Cgroups"
  | "Prober"
  | "Csi"

/** One call that leaves the agent; for a stream, also each thing it is about to tell. */
export interface OutsideCall {
  readonly service: ServiceName
  /** The method; `watch event` for what a stream tells. */
  readonly method: string
  readonly target: string
}

/** How a call fails, in words that each service turns into an error of its own. */
export type Failing =
  | "busy"
  | "conflict"
  | "expired"
  | "failed"
  | "full"
  | "internal"
  | "lost"
  | "network"
  | "throttled"
  | "timeout"
  | "torn"
  | "unavailable"

export type Verdict =
  | { readonly _tag: "Pass" }
  | { readonly _tag: "Delay"; readonly ms: number }
  /** It has no effect. */
  | { readonly _tag: "Fail"; readonly how: Failing }
  /** It happens, and the caller is told that it failed. */
  | { readonly _tag: "LoseReply" }
  /** It has no effect, and there is no answer until the caller's deadline. */
  | { readonly _tag: "Hang" }
  /** What a stream tells is told twice. */
  | { readonly _tag: "Repeat" }
  /** What a stream tells is told after what comes next. */
  | { readonly _tag: "Swap" }
  /** A stream stays open and tells nothing for so long; then it ends, as if by itself. */
  | { readonly _tag: "Stall"; readonly ms: number }
  /** A list that may be served from a cache is served from one so many changes behind, which catches up after a while. */
  | { readonly _tag: "Stale"; readonly changes: number; readonly lagMs: number }

export const pass: Verdict = { _tag: "Pass" }

/** A kind of fault that calls suffer. */
export interface CallClass {
  readonly family: Family
  readonly service: ServiceName
  readonly methods: RegExp
  /** How likely one call suffers it, from … to. */
  readonly probability: readonly [min: number, max: number]
  /** What a fault of this kind may be aimed at: see `aimsAt`. */
  readonly targets: readonly [string, ...ReadonlyArray<string>]
  readonly verdict: (dice: Dice) => Verdict
}

export type Family = "agent" | "api" | "cni" | "cri" | "csi" | "host" | "machine" | "probes"

/** What happens to a node or its connection at one time. */
export type Blow =
  | "agent-crash"
  | "api-restart"
  | "api-compaction"
  | "clock-back"
  | "clock-forward"
  | "container-killed"
  | "container-oom"
  | "machine-reboot"
  | "network-not-ready"
  | "records-pruned"
  | "runtime-not-ready"
  | "sandbox-lost"

export type Fault =
  | {
    readonly _tag: "Calls"
    readonly name: string
    readonly node: string
    readonly fromMs: number
    readonly untilMs: number
    readonly probability: number
    /** Only calls about this: a part of their target, or a share of all targets (`2/5`); absent: all. */
    readonly target?: string
    /** Keeps its dice its own: another fault that goes does not change what this one does. */
    readonly seed: string
  }
  | {
    readonly _tag: "Blow"
    readonly name: Blow
    readonly node: string
    readonly atMs: number
    /** How long what it took away stays away. */
    readonly forMs: number
  }

const share = /^(\d+)\/(\d+)$/

/** Whether a call about `target` is one that a fault aimed at `aim` may strike: `pods`, or the second fifth of all. */
export const aimsAt = (aim: string, target: string): boolean => {
  const [, part, parts] = share.exec(aim) ?? []
  if (part === undefined || parts === undefined) return target.includes(aim)
  return target !== "" && hashText(target) % Number(parts) === Number(part) - 1
}

/** `cri-lost-reply on n1, 12.0 s to 40.0 s, 8 % of calls about pods` */
export const describeFault = (fault: Fault): string => {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
  if (fault._tag === "Blow") {
    return `${fault.name} on ${fault.node} at ${seconds(fault.atMs)}, for ${seconds(fault.forMs)}`
  }
  const { fromMs, name, node, probability, target = "", untilMs } = fault
  const about = target === "" ? "" : share.test(target) ? ` about ${target} of all targets` : ` about ${target}`
  return `${name} on ${node}, ${seconds(fromMs)} to ${seconds(untilMs)}, ` +
    `${Math.round(probability * 100)} % of calls${about}`
}
