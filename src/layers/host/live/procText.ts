/** Reads the texts of /proc and /etc that tell what the machine is. */
import type { DefaultRoute, SwapDevice } from "../NodeFacts.ts"

/** `MemTotal:  1234 kB` → bytes. */
export const memInfoBytes = (text: string, key: string): number => {
  const found = new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)
  return found === null ? 0 : Number(found[1]) * 1024
}

/** The lines below the header of /proc/swaps. */
export const parseSwaps = (text: string): ReadonlyArray<SwapDevice> =>
  text.split("\n").slice(1).flatMap((line) => {
    const [name, , size, used] = line.split(/\s+/)
    return name === undefined || name === ""
      ? []
      : [{ name, sizeBytes: Number(size) * 1024, usedBytes: Number(used) * 1024 }]
  })

const upAndNotRejected = (flags: number): boolean => (flags & 0x1) !== 0 && (flags & 0x200) === 0

export const parseRoutes4 = (text: string): ReadonlyArray<DefaultRoute> =>
  text.split("\n").slice(1).flatMap((line) => {
    const [device, destination, , flags, , , metric, mask] = line.split("\t").map((field) => field.trim())
    if (device === undefined || destination !== "00000000" || mask !== "00000000") return []
    return upAndNotRejected(Number.parseInt(flags ?? "0", 16))
      ? [{ family: 4 as const, interface: device, metric: Number(metric) }]
      : []
  })

const zeroAddress = "0".repeat(32)

export const parseRoutes6 = (text: string): ReadonlyArray<DefaultRoute> =>
  text.split("\n").flatMap((line) => {
    const [destination, length, , , nextHop, metric, , , flags, device] = line.trim().split(/\s+/)
    if (destination !== zeroAddress || length !== "00" || nextHop === zeroAddress || device === undefined) return []
    return upAndNotRejected(Number.parseInt(flags ?? "0", 16))
      ? [{ family: 6 as const, interface: device, metric: Number.parseInt(metric ?? "0", 16) }]
      : []
  })

/** `PRETTY_NAME` of /etc/os-release. */
export const prettyName = (text: string): string => {
  const value = /^PRETTY_NAME=(.*)$/m.exec(text)?.[1] ?? ""
  return value.replace(/^(["'])(.*)\1$/, "$2")
}
