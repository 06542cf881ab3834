/** Versions and results: what is converted, what each version is told. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { addressNumber, addressText, nextAddress, rangeSets } from "../../../src/domain/cni/addressPool.ts"
import { attachmentProblem, parseArgs, pluginEnv, pluginStdin } from "../../../src/domain/cni/execution.ts"
import { parseRefusal, refusalReason, refusalText } from "../../../src/domain/cni/failure.ts"
import { decodeResult, encodeResult, podAddresses } from "../../../src/domain/cni/result.ts"
import { agreedVersion, compareVersions, supportedVersions } from "../../../src/domain/cni/version.ts"

const full = {
  interfaces: [{ name: "cni0" }, { name: "eth0", mac: "aa", mtu: 1400, sandbox: "/ns", pciID: "1" }],
  ips: [{ address: "10.0.0.2/24", gateway: "10.0.0.1", interface: 1 }, { address: "fd00::2/64", interface: 1 }],
  routes: [{ dst: "0.0.0.0/0", gw: "10.0.0.1", mtu: 1400 }, { dst: "::/0" }],
  dns: { nameservers: ["10.0.0.10"] }
}

describe("versions", () => {
  it.each([
    { offered: ["1.0.0"], plugins: [["0.4.0", "1.0.0"]], want: "1.0.0", why: "the one offered" },
    {
      offered: ["1.1.0", "1.0.0"],
      plugins: [["1.0.0", "1.1.0"], ["1.0.0"]],
      want: "1.0.0",
      why: "the slowest decides"
    },
    { offered: ["1.1.0"], plugins: [["1.0.0"]], want: undefined, why: "none in common" },
    { offered: ["0.4.0", "9.9.9"], plugins: [["0.4.0", "9.9.9"]], want: "0.4.0", why: "we must speak it, too" }
  ])(
    "$offered with $plugins: $want, $why",
    ({ offered, plugins, want }) => assert.strictEqual(agreedVersion(offered, plugins), want)
  )

  it("are ordered as numbers", () => {
    assert.deepStrictEqual([...supportedVersions].sort(compareVersions), [...supportedVersions])
    assert.isBelow(compareVersions("0.9.0", "0.10.0"), 0)
  })
})

describe("results", () => {
  it("before 1.0 name the family of an address; before 1.1 know less of links and routes", () => {
    const old = encodeResult(full, "0.4.0")
    assert.deepStrictEqual(old["ips"], [{ version: "4", ...full.ips[0] }, { version: "6", ...full.ips[1] }])
    assert.deepStrictEqual(old["routes"], [{ dst: "0.0.0.0/0", gw: "10.0.0.1" }, { dst: "::/0" }])
    assert.deepStrictEqual(old["interfaces"], [{ name: "cni0" }, { name: "eth0", mac: "aa", sandbox: "/ns" }])
    assert.deepStrictEqual(encodeResult(full, "1.1.0"), { cniVersion: "1.1.0", ...full })
  })

  it("are the same after every version that keeps what they have", () => {
    const plain = { ...full, interfaces: [{ name: "eth0", sandbox: "/ns" }], routes: [{ dst: "::/0" }] }
    for (const version of supportedVersions) {
      assert.deepStrictEqual(Result.getOrThrow(decodeResult(encodeResult(plain, version))), plain)
    }
  })

  it("may leave out lists, as Go does with null; wrong types are named", () => {
    assert.deepStrictEqual(
      Result.getOrThrow(decodeResult({ ips: null, dns: null })),
      { interfaces: [], ips: [], routes: [], dns: {} }
    )
    assert.include(Result.getOrThrow(Result.flip(decodeResult({ ips: [{ address: 5 }] }))), "address")
  })

  it("addresses of the pod are those of its own interfaces", () =>
    assert.deepStrictEqual(
      podAddresses({ ...full, ips: [...full.ips, { address: "10.0.0.1/24", interface: 0 }] }),
      ["10.0.0.2", "fd00::2"]
    ))
})

describe("a run of a plugin", () => {
  const attachment = { containerId: "c", netns: "", ifname: "eth0", args: [["A", "b"]] as const, capabilityArgs: {} }

  it("is told of no container where the verb has none", () => {
    assert.deepStrictEqual(pluginEnv("STATUS", ["/a", "/b"]), { CNI_COMMAND: "STATUS", CNI_PATH: "/a:/b" })
    assert.strictEqual(pluginEnv("DEL", ["/a"], attachment)["CNI_ARGS"], "A=b")
    assert.deepStrictEqual(parseArgs("A=b;C==;broken;=x"), [["A", "b"], ["C", "="]])
  })

  it("gets its own fields, never the list of capabilities", () => {
    const plugin = { type: "t", capabilities: ["mac"], fields: { type: "t", capabilities: { mac: true }, own: 1 } }
    const list = {
      source: "f",
      name: "n",
      versions: ["1.0.0"],
      disableCheck: false,
      disableGc: false,
      plugins: [plugin]
    }
    const input = { list, plugin, version: "1.0.0" }
    assert.deepStrictEqual(JSON.parse(pluginStdin(input)), { type: "t", own: 1, name: "n", cniVersion: "1.0.0" })
    const told = JSON.parse(pluginStdin({ ...input, capabilityArgs: { mac: "aa", ips: ["x"] } }))
    assert.deepStrictEqual(told.runtimeConfig, { mac: "aa" })
  })

  it.each([
    [{ containerId: "" }, "container id"],
    [{ containerId: "a/b" }, "container id"],
    [{ ifname: "" }, "1 to 15"],
    [{ ifname: ".." }, "interface name"],
    [{ ifname: "a:b" }, "interface name"],
    [{ args: [["A", "b;C=d"]] as const }, "argument A"]
  ])("%j is refused: %s", (wrong, says) => assert.include(attachmentProblem({ ...attachment, ...wrong }), says))
})

describe("errors of plugins", () => {
  it.each([
    [1, "Permanent"],
    [3, "NotFound"],
    [5, "Retryable"],
    [7, "Permanent"],
    [11, "Retryable"],
    [50, "Retryable"],
    [
      100,
      "Retryable"
    ]
  ])("code %d is %s", (code, want) => assert.strictEqual(refusalReason(code)._tag, want))

  it("are told with what they say, what their code means and what was complained of", () => {
    const refusal = parseRefusal("{\"code\":5,\"msg\":\"no disk\",\"details\":\"sda\"}")
    assert.strictEqual(
      refusalText(refusal ?? { code: 0, msg: "", details: "" }, "oh\nno"),
      "no disk; sda; stderr: oh no (code 5, I/O failure)"
    )
    for (const text of ["", "x", "[]", "{\"code\":0,\"msg\":\"\"}", "{\"msg\":\"x\"}"]) {
      assert.isUndefined(parseRefusal(text))
    }
  })
})

describe("address pools", () => {
  it("texts and numbers of addresses are one", () =>
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (value) => {
        assert.strictEqual(addressNumber(addressText(6, value)), value)
        assert.strictEqual(addressNumber(addressText(4, value & 0xffffffffn)), value & 0xffffffffn)
      })
    ))

  it("a range gives every address once, but the network's own, its gateway and its broadcast", () => {
    const [set = []] = rangeSets({ ranges: [[{ subnet: "10.0.0.0/29" }]] })
    const taken = new Set<string>()
    for (let next = nextAddress(set, taken); next !== undefined; next = nextAddress(set, taken)) taken.add(next.address)
    assert.deepStrictEqual([...taken], ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"])
    assert.deepStrictEqual(rangeSets({ subnet: "fd00::/64" })[0]?.[0]?.gateway, addressNumber("fd00::1"))
    assert.deepStrictEqual(rangeSets("none"), [])
  })
})
