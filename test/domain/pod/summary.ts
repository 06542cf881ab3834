/** A pod status in one line a container: what the order of statuses is compared by. */
import type { ContainerState, ContainerStatus, PodStatus } from "../../../src/domain/k8s/podStatus.ts"

const state = (s: ContainerState | undefined): string => {
  if (s?.waiting !== undefined) return `waiting(${s.waiting.reason ?? ""})`
  if (s?.running !== undefined) return "running"
  if (s?.terminated !== undefined) return `terminated(${s.terminated.exitCode} ${s.terminated.reason ?? ""})`
  return "-"
}

const one = (c: ContainerStatus): string =>
  `${c.name}: ${state(c.state)} last ${state(c.lastState)}${c.ready === true ? " ready" : ""}` +
  `${c.started === true ? " started" : ""} x${c.restartCount ?? 0}`

const short: Readonly<Record<string, string>> = {
  PodReadyToStartContainers: "Sandbox",
  Initialized: "Init",
  Ready: "Ready",
  ContainersReady: "Containers"
}

const summary = (s: PodStatus): string => {
  const conditions = (s.conditions ?? []).filter(({ type }) => short[type] !== undefined).map((c) =>
    `${short[c.type]}=${c.status}${
      c.reason === undefined ? "" : `(${c.reason}${c.message === undefined ? "" : ` ${c.message}`})`
    }`
  )
  const containers = [
    ...s.initContainerStatuses ?? [],
    ...s.containerStatuses ?? [],
    ...s.ephemeralContainerStatuses ?? []
  ]
  return [
    `${s.phase} ${s.reason ?? ""} gen=${s.observedGeneration ?? ""} ${conditions.join(" ")}`,
    ...containers.map((c) => `    ${one(c)}`)
  ].join("\n")
}

/** Without neighbours that look the same. */
export const distinct = (
  statuses: ReadonlyArray<PodStatus>
): ReadonlyArray<{ readonly line: string; readonly status: PodStatus }> =>
  statuses
    .map((status) => ({ line: summary(status), status }))
    .filter(({ line }, index, all) => line !== all[index - 1]?.line)
