/** One pod on one line, as `kubeffect up` shows pods while they change. */
import type { Pod } from "../../domain/k8s/pod.ts"

interface Summary {
  readonly status: string
  readonly ready: number
  readonly containers: number
  readonly restarts: number
}

/** What `kubectl get pods` has in its STATUS column: the most telling reason, else the phase. */
const summary = (pod: Pod): Summary => {
  const statuses = pod.status?.containerStatuses ?? []
  const reasonOf = (state: (typeof statuses)[number]["state"]): string | undefined => {
    if (state?.waiting !== undefined) return state.waiting.reason
    if (state?.terminated === undefined) return undefined
    return state.terminated.reason ?? `ExitCode:${state.terminated.exitCode}`
  }
  const init = (pod.status?.initContainerStatuses ?? [])
    .filter(({ state }) => state?.terminated?.exitCode !== 0)
    .flatMap(({ state }) => reasonOf(state) ?? [])
    .map((reason) => `Init:${reason}`)
  const reasons = [...init, ...statuses.flatMap(({ state }) => reasonOf(state) ?? [])]
  const status = pod.metadata.deletionTimestamp !== undefined
    ? "Terminating"
    : pod.status?.reason ?? reasons[0] ?? pod.status?.phase ?? "Pending"
  return {
    status,
    ready: statuses.filter(({ ready }) => ready).length,
    containers: pod.spec.containers.length,
    restarts: statuses.reduce((sum, { restartCount }) => sum + (restartCount ?? 0), 0)
  }
}

/** `default/hello  1/1  Running  10.1.0.2`. */
export const podLine = (pod: Pod): string => {
  const { containers, ready, restarts, status } = summary(pod)
  return [
    `${pod.metadata.namespace}/${pod.metadata.name}`,
    `${ready}/${containers}`,
    status,
    ...(restarts > 0 ? [`${restarts} restarts`] : []),
    ...(pod.status?.podIP === undefined || pod.status.podIP === "" ? [] : [pod.status.podIP])
  ].join("  ")
}
