/** What drivers are told, and what becomes of pods when drivers come, go and fail. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import { attachmentName, uniqueName } from "../../../src/domain/csi/csiPaths.ts"
import { csiDrivers, csiNodes, nodes, volumeAttachments } from "../../../src/domain/k8s/resources.ts"
import { GrpcCode } from "../../../src/layers/grpc/Grpc.ts"
import { VolumesInUse } from "../../../src/programs/csi/VolumesInUse.ts"
import { podWith } from "../../domain/volumes/pods.ts"
import { createPod, eventually, listing, root, settled, untilReady } from "../volumes/world.ts"
import { bindClaim, claimVolume, driverName, makeCsiWorld, simDriver, volumeCalls } from "./cluster.ts"

interface Published {
  readonly volumeContext: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
  readonly volumeCapability: { readonly accessType: { readonly value: { readonly volumeMountGroup?: string } } }
}

const published = (driver: ReturnType<typeof simDriver>): ReadonlyArray<Published> =>
  driver.calls.filter(({ method }) => method === "NodePublishVolume").map(({ request }) => request as Published)

const tokens = { podInfoOnMount: true, tokenRequests: [{ audience: "vault", expirationSeconds: 600 }] }
const tokensKey = "csi.storage.k8s.io/serviceAccount.tokens"
const at = (uid: string, name: string) => `${root}/pods/${uid}/volumes/kubernetes.io~csi/${name}`

describe("J5: what a driver asks for", () => {
  it.effect("facts of the pod and its tokens come with the volume's own attributes", () =>
    Effect.gen(function*() {
      const driver = simDriver()
      const { client, start } = yield* makeCsiWorld([driver], tokens)
      const pod = yield* createPod(
        client,
        podWith([{ name: "v", csi: { driver: driverName, volumeAttributes: { mine: "1" } } }])
      )
      yield* untilReady(yield* start(), pod)
      const [{ secrets, volumeContext } = assert.fail("nothing was published")] = published(driver)
      assert.deepInclude(volumeContext, {
        mine: "1",
        "csi.storage.k8s.io/pod.name": pod.metadata.name,
        "csi.storage.k8s.io/pod.namespace": "default",
        "csi.storage.k8s.io/pod.uid": pod.metadata.uid,
        "csi.storage.k8s.io/ephemeral": "true"
      })
      const { vault } = JSON.parse(volumeContext[tokensKey] ?? "{}")
      assert.match(vault.token, /./)
      assert.match(vault.expirationTimestamp, /Z$/)
      assert.deepStrictEqual(secrets, {})
    }))

  it.effect("tokens come among the secrets where the driver says so", () =>
    Effect.gen(function*() {
      const driver = simDriver()
      const { client, start } = yield* makeCsiWorld([driver], { ...tokens, serviceAccountTokenInSecrets: true })
      const pod = yield* createPod(client, podWith([{ name: "v", csi: { driver: driverName } }]))
      yield* untilReady(yield* start(), pod)
      const [{ secrets, volumeContext } = assert.fail("nothing was published")] = published(driver)
      assert.property(secrets, tokensKey)
      assert.notProperty(volumeContext, tokensKey)
    }))

  it.effect("requiresRepublish: published again with fresh tokens; a failure leaves the mount as it is", () =>
    Effect.gen(function*() {
      const driver = simDriver()
      const { client, events, host, start, tokenRequests } = yield* makeCsiWorld([driver], {
        ...tokens,
        requiresRepublish: true
      })
      const pod = yield* createPod(client, podWith([{ name: "v", csi: { driver: driverName } }]))
      const agent = yield* start()
      yield* untilReady(agent, pod)
      yield* TestClock.adjust("90 seconds")
      yield* eventually(() => published(driver).length === 2)
      assert.strictEqual(tokenRequests(), 2)
      const mounts = host.mountPoints()
      driver.faults.set("NodePublishVolume", { kind: "fail", code: GrpcCode.Internal })
      yield* TestClock.adjust("90 seconds")
      yield* eventually(() => published(driver).length === 3)
      yield* settled
      assert.isTrue((yield* agent.volumes.state(pod.metadata.uid)).ready)
      assert.deepStrictEqual(host.mountPoints(), mounts)
      assert.isEmpty(events)
      driver.faults.clear()
      yield* agent.volumes.release(pod.metadata.uid)
      const calls = published(driver).length
      yield* TestClock.adjust("5 minutes")
      yield* settled
      assert.lengthOf(published(driver), calls, "a volume that is gone is published no more")
    }))

  it.each([
    { policy: "File", spec: { accessModes: ["ReadWriteMany"] }, owned: true, why: "always" },
    { policy: "None", spec: {}, owned: false, why: "never" },
    { policy: "ReadWriteOnceWithFSType", spec: {}, owned: true, why: "a file system of one node" },
    {
      policy: "ReadWriteOnceWithFSType",
      spec: { accessModes: ["ReadWriteMany"] },
      owned: false,
      why: "others would see it change"
    }
  ])("fsGroupPolicy $policy: files are the pod's group's: $owned: $why", ({ owned, policy, spec }) =>
    Effect.runPromise(
      Effect.gen(function*() {
        const driver = simDriver()
        const { client, host, start } = yield* makeCsiWorld([driver], { fsGroupPolicy: policy })
        yield* bindClaim(client, "a", { spec })
        host.makeDirectories("/backing/h-a")
        host.write("/backing/h-a/f", "1")
        yield* untilReady(yield* start(), podWith([claimVolume("a")], { securityContext: { fsGroup: 77 } }))
        assert.strictEqual(host.at("/backing/h-a/f").inode.gid, owned ? 77 : 0)
      }).pipe(Effect.scoped, Effect.provide(TestClock.layer()))
    ))

  it.effect("a driver that mounts for a group is told it, and the agent touches nothing", () =>
    Effect.gen(function*() {
      const driver = simDriver({ abilities: ["STAGE_UNSTAGE_VOLUME", "VOLUME_MOUNT_GROUP"] })
      const { client, host, start } = yield* makeCsiWorld([driver], { fsGroupPolicy: "File" })
      yield* bindClaim(client, "a")
      yield* untilReady(yield* start(), podWith([claimVolume("a")], { securityContext: { fsGroup: 77 } }))
      assert.strictEqual(published(driver)[0]?.volumeCapability.accessType.value.volumeMountGroup, "77")
      assert.strictEqual(host.at("/backing/h-a").inode.gid, 0)
    }))

  it.effect("volumeLifecycleModes: a driver of claims alone refuses volumes of pods", () =>
    Effect.gen(function*() {
      const { events, start } = yield* makeCsiWorld([simDriver()], { volumeLifecycleModes: ["Persistent"] })
      yield* (yield* start()).volumes.want(podWith([{ name: "v", csi: { driver: driverName } }]))
      yield* eventually(() => events.length > 0)
      assert.include(events[0], "volume mode \"Ephemeral\" not supported by driver")
    }))
})

describe("I17: block volumes of drivers", () => {
  it.effect("are staged, published as a device, handed to the container, and taken back", () =>
    Effect.gen(function*() {
      const driver = simDriver()
      const { client, host, start } = yield* makeCsiWorld([driver])
      yield* bindClaim(client, "a", { spec: { volumeMode: "Block" } })
      const agent = yield* start()
      const [first = { name: "c" }] = podWith([]).spec.containers
      const pod = podWith([claimVolume("a")], {
        containers: [{ ...first, volumeMounts: [], volumeDevices: [{ name: "a", devicePath: "/dev/xvda" }] }]
      })
      yield* untilReady(agent, pod)
      const base = `${root}/plugins/kubernetes.io/csi/volumeDevices`
      const device = `${base}/publish/pv-a/u1`
      const { blockVolumes } = yield* agent.volumes.mounts("u1")
      assert.deepStrictEqual(blockVolumes.get("a"), { devicePath: device, readOnly: false })
      assert.strictEqual(host.at(device).inode.type, "file")
      assert.deepInclude(driver.calls.find(({ method }) => method === "NodePublishVolume")?.request, {
        stagingTargetPath: `${base}/staging/pv-a`,
        targetPath: device,
        volumeCapability: { accessMode: { mode: 1 }, accessType: { case: "block", value: {} } }
      })
      assert.strictEqual(
        host.table.find(`${root}/pods/u1/volumeDevices/kubernetes.io~csi/pv-a`, false)?.inode.target,
        device
      )
      yield* agent.volumes.release("u1")
      assert.deepStrictEqual(volumeCalls(driver), [
        "NodeStageVolume",
        "NodePublishVolume",
        "NodeUnpublishVolume",
        "NodeUnstageVolume"
      ])
      assert.isFalse(host.exists(device))
      assert.isFalse(host.exists(`${base}/pv-a`))
    }))

  it.effect("a failure is told as one of a map", () =>
    Effect.gen(function*() {
      const driver = simDriver()
      const { client, events, start } = yield* makeCsiWorld([driver])
      yield* bindClaim(client, "a", { spec: { volumeMode: "Block" } })
      driver.faults.set("NodeStageVolume", { kind: "fail", code: GrpcCode.Internal })
      const [first = { name: "c" }] = podWith([]).spec.containers
      yield* (yield* start()).volumes.want(podWith([claimVolume("a")], {
        containers: [{ ...first, volumeMounts: [], volumeDevices: [{ name: "a", devicePath: "/dev/xvda" }] }]
      }))
      yield* eventually(() => events.length > 0)
      assert.strictEqual(
        events[0],
        "FailedMapVolume: MapVolume.SetUpDevice failed for volume \"pv-a\" : " +
          "rpc error: code = Internal desc = NodeStageVolume was told to fail"
      )
    }))
})

describe("several drivers", () => {
  const names = ["one.example.com", "two.example.com"] as const

  it.effect("J1: one that hangs or is gone holds up nobody else, and is waited for", () =>
    Effect.gen(function*() {
      const [one, two] = [simDriver({ name: names[0] }), simDriver({ name: names[1] })]
      const { client, events, sockets, start } = yield* makeCsiWorld([one, two])
      yield* bindClaim(client, "a", { driver: names[0] })
      yield* bindClaim(client, "b", { driver: names[1] })
      const agent = yield* start()
      const podOf = (uid: string, name: string) => podWith([claimVolume(name)], {}, { uid })
      one.faults.set("NodeStageVolume", { kind: "hang", code: 0 })
      yield* agent.volumes.want(podOf("u1", "a"))
      yield* untilReady(agent, podOf("u2", "b"))
      assert.isFalse((yield* agent.volumes.state("u1")).ready)
      one.faults.clear()
      yield* TestClock.adjust("3 minutes")
      yield* untilReady(agent, podOf("u1", "a"))
      // Its socket goes: volumes of others come and go, its own wait.
      const [socket = ""] = sockets.keys()
      yield* agent.drivers.deregister(names[0], socket)
      events.length = 0
      yield* agent.volumes.want(podOf("u3", "a"))
      yield* agent.volumes.release("u2")
      yield* TestClock.adjust("15 seconds")
      yield* eventually(() => events.length > 0)
      assert.include(
        events[0],
        `failed to create newCsiDriverClient: driver name ${names[0]} not found in the list of registered CSI drivers`
      )
      const leaving = yield* Effect.forkChild(agent.volumes.release("u1"))
      yield* settled
      assert.notInclude(volumeCalls(one), "NodeUnpublishVolume")
      yield* agent.drivers.register(names[0], socket)
      yield* TestClock.adjust("3 minutes")
      yield* Fiber.join(leaving)
      yield* untilReady(agent, podOf("u3", "a"))
    }))

  it.effect("J7: one that unstages slowly is not given up when the pod's other volumes are gone", () =>
    Effect.gen(function*() {
      const [one, two] = [simDriver({ name: names[0] }), simDriver({ name: names[1] })]
      const { client, host, start } = yield* makeCsiWorld([one, two])
      yield* bindClaim(client, "a", { driver: names[0] })
      yield* bindClaim(client, "b", { driver: names[1] })
      const agent = yield* start()
      yield* untilReady(agent, podWith([claimVolume("a"), claimVolume("b")]))
      one.faults.set("NodeUnstageVolume", { kind: "slow", code: 0, delayMs: 5000 })
      two.faults.set("NodeUnpublishVolume", { kind: "slow", code: 0, delayMs: 1000 })
      const leaving = yield* Effect.forkChild(agent.volumes.release("u1"))
      yield* settled
      yield* TestClock.adjust("1 second")
      yield* settled
      yield* TestClock.adjust("4 seconds")
      yield* Fiber.join(leaving)
      for (const name of names) {
        assert.deepStrictEqual(listing(host, `${root}/plugins/kubernetes.io/csi/${name}`).slice(1), [])
      }
      const { names: inUse } = yield* Effect.provide(VolumesInUse, agent.context)
      assert.deepStrictEqual(yield* inUse, [])
    }))

  it.effect("J4: one that dies in the middle of a call and comes back is asked again, nothing is mounted twice", () =>
    Effect.gen(function*() {
      const driver = simDriver()
      const { client, host, sockets, start } = yield* makeCsiWorld([driver])
      yield* bindClaim(client, "a")
      const agent = yield* start()
      const [socket = ""] = sockets.keys()
      driver.faults.set("NodeStageVolume", { kind: "die", code: 0 })
      driver.faults.set("NodePublishVolume", { kind: "die", code: 0 })
      yield* agent.volumes.want(podWith([claimVolume("a")]))
      for (const step of ["NodeStageVolume", "NodePublishVolume"]) {
        yield* eventually(() => !sockets.has(socket))
        driver.faults.delete(step)
        sockets.set(socket, driver)
        yield* TestClock.adjust("10 seconds")
      }
      yield* untilReady(agent, podWith([claimVolume("a")]))
      const points = host.mountPoints()
      assert.strictEqual(new Set(points).size, points.length)
      assert.lengthOf(points.filter((point) => point.startsWith(at("u1", "pv-a"))), 1)
    }))
})

describe("I19: what volumes of drivers hold", () => {
  it.effect("is asked of the driver, where it can tell", () =>
    Effect.gen(function*() {
      const [telling, silent] = [simDriver(), simDriver({ name: "silent.example.com", abilities: [] })]
      const { client, host, start } = yield* makeCsiWorld([telling, silent])
      yield* bindClaim(client, "a")
      yield* bindClaim(client, "b", { driver: "silent.example.com" })
      const agent = yield* start()
      yield* untilReady(agent, podWith([claimVolume("a"), claimVolume("b")]))
      host.write("/backing/h-a/f", new Uint8Array(5000))
      const usage = yield* agent.volumes.usage("u1")
      assert.deepStrictEqual(usage.map(({ claimName, usedBytes }) => [claimName, usedBytes]), [["a", 8192]])
      assert.deepStrictEqual(telling.calls.at(-1), {
        method: "NodeGetVolumeStats",
        request: { volumeId: "h-a", volumePath: `${at("u1", "pv-a")}/mount`, stagingTargetPath: "" }
      })
    }))
})

describe("J2: how many volumes a driver serves on this node", () => {
  const identity = { driver: driverName, handle: "h-a" }
  const node = {
    metadata: { name: "n1", uid: "node-uid" },
    status: { volumesAttached: [{ name: uniqueName(identity), devicePath: "" }] }
  }
  const connected = Effect.fnUntraced(function*(spec: Readonly<Record<string, unknown>>) {
    const settings = { name: driverName, nodeId: "n", maxVolumes: 3, topology: {}, abilities: [], backing: "/backing" }
    const driver = { ...simDriver(), settings }
    const world = yield* makeCsiWorld([driver], spec, node)
    yield* world.client.create(nodes, { metadata: { name: "n1" } })
    const agent = yield* world.start()
    const count = world.client.get(csiNodes, { name: "n1" }).pipe(
      Effect.map((object) => JSON.stringify(object["spec"]).match(/"count":(\d+)/)?.[1])
    )
    return { ...world, agent, count, driver, settings }
  })

  it.effect("is asked for as often as its CSIDriver object says, from the moment it says so", () =>
    Effect.gen(function*() {
      const { client, count, settings } = yield* connected({})
      assert.strictEqual(yield* count, "3")
      settings.maxVolumes = 5
      yield* TestClock.adjust("10 minutes")
      yield* settled
      assert.strictEqual(yield* count, "3")
      const spec = { nodeAllocatableUpdatePeriodSeconds: 30 }
      yield* client.patch(csiDrivers, { name: driverName }, { type: "merge", body: { spec } })
      yield* settled
      yield* TestClock.adjust("30 seconds")
      yield* settled
      assert.strictEqual(yield* count, "5")
    }))

  it.effect("is asked for when a volume could not be attached for it, and the pod is refused", () =>
    Effect.gen(function*() {
      const { agent, client, count, ended, events, settings } = yield* connected({ attachRequired: true })
      yield* bindClaim(client, "a")
      settings.maxVolumes = 1
      const inUse = Context.getOption(agent.context, VolumesInUse)
      yield* Option.getOrThrow(inUse).reported([uniqueName(identity)])
      yield* client.create(volumeAttachments, {
        metadata: { name: attachmentName(identity, "n1") },
        spec: { attacher: driverName, nodeName: "n1", source: { persistentVolumeName: "pv-a" } }
      }).pipe(Effect.flatMap((made) =>
        client.update(volumeAttachments, {
          ...made,
          status: { attached: false, attachError: { message: "no more", errorCode: GrpcCode.ResourceExhausted } }
        }, { subresource: "status" })
      ))
      yield* agent.volumes.want(podWith([claimVolume("a")]))
      yield* eventually(() => ended.length > 0)
      assert.deepStrictEqual(ended, ["u1 VolumeAttachmentLimitExceeded"])
      assert.deepStrictEqual(events, [
        "FailedMount: MountVolume.WaitForAttach failed for volume \"pv-a\" : no more",
        "VolumeAttachmentLimitExceeded: Node has reached its volume attachment limit, rejecting pod"
      ])
      assert.strictEqual(yield* count, "1")
    }))
})
