/**
 * Faults as data: what may go wrong with which calls, when and how likely, and what happens to a machine by itself. A run
 * is a seed and a list of these, so that a failing one can be printed, shortened and played again.
 */
import type { Dice } from "./dice.ts"

export type ServiceName =
  | "KubeApi"
  | "Cri"
  | "RuntimeEvents"
  | "HostFiles"
  | "Mounts"
  | "Cgroups"
  | "Prober"

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

export const pass: Verdict = { _tag: "Pass" }

/** A kind of fault that calls suffer. */
export interface CallClass {
  readonly family: Family
  readonly service: ServiceName
  readonly methods: RegExp
  /** How likely one call suffers it, from … to. */
  readonly probability: readonly [min: number, max: number]
  readonly verdict: (dice: Dice) => Verdict
}

export type Family = "api" | "cri" | "host" | "probes" | "agent" | "machine"

/** What happens to a node or its connection at one time. */
export type Blow =
  | "agent-crash"
  | "api-restart"
  | "api-compaction"
  | "container-killed"
  | "container-oom"
  | "machine-reboot"
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

/** `cri-lost-reply on n1, 12.0 s to 40.0 s, 8 %` */
export const describeFault = (fault: Fault): string => {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
  return fault._tag === "Blow"
    ? `${fault.name} on ${fault.node} at ${seconds(fault.atMs)}, for ${seconds(fault.forMs)}`
    : `${fault.name} on ${fault.node}, ${seconds(fault.fromMs)} to ${seconds(fault.untilMs)}, ` +
      `${Math.round(fault.probability * 100)} % of calls`
}
