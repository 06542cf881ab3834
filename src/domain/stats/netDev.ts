/** `/proc/net/dev`: bytes and errors of each network interface since it came up. */
import type { InterfaceReading } from "./readings.ts"

// Interfaces of containers, and what only carries the traffic of others, would count bytes twice.
const ignored = /^(lo|veth|docker|cali|cilium|lxc|flannel|cni|nerdctl|kube-ipvs|dummy|nodelocaldns)/

export const parseNetDev = (text: string): ReadonlyArray<InterfaceReading> =>
  text.split("\n").flatMap((line) => {
    const [name, values] = line.split(":", 2)
    if (name === undefined || values === undefined) {
      return []
    }
    const numbers = values.trim().split(/\s+/).map(Number)
    const at = (index: number) => numbers[index] ?? 0
    const reading = { name: name.trim(), rxBytes: at(0), rxErrors: at(2), txBytes: at(8), txErrors: at(10) }
    return ignored.test(reading.name) ? [] : [reading]
  })
