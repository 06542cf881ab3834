import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { agentSettings } from "../../../src/cli/compose/agentSettings.ts"
import { invocation } from "../../../src/cli/kubelet/invocation.ts"
import { effectiveConfig } from "../../../src/domain/kubeletConfig/layering.ts"

const settingsOf = (given: Record<string, ReadonlyArray<string>>, driver?: "systemd") => {
  const { options, settings } = Result.getOrThrow(invocation(given))
  const { config } = Result.getOrThrow(effectiveConfig({ dropIns: [], flags: settings }))
  return agentSettings(config, options, { hostname: "Box", port: 1, cgroupDriver: driver })
}
const settings = (...args: Parameters<typeof settingsOf>) => Result.getOrThrow(settingsOf(...args))

describe("settings of the agent", () => {
  it("B2: the node's name is the hostname in lower case, or what the flag says", () => {
    assert.deepEqual([settings({}).nodeName, settings({}).hostname], ["box", "box"])
    const named = settings({ "hostname-override": ["N1"] })
    assert.deepEqual([named.nodeName, named.hostname], ["n1", "box"])
  })

  it("A10: without a kubeconfig the node stands alone", () => {
    assert.isTrue(settings({}).standalone)
    assert.isFalse(settings({ kubeconfig: ["/k"] }).standalone)
  })

  it("B2: an external cloud taints the node until it is initialized", () =>
    assert.deepEqual(
      settings({ "cloud-provider": ["external"], "register-with-taints": ["a:NoExecute"] }).registerWithTaints,
      [
        { key: "a", effect: "NoExecute" },
        { key: "node.cloudprovider.kubernetes.io/uninitialized", value: "true", effect: "NoSchedule" }
      ]
    ))

  it("A18: the runtime's cgroup driver wins over the configured one", () => {
    assert.strictEqual(settings({}).cgroupDriver, "cgroupfs")
    assert.strictEqual(settings({ "cgroup-driver": ["systemd"] }).cgroupDriver, "systemd")
    assert.strictEqual(settings({ "cgroup-driver": ["cgroupfs"] }, "systemd").cgroupDriver, "systemd")
  })

  it("units: milliseconds and bytes", () => {
    const all = settings({ "container-log-max-size": ["5Mi"], "sync-frequency": ["30s"] })
    assert.strictEqual(all.containerLogMaxSizeBytes, 5 * 1024 * 1024)
    assert.strictEqual(all.syncFrequencyMs, 30_000)
    assert.strictEqual(all.nodeLeaseDurationMs, 40_000)
  })

  it.each([
    { flag: "container-log-max-size", text: "big", want: `containerLogMaxSize "big" is no quantity` },
    { flag: "kube-reserved", text: "cpu=lots", want: `kubeReserved.cpu "lots" is no quantity` },
    {
      flag: "eviction-hard",
      text: "memory.available<some",
      want: `evictionHard.memory.available "some" is no quantity`
    }
  ])("$want", ({ flag, text, want }) => {
    const result = settingsOf({ [flag]: [text] })
    assert.include(Result.isFailure(result) ? result.failure.message : "", want)
  })
})
