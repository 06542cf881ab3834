/** The behaviour that a pod's annotations ask for, as scripts and pulls of the simulated runtime. */
import { Result } from "effect"
import { fnv1a32 } from "../../../domain/config/containerHash.ts"
import type { NetworkReply } from "../../../domain/probes/network.ts"
import { type Behaviour, behaviourOf, drawnMs, pullBehaviourOf } from "../../../domain/simulation/behaviour.ts"
import { GrpcCode } from "../Cri.ts"
import type { RegistryAnswer } from "./images.ts"
import type { ContainerScript, Workload } from "./script.ts"

const diceOf = ({ attempt, containerName, podName, podNamespace }: Workload): number =>
  fnv1a32(`${podNamespace}/${podName}/${containerName}/${attempt}`)

/** When and how the process ends by itself; nothing for one that runs on. */
const endOf = (behaviour: Behaviour, workload: Workload): Pick<ContainerScript, "runMs" | "exitCode"> => {
  const { crashAfter, crashTimes = Number.POSITIVE_INFINITY, exitCode, runTime } = behaviour
  const dice = diceOf(workload)
  if (crashAfter !== undefined && workload.attempt < crashTimes) {
    return { runMs: drawnMs(crashAfter, dice), exitCode: exitCode ?? 1 }
  }
  if (runTime === undefined) return {}
  // Once it has done with crashing, what it ends with is success.
  return { runMs: drawnMs(runTime, dice), exitCode: crashAfter === undefined ? exitCode ?? 0 : 0 }
}

const networkOf =
  ({ readyAfterMs = 0, unhealthy }: Behaviour): NonNullable<ContainerScript["network"]> =>
  (request, { ageMs }): NetworkReply => {
    const well = ageMs >= readyAfterMs &&
      (unhealthy === undefined || ageMs < unhealthy.minMs || ageMs >= unhealthy.maxMs)
    if (well) return { listening: true }
    return request.kind === "tcp" ? { listening: false } : { listening: true, status: 503, serving: false }
  }

const isScripted = ({ crashAfter, log, message, onTerm, runTime }: Behaviour): boolean =>
  [crashAfter, log, message, onTerm, runTime].some((each) => each !== undefined)

const scriptOf = (behaviour: Behaviour, workload: Workload): ContainerScript => {
  const { cpuMillicores, log, memoryBytes, memoryGrowthBytes, message, onTerm, startDelayMs, startError } = behaviour
  const inferred = !isScripted(behaviour)
  const fails = behaviour.readyAfterMs !== undefined || behaviour.unhealthy !== undefined
  return {
    inferred,
    ...endOf(behaviour, workload),
    ...(startDelayMs === undefined ? {} : { startDelayMs }),
    ...(startError === undefined ? {} : { startError }),
    ...(message === undefined ? {} : { terminationMessage: message }),
    ...(onTerm === undefined
      ? {}
      : { onTerm: onTerm === "ignore" ? onTerm : { afterMs: onTerm, exitCode: 0 } }),
    ...(log === undefined ? {} : { output: log }),
    ...(cpuMillicores === undefined ? {} : { cpuMillicores }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(memoryGrowthBytes === undefined ? {} : { memoryGrowthBytes }),
    ...(inferred && !fails ? {} : { network: networkOf(behaviour) })
  }
}

/** Undefined where the annotations say nothing. One that cannot be read is said where users look: the pod's status. */
export const annotatedScript = (workload: Workload): ContainerScript | undefined => {
  const read = behaviourOf(workload.podAnnotations, workload.containerName)
  if (Result.isFailure(read)) return { startError: read.failure }
  return Object.keys(read.success).length === 0 ? undefined : scriptOf(read.success, workload)
}

const refused = (detail: string): RegistryAnswer => ({ _tag: "Error", code: GrpcCode.Unknown, detail })

const problems = { "not-found": "NotFound", denied: "Denied", unreachable: "Unreachable" } as const

/** What the registry answers for a pod of these annotations. */
export const annotatedAnswer = (
  answer: RegistryAnswer,
  annotations: Readonly<Record<string, string>>,
  dice: number
): RegistryAnswer => {
  const read = pullBehaviourOf(annotations)
  if (Result.isFailure(read)) return refused(read.failure)
  const { pullError, pullTime } = read.success
  if (pullError !== undefined) {
    return typeof pullError === "string" ? { _tag: problems[pullError] } : refused(pullError.detail)
  }
  return pullTime === undefined || answer._tag !== "Image" ? answer : { ...answer, pullMs: drawnMs(pullTime, dice) }
}
