import { assert, it } from "@effect/vitest"
import { describe } from "vitest"
import { bridgeConflist, containerdConfig, mayLowerOomScore } from "../../../src/layers/containerd/config.ts"

describe("mayLowerOomScore", () => {
  it.each([
    { status: "Name:\tnode\nCapEff:\t000001ffffffffff\n", want: true, why: "all capabilities" },
    { status: "Name:\tnode\nCapEff:\t000001fffeffffff\n", want: false, why: "all but CAP_SYS_RESOURCE" },
    { status: "Name:\tnode\nCapEff:\t0000000001000000\n", want: true, why: "only that one" },
    { status: "", want: false, why: "unknown: the careful way always works" }
  ])("$why → $want", ({ status, want }) => assert.strictEqual(mayLowerOomScore(status), want))
})

describe("files of a private containerd", () => {
  it("keep everything under the given paths", () => {
    const paths = { root: "/p/root", state: "/p/state", socket: "/p/s.sock", cniConf: "/p/cni", certs: "/p/certs" }
    const config = containerdConfig({ paths, cniBinDir: "/usr/lib/cni", sandboxImage: "i", restrictOomScoreAdj: true })
    for (const path of [...Object.values(paths), "/usr/lib/cni", "/p/state/runc"]) assert.include(config, `"${path}"`)
    assert.include(config, "restrict_oom_score_adj = true")
  })

  it("describe a network with its own bridge, subnet and leases, host ports and bandwidth", () => {
    const network = { bridge: "br1", subnet: "10.1.2.0/24", masquerade: false, leaseDir: "/p/leases" }
    const { plugins: [bridge, ...others] } = JSON.parse(bridgeConflist(network))
    assert.strictEqual(bridge.bridge, "br1")
    assert.strictEqual(bridge.ipMasq, false)
    assert.strictEqual(bridge.ipam.dataDir, "/p/leases")
    assert.deepEqual(bridge.ipam.ranges, [[{ subnet: "10.1.2.0/24" }]])
    assert.deepEqual(others.map((each: { readonly type: string }) => each.type), ["portmap", "bandwidth"])
  })
})
