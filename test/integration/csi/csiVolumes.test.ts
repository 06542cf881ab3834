/** Pods with volumes of a CSI driver that runs in a process of its own, on containerd, by the `kubelet` command. */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import * as resources from "../../../src/domain/k8s/resources.ts"
import { KubeApi, type KubeObject } from "../../../src/layers/api/KubeApi.ts"
import * as TestContainerd from "../../fixture/containerd/TestContainerd.ts"
import * as DriverProcess from "../../fixture/csi/DriverProcess.ts"
import * as ClusterServer from "../../fixture/node/ClusterServer.ts"
import { container, idle, pod } from "../../fixture/node/pods.ts"
import { eventually, layer as nodeLayer, TestNode } from "../../fixture/node/TestNode.ts"
import { mountsBelow } from "../volumes/ground.ts"

/** One agent for all tests of the file. */
const started = Layer.effectDiscard(Effect.flatMap(TestNode, ({ start }) => start))

const under = Layer.merge(Layer.provideMerge(started, nodeLayer()), ClusterServer.adminApi).pipe(
  Layer.provideMerge(TestContainerd.layer),
  Layer.provideMerge(ClusterServer.memory),
  Layer.provideMerge(NodeServices.layer)
)

const sha = (text: string) => createHash("sha256").update(text).digest("hex")
const driverName = "folders.example.com"
const uniqueName = (handle: string) => `kubernetes.io/csi/${driverName}^${handle}`

const driverObject = {
  apiVersion: "storage.k8s.io/v1",
  kind: "CSIDriver",
  metadata: { name: driverName },
  spec: {
    attachRequired: true,
    podInfoOnMount: true,
    fsGroupPolicy: "File",
    volumeLifecycleModes: ["Persistent", "Ephemeral"]
  }
}

const shared = { accessModes: ["ReadWriteOnce"], storageClassName: "", volumeMode: "Filesystem" }

/** A claim, and the volume it is bound to. */
const makeVolume = Effect.fnUntraced(function*(name: string) {
  const api = yield* KubeApi
  const claim = yield* api.create(resources.persistentVolumeClaims, {
    metadata: { name, namespace: "default" },
    spec: { ...shared, volumeName: `pv-${name}`, resources: { requests: { storage: "1Gi" } } }
  })
  yield* api.create(resources.persistentVolumes, {
    metadata: { name: `pv-${name}` },
    spec: {
      ...shared,
      capacity: { storage: "1Gi" },
      mountOptions: ["noatime"],
      claimRef: { namespace: "default", name, uid: claim.metadata.uid },
      csi: {
        driver: driverName,
        volumeHandle: `handle-${name}`,
        fsType: "ext4",
        volumeAttributes: { tier: "gold" },
        nodeStageSecretRef: { name: "stage-key", namespace: "default" }
      }
    }
  })
  yield* api.update(resources.persistentVolumeClaims, { ...claim, status: { phase: "Bound" } }, {
    subresource: "status"
  })
})

const nodeStatus = Effect.gen(function*() {
  const api = yield* KubeApi
  const node: KubeObject & { readonly status?: { readonly volumesInUse?: ReadonlyArray<string> } } = yield* api.get(
    resources.nodes,
    { name: ClusterServer.nodeName }
  )
  return { metadata: node.metadata, inUse: node.status?.volumesInUse ?? [] }
})

/** What the attach controller does: only after the node said that it will use the volume. */
const attach = Effect.fnUntraced(function*(handle: string) {
  const api = yield* KubeApi
  yield* eventually(Effect.map(nodeStatus, ({ inUse }) => assert.include(inUse, uniqueName(handle))))
  const name = `csi-${sha(`${handle}${driverName}${ClusterServer.nodeName}`)}`
  const made = yield* api.create(resources.volumeAttachments, {
    metadata: { name },
    spec: { attacher: driverName, nodeName: ClusterServer.nodeName, source: { persistentVolumeName: "pv" } }
  })
  yield* api.update(
    resources.volumeAttachments,
    { ...made, status: { attached: true, attachmentMetadata: { device: "sdz" } } },
    { subresource: "status" }
  )
  yield* api.patch(
    resources.nodes,
    { name: ClusterServer.nodeName },
    { type: "merge", body: { status: { volumesAttached: [{ name: uniqueName(handle), devicePath: "" }] } } },
    { subresource: "status" }
  )
})

