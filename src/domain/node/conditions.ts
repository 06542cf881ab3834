/** The node's conditions (parity B5, B6): pressure first, Ready last, transition times only at transitions. */
import type { NodeCondition } from "../k8s/node.ts"

export interface Pressure {
  readonly memory: boolean
  readonly disk: boolean
  readonly pid: boolean
}

export interface ConditionInput {
  /** RFC 3339. */
  readonly now: string
  readonly pressure: Pressure
  /** What keeps the node from being ready, as sentences; none when it is ready. */
  readonly problems: ReadonlyArray<string>
}

type Verdict = Pick<NodeCondition, "type" | "status" | "reason" | "message">

const pressureCondition = (
  type: string,
  under: boolean,
  yes: readonly [string, string],
  no: readonly [string, string]
): Verdict => {
  const [reason, message] = under ? yes : no
  return { type, status: under ? "True" : "False", reason, message }
}

const verdicts = ({ pressure, problems }: ConditionInput): ReadonlyArray<Verdict> => [
  pressureCondition(
    "MemoryPressure",
    pressure.memory,
    ["KubeletHasInsufficientMemory", "kubelet has insufficient memory available"],
    ["KubeletHasSufficientMemory", "kubelet has sufficient memory available"]
  ),
  pressureCondition(
    "DiskPressure",
    pressure.disk,
    ["KubeletHasDiskPressure", "kubelet has disk pressure"],
    ["KubeletHasNoDiskPressure", "kubelet has no disk pressure"]
  ),
  pressureCondition(
    "PIDPressure",
    pressure.pid,
    ["KubeletHasInsufficientPID", "kubelet has insufficient PID available"],
    ["KubeletHasSufficientPID", "kubelet has sufficient PID available"]
  ),
  problems.length === 0
    ? { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" }
    : {
      type: "Ready",
      status: "False",
      reason: "KubeletNotReady",
      message: problems.length === 1 ? problems.join() : `[${problems.join(", ")}]`
    }
]

/** The conditions to report: our four, after those that others put on the node. */
export const nodeConditions = (
  before: ReadonlyArray<NodeCondition>,
  input: ConditionInput
): ReadonlyArray<NodeCondition> => {
  const ours = verdicts(input).map((verdict): NodeCondition => {
    const previous = before.find((condition) => condition.type === verdict.type)
    const unchanged = previous?.status === verdict.status && previous.lastTransitionTime !== undefined
    return {
      ...verdict,
      lastHeartbeatTime: input.now,
      lastTransitionTime: unchanged && previous?.lastTransitionTime !== undefined
        ? previous.lastTransitionTime
        : input.now
    }
  })
  const types = new Set(ours.map((condition) => condition.type))
  return [...before.filter((condition) => !types.has(condition.type)), ...ours]
}

/** Events for the conditions that changed: `NodeReady`, `NodeHasDiskPressure`, … (parity B12). */
export const conditionEvents = (
  nodeName: string,
  before: ReadonlyArray<NodeCondition>,
  after: ReadonlyArray<NodeCondition>
): ReadonlyArray<{ readonly type: "Normal"; readonly reason: string; readonly message: string }> => {
  const reasons: Readonly<Record<string, readonly [whenTrue: string, whenFalse: string]>> = {
    MemoryPressure: ["NodeHasInsufficientMemory", "NodeHasSufficientMemory"],
    DiskPressure: ["NodeHasDiskPressure", "NodeHasNoDiskPressure"],
    PIDPressure: ["NodeHasInsufficientPID", "NodeHasSufficientPID"],
    Ready: ["NodeReady", "NodeNotReady"]
  }
  return after.flatMap((condition) => {
    const names = reasons[condition.type]
    const previous = before.find((candidate) => candidate.type === condition.type)
    if (names === undefined || previous?.status === condition.status) return []
    const reason = condition.status === "True" ? names[0] : names[1]
    return [{ type: "Normal" as const, reason, message: `Node ${nodeName} status is now: ${reason}` }]
  })
}
