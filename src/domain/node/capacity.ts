/** What the node has and what pods may use of it (parity B7). Amounts are bytes, milli-CPUs or counts until the end. */
import type { ResourceList } from "../k8s/fields.ts"
import { milliOfText, valueOfText } from "../resources/quantity.ts"

/** The part of a machine's reading that decides its capacity. */
export interface MachineSize {
  readonly cpuCount: number
  readonly memoryTotalBytes: number
  readonly rootFs: { readonly totalBytes: number }
  readonly hugePages: ReadonlyArray<{ readonly sizeBytes: number; readonly total: number }>
}

export interface Reservations {
  readonly maxPods: number
  /** 0: no such limit. */
  readonly podsPerCore: number
  readonly kubeReserved: Readonly<Record<string, string>>
  readonly systemReserved: Readonly<Record<string, string>>
  /** Hard eviction thresholds by signal: quantities or percentages (parity M1). */
  readonly evictionHard: Readonly<Record<string, string>>
}

const kibibytes = (bytes: number): string => `${Math.floor(bytes / 1024)}Ki`

/** `cpu: 2`, `1500m`. */
const cpuText = (milli: number): string => milli % 1000 === 0 ? `${milli / 1000}` : `${milli}m`

const hugePageName = (sizeBytes: number): string =>
  sizeBytes >= 1 << 30 ? `hugepages-${sizeBytes / (1 << 30)}Gi` : `hugepages-${sizeBytes / (1 << 20)}Mi`

const hugePageText = (bytes: number): string => bytes === 0 ? "0" : kibibytes(bytes)

const hugePages = (machine: MachineSize): ResourceList =>
  Object.fromEntries(
    [...machine.hugePages]
      .sort((a, b) => b.sizeBytes - a.sizeBytes)
      .map((pages) => [hugePageName(pages.sizeBytes), hugePageText(pages.total * pages.sizeBytes)])
  )

const podCount = (machine: MachineSize, reservations: Reservations): number =>
  reservations.podsPerCore > 0
    ? Math.min(reservations.maxPods, reservations.podsPerCore * machine.cpuCount)
    : reservations.maxPods

/** A threshold as an amount: `10%` of `capacity`, or a quantity. */
export const thresholdBytes = (text: string | undefined, capacity: number): number => {
  if (text === undefined) return 0
  return text.endsWith("%") ? Math.floor(capacity * Number(text.slice(0, -1)) / 100) : valueOfText(text)
}

export const capacityOf = (machine: MachineSize, reservations: Reservations): ResourceList => ({
  cpu: cpuText(machine.cpuCount * 1000),
  "ephemeral-storage": kibibytes(machine.rootFs.totalBytes),
  ...hugePages(machine),
  memory: kibibytes(machine.memoryTotalBytes),
  pods: `${podCount(machine, reservations)}`
})

/** Capacity less what is reserved for the system, the agent and hard eviction; memory also less all huge pages. */
export const allocatableOf = (machine: MachineSize, reservations: Reservations): ResourceList => {
  const { evictionHard, kubeReserved, systemReserved } = reservations
  const reserved = (name: string) => valueOfText(kubeReserved[name]) + valueOfText(systemReserved[name])
  const cpuReserved = milliOfText(kubeReserved["cpu"]) + milliOfText(systemReserved["cpu"])
  const hugeBytes = machine.hugePages.reduce((sum, pages) => sum + pages.total * pages.sizeBytes, 0)
  const memory = machine.memoryTotalBytes - reserved("memory") - hugeBytes -
    thresholdBytes(evictionHard["memory.available"], machine.memoryTotalBytes)
  const storage = machine.rootFs.totalBytes - reserved("ephemeral-storage") -
    thresholdBytes(evictionHard["nodefs.available"], machine.rootFs.totalBytes)
  return {
    cpu: cpuText(Math.max(0, machine.cpuCount * 1000 - cpuReserved)),
    "ephemeral-storage": `${Math.max(0, storage)}`,
    ...hugePages(machine),
    memory: kibibytes(Math.max(0, memory)),
    pods: `${podCount(machine, reservations)}`
  }
}
