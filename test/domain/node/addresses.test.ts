import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { type MachineNetwork, nodeIps } from "../../../src/domain/node/addresses.ts"

const address = (name: string, text: string, internal = false) => ({
  interface: name,
  family: text.includes(":") ? 6 as const : 4 as const,
  address: text,
  internal
})
const machine: MachineNetwork = {
  hostname: "n1",
  addresses: [
    address("lo", "127.0.0.1", true),
    address("cni0", "10.88.0.1"),
    address("eth0", "192.0.2.5"),
    address("eth0", "fe80::1"),
    address("eth0", "2001:db8::5")
  ],
  defaultRoutes: [{ family: 4, interface: "eth0" }, { family: 6, interface: "eth0" }]
}

describe("B8: node addresses", () => {
  it.each([
    { wanted: [], want: ["192.0.2.5"], why: "the interface of the default route wins" },
    { wanted: ["10.88.0.1"], want: ["10.88.0.1"], why: "an address asked for is taken as it is" },
    { wanted: ["192.0.2.5", "2001:db8::5"], want: ["192.0.2.5", "2001:db8::5"], why: "dual stack keeps the order" },
    {
      wanted: ["::"],
      want: ["2001:db8::5"],
      why: "an unspecified address picks the family, link-local ones do not count"
    },
    { wanted: ["203.0.113.9"], want: undefined, why: "an address of another machine is refused" }
  ])("$why", ({ wanted, want }) => {
    assert.deepStrictEqual(Result.getOrUndefined(nodeIps(machine, wanted)), want)
  })

  it("a machine with loopback only is reached there", () => {
    const alone = { ...machine, addresses: machine.addresses.slice(0, 1), defaultRoutes: [] }
    assert.deepStrictEqual(Result.getOrUndefined(nodeIps(alone, [])), ["127.0.0.1"])
  })
})
