/** Which devices there are, and which a container gets: tables of the kubelet's rules (L12). */
import { create, toBinary } from "@bufbuild/protobuf"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { additionsOf } from "../../../src/domain/devices/additions.ts"
import { choose, type DeviceHolding, deviceWishes, settle } from "../../../src/domain/devices/allocations.ts"
import { readCheckpoint, writeCheckpoint } from "../../../src/domain/devices/checkpoint.ts"
import { withDeviceHealth } from "../../../src/domain/devices/deviceHealth.ts"
import { deviceQuantities, type DeviceResource, registrationProblem } from "../../../src/domain/devices/plugins.ts"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import { ContainerAllocateResponseSchema } from "../../../src/gen/deviceplugin/deviceplugin_pb.ts"

const gpu = "vendor.com/gpu"

/** `!` in front of an id: not healthy. */
const resource = (ids: ReadonlyArray<string>, goneAtMs?: number): DeviceResource => ({
  endpoint: "gpu.sock",
  devices: new Map(ids.map((text) => {
    const id = text.replace("!", "")
    return [id, { id, healthy: id === text, numaNodes: [] }]
  })),
  preStartRequired: false,
  hasPreference: false,
  goneAtMs
})

describe("a registration", () => {
  it.each([
    { version: "v1beta1", name: gpu, want: undefined, why: "of an extended resource" },
    { version: "v1alpha", name: gpu, want: /requested API version "v1alpha" is not supported/, why: "too old" },
    { version: "v1beta1", name: "gpu", want: /"gpu" is invalid/, why: "without a domain" },
    { version: "v1beta1", name: "kubernetes.io/gpu", want: /is invalid/, why: "of Kubernetes' own" },
    { version: "v1beta1", name: "sub.kubernetes.io/gpu", want: /is invalid/, why: "of Kubernetes' own, below" },
    { version: "v1beta1", name: "requests.vendor.com/gpu", want: /is invalid/, why: "a name that quotas use" }
  ])("L12: $version $name: $why", ({ name, version, want }) => {
    const problem = registrationProblem(version, name)
    if (want === undefined) assert.isUndefined(problem)
    else assert.match(problem ?? "", want)
  })
})

describe("quantities", () => {
  it.each([
    { of: resource(["a", "b", "!c"]), want: ["3", "2"], why: "what is ill counts, and is not to be had" },
    { of: resource(["a", "b"], 0), want: ["2", "0"], why: "a plugin that is gone may come back" },
    { of: resource(["a", "b"], -300_000), want: ["0", "0"], why: "after five minutes it does not" }
  ])("L12: $want: $why", ({ of, want }) => {
    const { allocatable, capacity } = deviceQuantities(new Map([[gpu, of]]), 0)
    assert.deepStrictEqual([capacity[gpu], allocatable[gpu]], want)
  })
})

describe("a choice", () => {
  const wish = (count: number) => ({ container: "c", resource: gpu, count, leaves: false })
  const held = (...ids: ReadonlyArray<string>): DeviceHolding => ({
    podUid: "other",
    container: "c",
    resource: gpu,
    ids,
    response: new Uint8Array()
  })
  it.each([
    { of: resource(["b", "a"]), holdings: [], reusable: [], count: 1, want: ["a"], why: "one of those that are free" },
    {
      of: resource(["a", "b"]),
      holdings: [held("a")],
      reusable: [],
      count: 1,
      want: ["b"],
      why: "what is taken is not"
    },
    { of: resource(["!a", "b"]), holdings: [], reusable: [], count: 1, want: ["b"], why: "what is ill is not" },
    {
      of: resource(["a", "b"]),
      holdings: [held("b")],
      reusable: ["b"],
      count: 1,
      want: ["b"],
      why: "an init container's is used again"
    },
    {
      of: resource(["a", "b"]),
      holdings: [held("b")],
      reusable: ["b"],
      count: 2,
      want: ["a", "b"],
      why: "an init container's and one more"
    },
    {
      of: resource(["a"]),
      holdings: [held("a")],
      reusable: [],
      count: 1,
      want: "requested number of devices unavailable for vendor.com/gpu. Requested: 1, Available: 0",
      why: "none is left"
    },
    {
      of: resource(["!a"]),
      holdings: [],
      reusable: [],
      count: 1,
      want: "no healthy devices present; cannot allocate unhealthy devices vendor.com/gpu",
      why: "all are ill"
    },
    {
      of: undefined,
      holdings: [],
      reusable: [],
      count: 1,
      want: "cannot allocate unregistered device vendor.com/gpu",
      why: "nobody offers it"
    }
  ])("L12: $want: $why", ({ count, holdings, of, reusable, want }) => {
    const result = choose(wish(count), new Map(of === undefined ? [] : [[gpu, of]]), holdings, new Set(reusable))
    assert.deepStrictEqual(result._tag === "Choose" ? settle(result.choice, []) : result.why, want)
  })

  it("L12: a plugin's preference is followed as far as it may be", () => {
    const choice = { fixed: ["f"], free: ["a", "b", "c"], count: 3 }
    assert.deepStrictEqual(settle(choice, ["x", "c", "f"]), ["a", "c", "f"])
  })

  it("L12: init containers first, sidecars keep theirs, other resources are no devices", () => {
    const container = (name: string, limits: Record<string, string>, more = {}) => ({
      name,
      resources: { limits },
      ...more
    })
    const pod: Pod = {
      metadata: { name: "p", namespace: "d", uid: "u" },
      spec: {
        containers: [container("c", { [gpu]: "2", cpu: "1" }), container("none", { [gpu]: "0" })],
        initContainers: [container("i", { [gpu]: "1" }), container("s", { [gpu]: "1" }, { restartPolicy: "Always" })]
      }
    }
    assert.deepStrictEqual(
      deviceWishes(pod, (name) => name === gpu).map(({ container, count, leaves }) => [container, count, leaves]),
      [["i", 1, true], ["s", 1, false], ["c", 2, false]]
    )
  })
})

