import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { kubeletFlags, removedFlags } from "../../../src/cli/kubelet/flagTable.ts"
import { invocation } from "../../../src/cli/kubelet/invocation.ts"
import { KubeletConfigurationFile } from "../../../src/domain/kubeletConfig/file.ts"

const settingsOf = (given: Record<string, ReadonlyArray<string>>) =>
  Result.getOrThrow(invocation(given)).settings.map(({ path, value }) => [path.join("."), value])

const problemOf = (given: Record<string, ReadonlyArray<string>>): string => {
  const result = invocation(given)
  assert.isTrue(Result.isFailure(result))
  return Result.isFailure(result) ? result.failure.message : ""
}

describe("A9: the kubelet's flags", () => {
  it("well over 100 names parse, none twice", () => {
    assert.isAbove(kubeletFlags.length, 140)
    assert.strictEqual(new Set(kubeletFlags.map(({ name }) => name)).size, kubeletFlags.length)
  })

  it("every field that a flag sets exists", () => {
    for (const { target } of kubeletFlags) {
      if (target._tag === "Field") assert.property(KubeletConfigurationFile.fields, target.path[0])
    }
  })

  it("A20: a removed flag is not accepted", () => {
    for (const { name } of kubeletFlags) assert.isFalse(removedFlags.has(name), name)
  })

  it.each<{ given: Record<string, ReadonlyArray<string>>; want: ReadonlyArray<unknown>; why: string }>([
    { given: { "max-pods": ["7"] }, want: [["maxPods", 7]], why: "numbers" },
    { given: { "max-pods": ["7", "9"] }, want: [["maxPods", 9]], why: "the last of several counts" },
    { given: { "oom-score-adj": ["-5"] }, want: [["oomScoreAdj", -5]], why: "below zero" },
    { given: { "register-node": ["true"] }, want: [["registerNode", true]], why: "switches" },
    { given: { "fail-swap-on": ["false"] }, want: [["failSwapOn", false]], why: "switches turn off" },
    {
      given: { "anonymous-auth": ["false"] },
      want: [["authentication.anonymous.enabled", false]],
      why: "nested fields"
    },
    {
      given: { "sync-frequency": ["90s"] },
      want: [["syncFrequency", "90s"]],
      why: "durations stay text, as in a file"
    },
    {
      given: { "cluster-dns": ["10.0.0.1,10.0.0.2", "::1"] },
      want: [["clusterDNS", ["10.0.0.1", "10.0.0.2", "::1"]]],
      why: "lists add up"
    },
    {
      given: { "eviction-hard": ["memory.available<100Mi,nodefs.available<10%"] },
      want: [["evictionHard", { "memory.available": "100Mi", "nodefs.available": "10%" }]],
      why: "thresholds are written with <"
    },
    {
      given: { "kube-reserved": ["cpu=200m", "memory=1Gi"] },
      want: [["kubeReserved", { cpu: "200m", memory: "1Gi" }]],
      why: "maps add up"
    },
    {
      given: { "feature-gates": ["A=true,B=false"] },
      want: [["featureGates", { A: true, B: false }]],
      why: "gates are switches"
    },
    {
      given: { "register-with-taints": ["a=b:NoSchedule,c:NoExecute"] },
      want: [["registerWithTaints", [{ key: "a", value: "b", effect: "NoSchedule" }, {
        key: "c",
        effect: "NoExecute"
      }]]],
      why: "a taint may have no value"
    },
    {
      given: { "reserved-memory": ["0:memory=1Gi,hugepages-2Mi=2Gi", "1:memory=2Gi"] },
      want: [["reservedMemory", [
        { numaNode: 0, limits: { memory: "1Gi", "hugepages-2Mi": "2Gi" } },
        { numaNode: 1, limits: { memory: "2Gi" } }
      ]]],
      why: "one NUMA node each time"
    },
    {
      given: { "manifest-url-header": ["a:hello,b:again", "a:world"] },
      want: [["staticPodURLHeader", { a: ["hello", "world"], b: ["again"] }]],
      why: "headers may repeat"
    },
    {
      given: { vmodule: ["pod*=4,node=2"] },
      want: [["logging.vmodule", [{ filePattern: "pod*", verbosity: 4 }, { filePattern: "node", verbosity: 2 }]]],
      why: "levels by file"
    }
  ])("$given: $why", ({ given, want }) => assert.deepEqual(settingsOf(given), want))

  it("options have the kubelet's defaults", () => {
    const { options } = Result.getOrThrow(invocation({}))
    assert.strictEqual(options.rootDir, "/var/lib/kubelet")
    assert.strictEqual(options.certDir, "/var/lib/kubelet/pki")
    assert.strictEqual(options.maximumDeadContainersPerContainer, 1)
    assert.strictEqual(options.maximumDeadContainers, -1)
    assert.isTrue(options.registerSchedulable)
  })

  it("certificates follow the root folder", () =>
    assert.strictEqual(Result.getOrThrow(invocation({ "root-dir": ["/r"] })).options.certDir, "/r/pki"))

  it("A20: a flag without effect is named with the reason", () =>
    assert.deepEqual(Result.getOrThrow(invocation({ "housekeeping-interval": ["10s"] })).warnings, [
      "--housekeeping-interval has no effect: container statistics do not come from cAdvisor"
    ]))

  it.each<{ given: Record<string, ReadonlyArray<string>>; want: string }>([
    { given: { "max-pods": ["many"] }, want: `invalid argument "many" for "--max-pods" flag` },
    { given: { "sync-frequency": ["soon"] }, want: `invalid argument "soon" for "--sync-frequency" flag` },
    { given: { "register-node": ["maybe"] }, want: `invalid argument "maybe" for "--register-node" flag` },
    { given: { "node-labels": ["a"] }, want: `malformed pair, expect key=value: "a"` },
    { given: { "feature-gates": ["A=perhaps"] }, want: "A: neither true nor false" },
    { given: { "register-with-taints": ["a=b"] }, want: "expect key=value:effect" },
    { given: { "reserved-memory": ["memory=1Gi"] }, want: "expect node:type=quantity" },
    { given: { "cloud-provider": ["aws"] }, want: `unknown cloud provider "aws"` },
    { given: { "node-ip": ["1,2,3"] }, want: "--node-ip takes one address" },
    { given: { "bootstrap-kubeconfig": ["/b"] }, want: "--bootstrap-kubeconfig needs --kubeconfig" },
    { given: { "exit-on-lock-contention": ["true"] }, want: "--exit-on-lock-contention needs --lock-file" },
    { given: { "node-labels": ["kubernetes.io/role=x"] }, want: `label "kubernetes.io/role" is reserved` },
    { given: { "node-labels": ["-a=x"] }, want: `label "-a": not a label name` },
    { given: { "node-labels": ["a=x y"] }, want: `label "a": not a label value` }
  ])("$given: $want", ({ given, want }) => assert.include(problemOf(given), want))

  it("B2: labels that a node may give itself", () =>
    assert.deepEqual(
      Result.getOrThrow(invocation({
        "node-labels": ["topology.kubernetes.io/zone=z1,node.kubernetes.io/x=,disk=ssd"],
        "hostname-override": ["n1"]
      })).options.nodeLabels,
      { "topology.kubernetes.io/zone": "z1", "node.kubernetes.io/x": "", disk: "ssd" }
    ))
})
