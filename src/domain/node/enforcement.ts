/**
 * What the kernel is made to hold pods and reservations to (parity L7): the group of all pods gets what the node has less
 * what is reserved, the groups of the system and of the agent get what is reserved for them.
 */
import { cgroupPath } from "../resources/cgroupNames.ts"
import type { CgroupLimits } from "../resources/cgroupValues.ts"
import { sharesOfMilli } from "../resources/cpu.ts"
import { milliOfText, valueOfText } from "../resources/quantity.ts"

type Reserved = Readonly<Record<string, string>>

/** `compressible`: only what can be taken back at once, which is CPU. */
export type ReservationScope = "all" | "compressible" | undefined

export interface Enforcement {
  readonly pods: boolean
  readonly system: ReservationScope
  readonly kube: ReservationScope
}

const scopeOf = (chosen: ReadonlyArray<string>, key: string): ReservationScope =>
  chosen.includes(key) ? "all" : chosen.includes(`${key}-compressible`) ? "compressible" : undefined

/** `enforceNodeAllocatable`, which has been checked. */
export const enforcementOf = (chosen: ReadonlyArray<string>): Enforcement => ({
  pods: chosen.includes("pods"),
  system: scopeOf(chosen, "system-reserved"),
  kube: scopeOf(chosen, "kube-reserved")
})

const has = (reserved: Reserved, name: string): boolean => Object.hasOwn(reserved, name)

/** The limits of a group that something is reserved for. */
export const reservationLimits = (reserved: Reserved, scope: Exclude<ReservationScope, undefined>): CgroupLimits => ({
  ...(has(reserved, "cpu") ? { cpuShares: sharesOfMilli(milliOfText(reserved["cpu"])) } : {}),
  ...(scope === "all" && has(reserved, "memory") ? { memoryLimitBytes: valueOfText(reserved["memory"]) } : {}),
  ...(scope === "all" && has(reserved, "pid") ? { pidsMax: valueOfText(reserved["pid"]) } : {})
})

export interface NodeSize {
  readonly cpuCount: number
  readonly memoryTotalBytes: number
  readonly maxPids: number
}

export interface ReservedForOthers {
  readonly kubeReserved: Reserved
  readonly systemReserved: Reserved
}

/**
 * The limits of all pods together. Eviction thresholds are not taken off: eviction is to come before the kernel has to
 * kill. Without enforcement of pods their group has all there is.
 */
export const podsLimits = (
  { cpuCount, maxPids, memoryTotalBytes }: NodeSize,
  { kubeReserved, systemReserved }: ReservedForOthers,
  enforced: boolean
): CgroupLimits => {
  const taken = (of: (text: string | undefined) => number, name: string): number =>
    enforced ? of(kubeReserved[name]) + of(systemReserved[name]) : 0
  const left = (total: number, less: number): number => Math.max(0, total - less)
  return {
    cpuShares: sharesOfMilli(left(cpuCount * 1000, taken(milliOfText, "cpu"))),
    memoryLimitBytes: left(memoryTotalBytes, taken(valueOfText, "memory")),
    pidsMax: left(maxPids, taken(valueOfText, "pid"))
  }
}

/** The group that a setting names: `/system.slice`, by either driver; the last slice says where it lies. */
export const configuredGroup = (driver: "cgroupfs" | "systemd", name: string): string => {
  const parts = name.split("/").filter((part) => part !== "")
  if (driver === "cgroupfs") return `/${parts.join("/")}`
  const last = (parts.at(-1) ?? "").replace(/\.slice$/, "")
  return cgroupPath("systemd", last === "" ? [] : last.split("-"))
}

export type ReservedGroup = "System Reserved" | "Kube Reserved"

export const enforcementFailure = (group: ReservedGroup, name: string, detail: string): string =>
  `Failed to enforce ${group} Cgroup Limits on "${name}": ${detail}`

export const enforcementDone = (group: ReservedGroup, name: string): string =>
  `Updated limits on ${group.toLowerCase()} cgroup ${name}`

export const podsEnforcementFailure = (path: string, detail: string): string =>
  `Failed to update Node Allocatable Limits "${path}": ${detail}`

export const podsEnforcementDone = "Updated Node Allocatable limit across pods"