const withClaim = (name: string, script: string) =>
  pod(name, [container("c", script, { volumeMounts: [{ name: "v", mountPath: "/data" }] })], {
    volumes: [{ name: "v", persistentVolumeClaim: { claimName: name } }],
    securityContext: { fsGroup: 2345 }
  })

const ready = Effect.fnUntraced(function*(name: string) {
  const node = yield* TestNode
  yield* node.ok("wait", `pod/${name}`, "--for=condition=Ready", "--timeout=60s")
})

const removed = Effect.fnUntraced(function*(name: string) {
  const node = yield* TestNode
  yield* node.ok("delete", "pod", name, "--timeout=60s")
})

const uidOf = Effect.fnUntraced(function*(name: string) {
  const node = yield* TestNode
  return yield* node.ok("get", "pod", name, "-o", "jsonpath={.metadata.uid}")
})

/** Nothing of any volume of the driver is left on the node. */
const nothingLeft = Effect.gen(function*() {
  const { folder } = yield* TestNode
  const root = `${folder}/kubelet`
  yield* eventually(Effect.sync(() => {
    assert.deepStrictEqual(mountsBelow(root).filter((point) => point.includes("csi")), [])
    const staged = `${root}/plugins/kubernetes.io/csi/${driverName}`
    assert.deepStrictEqual(existsSync(staged) ? readdirSync(staged) : [], [])
  }))
})

const startDriver = Effect.gen(function*() {
  const { folder } = yield* TestNode
  const place = {
    folder: `${folder}/driver`,
    socket: `${folder}/kubelet/plugins/folders/csi.sock`,
    registrationSocket: `${folder}/kubelet/plugins_registry/folders-reg.sock`
  }
  mkdirSync(place.folder, { recursive: true })
  const driver = yield* DriverProcess.make(place)
  yield* driver.start
  return driver
})

const prepared = Effect.gen(function*() {
  const node = yield* TestNode
  yield* node.ok("apply", "--server-side", "-f", yield* manifest)
  const driver = yield* startDriver
  yield* eventually(
    Effect.map(
      driver.calls,
      (calls) => assert.isTrue(calls.some(({ method }) => method === "NotifyRegistrationStatus"))
    )
  )
  return driver
})

const manifest = Effect.gen(function*() {
  const { folder } = yield* TestNode
  const path = `${folder}/objects.json`
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "stage-key", namespace: "default" },
    stringData: { key: "k1" }
  }
  writeFileSync(path, JSON.stringify({ apiVersion: "v1", kind: "List", items: [driverObject, secret] }))
  return path
})