describe("health in a pod's status", () => {
  const held = { podUid: "u", container: "c", resource: gpu, ids: ["a"], response: new Uint8Array() }
  const status = { phase: "Running", containerStatuses: [{ name: "c" }, { name: "d" }] }
  it.each([
    { of: resource(["a"]), want: "Healthy", why: "as its plugin says" },
    { of: resource(["!a"]), want: "Unhealthy", why: "as its plugin says" },
    { of: resource(["b"]), want: "Unhealthy", why: "its plugin has it no more" },
    { of: resource(["a"], 5), want: "Unknown", why: "its plugin is gone" }
  ])("L12: $want: $why", ({ of, want }) => {
    const told = withDeviceHealth(status, "u", [held], new Map([[gpu, of]]))
    assert.deepStrictEqual(told.containerStatuses, [
      { name: "c", allocatedResourcesStatus: [{ name: gpu, resources: [{ resourceID: "a", health: want }] }] },
      { name: "d" }
    ])
  })

  it("L12: a pod without devices has the status it had", () =>
    assert.strictEqual(withDeviceHealth(status, "other", [held], new Map()), status))
})

describe("what is kept", () => {
  const response = toBinary(
    ContainerAllocateResponseSchema,
    create(ContainerAllocateResponseSchema, {
      envs: { GPU: "0" },
      annotations: { a: "b" },
      mounts: [{ containerPath: "/lib/gpu", hostPath: "/opt/gpu", readOnly: true }],
      devices: [{ containerPath: "/dev/gpu0", hostPath: "/dev/gpu0", permissions: "rw" }],
      cdiDevices: [{ name: "vendor.com/gpu=0" }]
    })
  )

  it("L12: is read back as it was written, and as the kubelet writes it", () => {
    const holdings = [{ podUid: "u", container: "c", resource: gpu, ids: ["a", "b"], response }]
    const registered = new Map([[gpu, ["a", "b"]]])
    const back = Result.getOrThrow(readCheckpoint(writeCheckpoint({ holdings, registered })))
    assert.deepStrictEqual(back, { holdings, registered })
    const kubelets = `{"Data":{"PodDeviceEntries":[{"PodUID":"u","ContainerName":"c","ResourceName":"vendor.com/gpu",`
      + `"DeviceIDs":{"0":["a"],"1":["b"]},"AllocResp":"EgA="}],"RegisteredDevices":{"vendor.com/gpu":["a","b"]}},`
      + `"Checksum":3942893847}`
    assert.deepStrictEqual(Result.getOrThrow(readCheckpoint(kubelets)).holdings[0]?.ids, ["a", "b"])
    const none = `{"Data":{"PodDeviceEntries":null,"RegisteredDevices":{}},"Checksum":1}`
    assert.deepStrictEqual(Result.getOrThrow(readCheckpoint(none)).holdings, [])
    assert.isTrue(Result.isFailure(readCheckpoint("{}")))
  })

  it("L12: tells the runtime all that the plugins said; of two that name the same thing the first stands", () => {
    const other = toBinary(
      ContainerAllocateResponseSchema,
      create(ContainerAllocateResponseSchema, {
        envs: { GPU: "other", B: "2" },
        mounts: [{ containerPath: "/lib/gpu", hostPath: "/else" }]
      })
    )
    assert.deepStrictEqual(additionsOf([response, other]), {
      env: { GPU: "0", B: "2" },
      annotations: { a: "b" },
      mounts: [{ containerPath: "/lib/gpu", hostPath: "/opt/gpu", readonly: true }],
      devices: [{ containerPath: "/dev/gpu0", hostPath: "/dev/gpu0", permissions: "rw" }],
      cdiDevices: ["vendor.com/gpu=0"]
    })
  })
})
