/** Addresses of sandboxes: one of each range, the lowest that is free, as host-local hands them out. */

interface Range {
  readonly text: string
  readonly format: (index: number) => string
  /** Usable addresses: network, gateway and broadcast are left out. */
  readonly size: number
}

const parse4 = (address: string): number => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0)

const format4 = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".")

const rangeOf = (cidr: string): Range => {
  const [address = "", prefix = ""] = cidr.split("/")
  if (address.includes(":")) {
    const base = address.replace(/::?$/, "")
    // Of the endless addresses of an IPv6 range, its first 65,533 are used.
    return { text: cidr, size: 65_533, format: (index) => `${base}::${(index + 2).toString(16)}` }
  }
  const size = 2 ** (32 - Number(prefix))
  const base = Math.floor(parse4(address) / size) * size
  return { text: cidr, size: Math.max(0, size - 3), format: (index) => format4(base + 2 + index) }
}

export class Addresses {
  readonly #ranges: ReadonlyArray<Range>
  readonly #used = new Set<number>()
  #hint = 0

  constructor(cidrs: ReadonlyArray<string>) {
    this.#ranges = cidrs.map(rangeOf)
  }

  /** Undefined when all are taken. */
  take(): { readonly index: number; readonly ips: ReadonlyArray<string> } | undefined {
    const size = Math.min(...this.#ranges.map((range) => range.size))
    for (let tried = 0; tried < size; tried += 1) {
      // Goes round, so that an address is not handed out again the moment it is free.
      const index = (this.#hint + tried) % size
      if (this.#used.has(index)) continue
      this.#used.add(index)
      this.#hint = index + 1
      return { index, ips: this.#ranges.map((range) => range.format(index)) }
    }
    return undefined
  }

  /** The very addresses that a sandbox has; undefined when they are taken or of no range. */
  claim(ips: ReadonlyArray<string>): { readonly index: number; readonly ips: ReadonlyArray<string> } | undefined {
    const size = Math.min(...this.#ranges.map((range) => range.size))
    for (let index = 0; index < size; index += 1) {
      if (this.#ranges[0]?.format(index) !== ips[0] || this.#used.has(index)) continue
      this.#used.add(index)
      return { index, ips }
    }
    return undefined
  }

  free(index: number): void {
    this.#used.delete(index)
  }

  get text(): string {
    return this.#ranges.map((range) => range.text).join(", ")
  }
}