layer(under, { timeout: "120 seconds", excludeTestServices: true })("CSI volumes on containerd", (it) => {
  it.effect("J1, J2: a driver that opens its socket is registered, and the cluster told", () =>
    Effect.gen(function*() {
      const api = yield* KubeApi
      const driver = yield* prepared
      const calls = yield* driver.calls
      assert.deepStrictEqual(calls.map(({ method }) => method), [
        "GetInfo",
        "NodeGetInfo",
        "NodeGetCapabilities",
        "NotifyRegistrationStatus"
      ])
      assert.deepStrictEqual(calls.at(-1)?.request, { error: "", pluginRegistered: true })
      const csiNode = yield* api.get(resources.csiNodes, { name: ClusterServer.nodeName })
      assert.deepStrictEqual(csiNode["spec"], {
        drivers: [{
          name: driverName,
          nodeID: "node-7",
          topologyKeys: ["topology.example.com/zone"],
          allocatable: { count: 12 }
        }]
      })
      const { metadata } = yield* nodeStatus
      assert.deepInclude(metadata["labels"], { "topology.example.com/zone": "z1" })
      assert.deepInclude(metadata["annotations"], {
        "csi.volume.kubernetes.io/nodeid": `{"${driverName}":"node-7"}`
      })
    }), 60_000)

  it.effect(
    "I16, J3, J4: a claim is attached, staged and published, used from inside, and taken back in order",
    () =>
      Effect.gen(function*() {
        const node = yield* TestNode
        const driver = yield* prepared
        yield* driver.forgetCalls
        yield* makeVolume("data")
        yield* node.apply(withClaim("data", `echo from-inside > /data/f; ${idle}`))
        assert.isEmpty(yield* driver.volumeCalls, "nothing is mounted before it is attached")
        yield* attach("handle-data")
        yield* ready("data")
        assert.strictEqual(readFileSync(`${driver.backing}/handle-data/f`, "utf8"), "from-inside\n")
        const uid = yield* uidOf("data")
        const root = `${node.folder}/kubelet`
        const global = `${root}/plugins/kubernetes.io/csi/${driverName}/${sha("handle-data")}`
        const place = `${root}/pods/${uid}/volumes/kubernetes.io~csi/pv-data`
        const capability = {
          accessMode: { mode: 1 },
          accessType: { case: "mount", value: { fsType: "ext4", mountFlags: ["noatime"], volumeMountGroup: "" } }
        }
        const [staged, published] = (yield* driver.calls).filter(({ method }) => method.endsWith("Volume"))
        assert.deepStrictEqual(staged, {
          method: "NodeStageVolume",
          request: {
            volumeId: "handle-data",
            publishContext: { device: "sdz" },
            stagingTargetPath: `${global}/globalmount`,
            volumeCapability: capability,
            secrets: { key: "k1" },
            volumeContext: { tier: "gold" }
          }
        })
        assert.deepStrictEqual(published, {
          method: "NodePublishVolume",
          request: {
            volumeId: "handle-data",
            publishContext: { device: "sdz" },
            stagingTargetPath: `${global}/globalmount`,
            targetPath: `${place}/mount`,
            volumeCapability: capability,
            readonly: false,
            secrets: {},
            volumeContext: {
              tier: "gold",
              "csi.storage.k8s.io/pod.name": "data",
              "csi.storage.k8s.io/pod.namespace": "default",
              "csi.storage.k8s.io/pod.uid": uid,
              "csi.storage.k8s.io/serviceAccount.name": "default",
              "csi.storage.k8s.io/ephemeral": "false"
            }
          }
        })
        assert.deepStrictEqual(JSON.parse(readFileSync(`${place}/vol_data.json`, "utf8")), {
          attachmentID: `csi-${sha(`handle-data${driverName}${ClusterServer.nodeName}`)}`,
          driverName,
          nodeName: ClusterServer.nodeName,
          specVolID: "pv-data",
          volumeHandle: "handle-data",
          volumeLifecycleMode: "Persistent"
        })
        yield* removed("data")
        yield* nothingLeft
        assert.deepStrictEqual(yield* driver.volumeCalls, [
          "NodeStageVolume",
          "NodePublishVolume",
          "NodeUnpublishVolume",
          "NodeUnstageVolume"
        ])
        yield* eventually(Effect.map(nodeStatus, ({ inUse }) => assert.isEmpty(inUse)))
      }),
    120_000
  )

  it.effect(
    "J6: an inline volume is published for its pod alone, without stage or attachment",
    () =>
      Effect.gen(function*() {
        const node = yield* TestNode
        const driver = yield* prepared
        yield* driver.forgetCalls
        yield* node.apply(pod("inline", [
          container("c", `echo mine > /data/f; ${idle}`, { volumeMounts: [{ name: "v", mountPath: "/data" }] })
        ], { volumes: [{ name: "v", csi: { driver: driverName, volumeAttributes: { size: "1" } } }] }))
        yield* ready("inline")
        const uid = yield* uidOf("inline")
        const handle = `csi-${sha(`${uid}v`)}`
        assert.strictEqual(readFileSync(`${driver.backing}/${handle}/f`, "utf8"), "mine\n")
        yield* removed("inline")
        yield* nothingLeft
        const calls = (yield* driver.calls).filter(({ method }) => method.endsWith("Volume"))
        assert.deepStrictEqual(calls.map(({ method }) => method), ["NodePublishVolume", "NodeUnpublishVolume"])
        assert.deepInclude(calls[0]?.request, { volumeId: handle, stagingTargetPath: "" })
      }),
    120_000
  )

  it.effect(
    "J4: a driver that dies in the middle of a publish and comes back is asked again",
    () =>
      Effect.gen(function*() {
        const node = yield* TestNode
        const driver = yield* prepared
        yield* driver.forgetCalls
        yield* makeVolume("dying")
        yield* driver.misbehave({ NodePublishVolume: { kind: "die", code: 13 } })
        yield* node.apply(withClaim("dying", idle))
        yield* attach("handle-dying")
        yield* eventually(Effect.map(driver.volumeCalls, (calls) => assert.include(calls, "NodePublishVolume")))
        yield* driver.kill
        yield* driver.misbehave({})
        yield* driver.start
        yield* ready("dying")
        const mounts = mountsBelow(`${node.folder}/kubelet`)
        assert.strictEqual(new Set(mounts).size, mounts.length, "nothing is mounted twice")
        // The other direction: it dies while it unpublishes.
        yield* driver.misbehave({ NodeUnpublishVolume: { kind: "die", code: 13 } })
        yield* node.ok("delete", "pod", "dying", "--wait=false")
        yield* eventually(Effect.map(driver.volumeCalls, (calls) => assert.include(calls, "NodeUnpublishVolume")))
        yield* driver.kill
        yield* driver.misbehave({})
        yield* driver.start
        yield* node.ok("wait", "pod/dying", "--for=delete", "--timeout=60s")
        yield* nothingLeft
        const calls = yield* driver.volumeCalls
        assert.strictEqual(calls.filter((name) => name === "NodeUnstageVolume").length, 1)
      }),
    120_000
  )

  it.effect(
    "crash-only: the agent killed at each step from attach to unmount leaks nothing",
    () =>
      Effect.gen(function*() {
        const node = yield* TestNode
        const driver = yield* prepared
        yield* makeVolume("crash")
        // Slow calls hold the door open for a kill in the middle of each.
        const slow = { kind: "slow", code: 0, delayMs: 1500 } as const
        const steps = ["NodeStageVolume", "NodePublishVolume", "NodeUnpublishVolume", "NodeUnstageVolume"] as const
        yield* driver.misbehave(Object.fromEntries(steps.map((step) => [step, slow])))
        yield* driver.forgetCalls
        const killIn = Effect.fnUntraced(function*(step: string) {
          yield* eventually(Effect.map(driver.volumeCalls, (calls) => assert.include(calls, step)))
          yield* node.kill("SIGKILL")
          yield* node.start
        })
        yield* node.apply(withClaim("crash", idle))
        yield* node.kill("SIGKILL")
        yield* node.start
        yield* attach("handle-crash")
        yield* killIn("NodeStageVolume")
        yield* killIn("NodePublishVolume")
        yield* ready("crash")
        const mounts = mountsBelow(`${node.folder}/kubelet`)
        assert.strictEqual(new Set(mounts).size, mounts.length, "nothing is mounted twice")
        assert.include((yield* nodeStatus).inUse, uniqueName("handle-crash"))
        yield* node.ok("delete", "pod", "crash", "--wait=false")
        yield* killIn("NodeUnpublishVolume")
        yield* killIn("NodeUnstageVolume")
        yield* node.ok("wait", "pod/crash", "--for=delete", "--timeout=60s")
        yield* nothingLeft
        yield* eventually(Effect.map(nodeStatus, ({ inUse }) => assert.isEmpty(inUse)))
      }),
    180_000
  )
})
