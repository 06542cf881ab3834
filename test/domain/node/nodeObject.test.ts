/** The Node object as it is registered and reported. */
import { assert, describe, it } from "@effect/vitest"
import { declaredFeatures } from "../../../src/domain/node/declaredFeatures.ts"
import {
  adoptPatch,
  conditionsOverruled,
  newNode,
  type NodeIdentity,
  nodeImages,
  nodeStatus,
  nodeStatusPatch,
  statusChanged,
  type StatusInput
} from "../../../src/domain/node/nodeObject.ts"
import * as NodeFactsMemory from "../../../src/layers/host/NodeFactsMemory.ts"

const identity: NodeIdentity = {
  nodeName: "n1",
  hostname: "host-1",
  nodeLabels: { "example.com/rack": "7" },
  registerWithTaints: [{ key: "fresh", effect: "NoSchedule" }],
  unschedulable: false,
  providerId: "",
  kubeletVersion: "v1.36.0",
  port: 10_250,
  declaredFeatures: ["RestartAllContainersOnContainerExits"],
  kubeReserved: {},
  systemReserved: {},
  evictionHard: {},
  maxPods: 110,
  podsPerCore: 0
}
const machine = NodeFactsMemory.machine("host-1")

const input: StatusInput = {
  identity,
  machine,
  runtime: {
    version: "containerd://2.1.9",
    handlers: [{ name: "runc", recursiveReadOnlyMounts: true, userNamespaces: false }],
    supplementalGroupsPolicy: true
  },
  ips: ["192.0.2.2"],
  images: [],
  maxImages: 50,
  conditions: [{ type: "Ready", status: "True", reason: "KubeletReady", message: "", lastHeartbeatTime: "t1" }],
  volumesInUse: []
}
const status = nodeStatus(input)

describe("a new node", () => {
  const node = newNode(identity, machine, status)

  it("B1: is registered with the annotation that leaves attaching to the controller", () =>
    assert.deepStrictEqual(node.metadata.annotations, {
      "volumes.kubernetes.io/controller-managed-attach-detach": "true"
    }))

  it("B2: carries labels by machine, by old name too, and those of the flag; the taints of the configuration", () => {
    assert.deepStrictEqual(node.metadata.labels, {
      "beta.kubernetes.io/arch": machine.architecture,
      "beta.kubernetes.io/os": "linux",
      "kubernetes.io/arch": machine.architecture,
      "kubernetes.io/hostname": "host-1",
      "kubernetes.io/os": "linux",
      "example.com/rack": "7"
    })
    assert.deepStrictEqual(node.spec?.taints, [{ key: "fresh", effect: "NoSchedule" }])
  })

  it("B1: one that is there is brought in line, once", () => {
    const { "kubernetes.io/os": _, ...labels } = node.metadata.labels ?? {}
    const stale = { ...node, metadata: { ...node.metadata, labels } }
    assert.deepStrictEqual(adoptPatch(stale, identity, machine)?.["metadata"], {
      labels: { "kubernetes.io/os": "linux" },
      annotations: node.metadata.annotations
    })
    assert.isUndefined(adoptPatch(node, identity, machine))
  })
})

describe("its status", () => {
  it("B9: says what the machine is; the proxy's version is empty since 1.33", () => {
    assert.strictEqual(status.nodeInfo?.containerRuntimeVersion, "containerd://2.1.9")
    assert.strictEqual(status.nodeInfo?.kubeletVersion, "v1.36.0")
    assert.strictEqual(status.nodeInfo?.kubeProxyVersion, "")
    assert.strictEqual(status.nodeInfo?.bootID, machine.bootID)
    assert.strictEqual(status.nodeInfo?.swap?.capacity, machine.swaps.reduce((sum, one) => sum + one.sizeBytes, 0))
  })

  it("B11: says what the runtime's handlers can, and whether groups can be strict", () => {
    assert.deepStrictEqual(status.runtimeHandlers, [
      { name: "runc", features: { recursiveReadOnlyMounts: true, userNamespaces: false } }
    ])
    assert.deepStrictEqual(status.features, { supplementalGroupsPolicy: true })
  })

  it("B11: declares features whose gates are on, sorted; guaranteed pods resize their CPUs where they share them", () => {
    const on = (gate: string) => gate !== "ExtendWebSocketsToKubelet"
    assert.deepStrictEqual(declaredFeatures(on, false), [
      "GuaranteedQoSPodCPUResize",
      "InPlacePodLevelResourcesVerticalScaling",
      "InPlacePodVerticalScalingInitContainers",
      "RestartAllContainersOnContainerExits"
    ])
    assert.notInclude(declaredFeatures(on, true) ?? [], "GuaranteedQoSPodCPUResize")
    assert.isUndefined(declaredFeatures((gate) => gate !== "NodeDeclaredFeatures", false))
    assert.deepStrictEqual(status.declaredFeatures, ["RestartAllContainersOnContainerExits"])
    const silent = nodeStatus({ ...input, identity: { ...identity, declaredFeatures: undefined } })
    assert.notProperty(silent, "declaredFeatures")
  })

  it("B10: the largest images, five names each", () => {
    const names = ["a", "b", "c", "d", "e", "f"]
    const images = [{ names: ["small"], sizeBytes: 1 }, { names, sizeBytes: 3 }, { names: ["mid"], sizeBytes: 2 }]
    assert.deepStrictEqual(nodeImages(images, 2).map((image) => image.names), [names.slice(0, 5), ["mid"]])
    assert.lengthOf(nodeImages(images, -1), 3, "-1 is all")
  })

  it("B3, Q2: is written when more than heartbeat times differ from what was sent, whatever the server kept", () => {
    const [ready] = status.conditions ?? []
    assert.isDefined(ready)
    assert.isFalse(statusChanged(status, { ...status, conditions: [{ ...ready, lastHeartbeatTime: "t2" }] }))
    assert.isTrue(statusChanged(status, { ...status, conditions: [{ ...ready, status: "False" }] }))
    const { features: _, runtimeHandlers: __, ...kept } = status
    assert.isFalse(conditionsOverruled(status, kept), "an old server that drops fields is not written to for ever")
    assert.isTrue(conditionsOverruled(status, { ...kept, conditions: [{ ...ready, status: "Unknown" }] }))
  })

  it("B8: addresses are replaced as a whole", () =>
    assert.deepInclude(nodeStatusPatch(status), {
      status: {
        ...status,
        addresses: [
          ...status.addresses ?? [],
          { $patch: "replace" }
        ]
      }
    }))
})
