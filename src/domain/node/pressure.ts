/** Which resources of the node run short, by the hard eviction thresholds (parity M1, B5). */
import { thresholdBytes } from "./capacity.ts"
import type { Pressure } from "./conditions.ts"

export interface MachineLoad {
  readonly memoryTotalBytes: number
  readonly memoryAvailableBytes: number
  readonly rootFs: {
    readonly totalBytes: number
    readonly availableBytes: number
    readonly inodes: number
    readonly inodesFree: number
  }
  readonly maxPids: number
  readonly runningPids: number
}

export const pressureOf = (machine: MachineLoad, evictionHard: Readonly<Record<string, string>>): Pressure => {
  const below = (available: number, signal: string, capacity: number) =>
    available < thresholdBytes(evictionHard[signal], capacity)
  const { rootFs } = machine
  return {
    memory: below(machine.memoryAvailableBytes, "memory.available", machine.memoryTotalBytes),
    disk: below(rootFs.availableBytes, "nodefs.available", rootFs.totalBytes) ||
      // Some file systems have no fixed number of inodes.
      (rootFs.inodes > 0 && below(rootFs.inodesFree, "nodefs.inodesFree", rootFs.inodes)),
    pid: below(machine.maxPids - machine.runningPids, "pid.available", machine.maxPids)
  }
}

/** When each kind of pressure was last seen, epoch milliseconds; 0 for never. */
export type PressureSeen = { readonly [kind in keyof Pressure]: number }

export const neverSeen: PressureSeen = { memory: 0, disk: 0, pid: 0 }

/** A pressure counts until it has been away for the whole transition period, so that conditions do not flap (M2). */
export const heldPressure = (
  seen: PressureSeen,
  now: Pressure,
  nowMs: number,
  transitionMs: number
): { readonly pressure: Pressure; readonly seen: PressureSeen } => {
  const latest: PressureSeen = {
    memory: now.memory ? nowMs : seen.memory,
    disk: now.disk ? nowMs : seen.disk,
    pid: now.pid ? nowMs : seen.pid
  }
  const held = (atMs: number) => atMs > 0 && nowMs - atMs < transitionMs
  return {
    pressure: {
      memory: now.memory || held(latest.memory),
      disk: now.disk || held(latest.disk),
      pid: now.pid || held(latest.pid)
    },
    seen: latest
  }
}
