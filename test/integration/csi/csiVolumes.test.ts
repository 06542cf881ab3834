/** Pods with volumes of a CSI driver that runs in a process of its own, on containerd, by the `kubelet` command. */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
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

/** What cannot be watched is looked at as often as pods are: a test does not wait for a minute. */
const often = nodeLayer({ config: { syncFrequency: "2s" } })

const under = Layer.merge(Layer.provideMerge(started, often), ClusterServer.adminApi).pipe(
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

/** A claim, and the volume it is bound to. */
const makeVolume = Effect.fnUntraced(function*(name: string, volumeMode = "Filesystem") {
  const api = yield* KubeApi
  const shared = { accessModes: ["ReadWriteOnce"], storageClassName: "", volumeMode }
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
  const status = { phase: "Bound", capacity: { storage: "1Gi" } }
  yield* api.update(resources.persistentVolumeClaims, { ...claim, status }, { subresource: "status" })
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

const startDriver = Effect.fnUntraced(function*(short = "folders") {
  const { folder } = yield* TestNode
  const place = {
    folder: `${folder}/driver-${short}`,
    socket: `${folder}/kubelet/plugins/${short}/csi.sock`,
    registrationSocket: `${folder}/kubelet/plugins_registry/${short}-reg.sock`
  }
  mkdirSync(place.folder, { recursive: true })
  const driver = yield* DriverProcess.make(place, {
    name: `${short}.example.com`,
    abilities: ["STAGE_UNSTAGE_VOLUME", "GET_VOLUME_STATS", "EXPAND_VOLUME"]
  })
  yield* driver.start
  return { ...driver, place }
})

/** Has the driver been told that it is taken? */
const untilTaken = (driver: Effect.Success<ReturnType<typeof startDriver>>) =>
  eventually(
    Effect.map(
      driver.calls,
      (calls) => assert.isTrue(calls.some(({ method }) => method === "NotifyRegistrationStatus"))
    )
  )

const prepared = Effect.gen(function*() {
  const node = yield* TestNode
  yield* node.ok("apply", "--server-side", "-f", yield* manifest)
  const driver = yield* startDriver()
  yield* untilTaken(driver)
  return driver
})

/** A disk of 8 MiB in a file. */
const loopDevice = (file: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      writeFileSync(file, new Uint8Array(8 * 1024 * 1024))
      return execFileSync("losetup", ["--find", "--show", file], { encoding: "utf8" }).trim()
    }),
    (device) => Effect.sync(() => execFileSync("losetup", ["-d", device]))
  )

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
    "I17, I18: a device in a container, and a volume that grows under its pod",
    () =>
      Effect.gen(function*() {
        const api = yield* KubeApi
        const node = yield* TestNode
        const driver = yield* prepared
        const disk = yield* loopDevice(`${node.folder}/disk`)
        // What the driver makes of the volume: a device node like the disk's own.
        execFileSync("cp", ["-a", disk, `${driver.backing}/handle-raw`])
        yield* makeVolume("grows")
        yield* makeVolume("raw", "Block")
        const script = `echo raw-bytes | dd of=/dev/xvda bs=512 count=1 conv=sync; sync; ${idle}`
        yield* node.apply(pod("grows", [
          container("c", script, {
            volumeMounts: [{ name: "grows", mountPath: "/data" }],
            volumeDevices: [{ name: "raw", devicePath: "/dev/xvda" }]
          })
        ], {
          volumes: ["grows", "raw"].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }))
        }))
        yield* attach("handle-grows")
        yield* attach("handle-raw")
        yield* ready("grows")
        yield* eventually(Effect.sync(() => assert.include(readFileSync(`${node.folder}/disk`, "utf8"), "raw-bytes")))
        const published = `${node.folder}/kubelet/plugins/kubernetes.io/csi/volumeDevices/publish/pv-raw`
        const device = `${published}/${yield* uidOf("grows")}`
        const locks = () => execFileSync("losetup", ["-l", "-n", "-O", "BACK-FILE"], { encoding: "utf8" })
        assert.include(locks(), device, "nobody can put another disk in its place")
        // The controller has made the disk larger.
        yield* api.patch(resources.persistentVolumes, { name: "pv-grows" }, {
          type: "merge",
          body: { spec: { capacity: { storage: "2Gi" } } }
        })
        const claim = { namespace: "default", name: "grows" }
        yield* api.patch(resources.persistentVolumeClaims, claim, {
          type: "merge",
          body: {
            status: {
              allocatedResources: { storage: "2Gi" },
              allocatedResourceStatuses: { storage: "NodeResizePending" },
              conditions: [{ type: "FileSystemResizePending", status: "True" }]
            }
          }
        }, { subresource: "status" })
        yield* eventually(Effect.map(api.get(resources.persistentVolumeClaims, claim), ({ status }) =>
          assert.deepEqual(status, {
            phase: "Bound",
            capacity: { storage: "2Gi" },
            allocatedResources: { storage: "2Gi" }
          })))
        const expanded = (yield* driver.calls).filter(({ method }) =>
          method === "NodeExpandVolume"
        )
        assert.lengthOf(expanded, 1)
        assert.deepInclude(expanded[0]?.request, { capacityRange: { requiredBytes: 2 * 1024 ** 3, limitBytes: 0 } })
        const events = yield* node.ok("get", "events", "-o", "jsonpath={.items[*].reason}")
        assert.include(events, "FileSystemResizeSuccessful")
        yield* removed("grows")
        yield* nothingLeft
        assert.isEmpty(existsSync(published) ? readdirSync(published) : [])
        assert.notInclude(locks(), device)
        yield* eventually(Effect.map(nodeStatus, ({ inUse }) => assert.isEmpty(inUse)))
      }),
    120_000
  )

  it.effect(
    "J1, J5: a second driver that wants tokens again and again; it goes, and the first one serves on",
    () =>
      Effect.gen(function*() {
        const api = yield* KubeApi
        const node = yield* TestNode
        const first = yield* prepared
        yield* api.create(resources.csiDrivers, {
          metadata: { name: "second.example.com" },
          spec: {
            attachRequired: false,
            podInfoOnMount: true,
            requiresRepublish: true,
            tokenRequests: [{ audience: "vault", expirationSeconds: 600 }],
            volumeLifecycleModes: ["Ephemeral"]
          }
        })
        const second = yield* startDriver("second")
        yield* untilTaken(second)
        yield* first.forgetCalls
        yield* node.apply(pod("two", [
          container("c", `echo 1 > /one/f; echo 2 > /two/f; ${idle}`, {
            volumeMounts: [{ name: "one", mountPath: "/one" }, { name: "two", mountPath: "/two" }]
          })
        ], {
          volumes: [
            { name: "one", csi: { driver: driverName } },
            { name: "two", csi: { driver: "second.example.com" } }
          ]
        }))
        yield* ready("two")
        const tokensOf = Effect.map(second.calls, (calls) =>
          calls.filter(({ method }) =>
            method === "NodePublishVolume"
          ).map(({ request }) => {
            const { volumeContext } = request as { volumeContext: Record<string, string> }
            return JSON.parse(volumeContext["csi.storage.k8s.io/serviceAccount.tokens"] ?? "{}").vault?.token
          }))
        yield* eventually(Effect.map(tokensOf, (tokens) => assert.isAtLeast(tokens.length, 2)))
        assert.isTrue((yield* tokensOf).every((token) => typeof token === "string" && token.length > 100))
        assert.lengthOf((yield* first.volumeCalls).filter((name) => name === "NodePublishVolume"), 1)
        const uid = yield* uidOf("two")
        assert.strictEqual(readFileSync(`${second.backing}/csi-${sha(`${uid}two`)}/f`, "utf8"), "2\n")
        yield* removed("two")
        // It is uninstalled: its socket goes with it.
        yield* second.kill
        rmSync(second.place.registrationSocket)
        yield* eventually(Effect.map(api.get(resources.csiNodes, { name: ClusterServer.nodeName }), ({ spec }) => {
          assert.include(JSON.stringify(spec), driverName)
          assert.notInclude(JSON.stringify(spec), "second.example.com")
        }))
        yield* nothingLeft
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
