/** Volumes that grow, before and while pods use them (parity I18). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { sha256Hex } from "../../../src/domain/csi/sha256.ts"
import { GrpcCode } from "../../../src/layers/grpc/Grpc.ts"
import { podWith } from "../../domain/volumes/pods.ts"
import { eventually, root, settled, untilReady } from "../volumes/world.ts"
import {
  bindClaim,
  claimVolume,
  driverName,
  growDisk,
  makeCsiWorld,
  simDriver,
  statusOf,
  volumeCalls
} from "./cluster.ts"

const gib = (count: number) => count * 1024 ** 3
const pod = podWith([claimVolume("a")])

const running = Effect.gen(function*() {
  const driver = simDriver()
  const world = yield* makeCsiWorld([driver])
  yield* bindClaim(world.client, "a")
  const agent = yield* world.start()
  yield* untilReady(agent, pod)
  driver.calls.length = 0
  return { ...world, agent, driver }
})

/** Claims are read again within a minute and a half. */
const later = Effect.andThen(TestClock.adjust("90 seconds"), settled)

describe("I18: volumes that grow", () => {
  it.effect("while a pod uses them: the driver is asked once, the claim and the users are told", () =>
    Effect.gen(function*() {
      const { agent, client, driver, events } = yield* running
      yield* later
      assert.isEmpty(volumeCalls(driver), "nothing is asked while nothing has grown")
      yield* growDisk(client, "a", "3Gi")
      yield* later
      yield* eventually(() => volumeCalls(driver).length === 1)
      assert.deepStrictEqual(driver.calls.filter(({ method }) => method === "NodeExpandVolume"), [{
        method: "NodeExpandVolume",
        request: {
          volumeId: "h-a",
          volumePath: `${root}/pods/u1/volumes/kubernetes.io~csi/pv-a/mount`,
          capacityRange: { requiredBytes: gib(3), limitBytes: 0 },
          stagingTargetPath: `${root}/plugins/kubernetes.io/csi/${driverName}/${sha256Hex("h-a")}/globalmount`,
          volumeCapability: {
            accessMode: { mode: 1 },
            accessType: { case: "mount", value: { fsType: "ext4", mountFlags: [], volumeMountGroup: "" } }
          },
          secrets: {}
        }
      }])
      yield* settled
      assert.deepInclude(yield* statusOf(client, "a"), { capacity: { storage: "3Gi" } })
      assert.notProperty(yield* statusOf(client, "a"), "conditions")
      assert.notProperty((yield* statusOf(client, "a"))["allocatedResourceStatuses"] ?? {}, "storage")
      const told = "FileSystemResizeSuccessful: MountVolume.NodeExpandVolume succeeded for volume \"pv-a\" n1"
      assert.isTrue(events.some((event) => event.startsWith(told)), events.join())
      assert.isTrue(events.some((event) => event.startsWith(`PersistentVolumeClaim a ${told}`)), events.join())
      yield* later
      assert.lengthOf(volumeCalls(driver), 1)
      yield* agent.stop
    }))

  it.effect("while nobody uses them: made larger before their pod starts", () =>
    Effect.gen(function*() {
      const driver = simDriver()
      const { client, start } = yield* makeCsiWorld([driver])
      yield* bindClaim(client, "a")
      yield* growDisk(client, "a", "2Gi")
      driver.faults.set("NodeExpandVolume", { kind: "fail", code: GrpcCode.Internal })
      const agent = yield* start()
      yield* agent.volumes.want(pod)
      yield* settled
      assert.isFalse((yield* agent.volumes.state("u1")).ready)
      driver.faults.clear()
      yield* TestClock.adjust("1 second")
      yield* untilReady(agent, pod)
      assert.deepInclude(yield* statusOf(client, "a"), { capacity: { storage: "2Gi" } })
    }))

  it.effect("a failure to do so before the start is told as what it is, and holds up the pod", () =>
    Effect.gen(function*() {
      const driver = simDriver()
      const { client, events, start } = yield* makeCsiWorld([driver])
      yield* bindClaim(client, "a")
      yield* growDisk(client, "a", "2Gi")
      driver.faults.set("NodeExpandVolume", { kind: "fail", code: GrpcCode.Unavailable })
      const agent = yield* start()
      yield* agent.volumes.want(pod)
      yield* eventually(() => events.length > 0)
      const reason = "rpc error: code = Unavailable desc = NodeExpandVolume was told to fail"
      assert.strictEqual(
        events[0],
        `FailedMount: MountVolume.Setup failed while expanding volume for volume "pv-a" : ` +
          `Expander.NodeExpand failed to expand the volume: ${reason}`
      )
      // The driver may still be at it: nothing final is written.
      assert.deepInclude(yield* statusOf(client, "a"), {
        allocatedResourceStatuses: { storage: "NodeResizeInProgress" }
      })
    }))

  it.effect("a final failure while a pod uses them is in the claim, and tried again", () =>
    Effect.gen(function*() {
      const { agent, client, driver, events } = yield* running
      driver.faults.set("NodeExpandVolume", { kind: "fail", code: GrpcCode.Internal })
      yield* growDisk(client, "a", "2Gi")
      yield* later
      yield* eventually(() => events.length > 0)
      assert.include(events[0], "VolumeResizeFailed: NodeExpandVolume.NodeExpandVolume failed for volume \"pv-a\" : ")
      const { allocatedResourceStatuses, conditions } = yield* statusOf(client, "a")
      assert.deepStrictEqual(allocatedResourceStatuses, { storage: "NodeResizeInProgress" })
      assert.include(JSON.stringify(conditions), "failed to expand pvc with Expander.NodeExpand failed")
      assert.isTrue((yield* agent.volumes.state("u1")).ready, "the pod runs on")
      driver.faults.clear()
      yield* TestClock.adjust("3 minutes")
      yield* settled
      assert.deepInclude(yield* statusOf(client, "a"), { capacity: { storage: "2Gi" } })
      assert.notProperty(yield* statusOf(client, "a"), "conditions")
    }))

  it.effect("what can never be is given up, and the claim says so", () =>
    Effect.gen(function*() {
      const { client, driver } = yield* running
      driver.faults.set("NodeExpandVolume", { kind: "fail", code: GrpcCode.OutOfRange })
      yield* growDisk(client, "a", "2Gi")
      yield* later
      yield* eventually(() => volumeCalls(driver).length > 0)
      yield* settled
      assert.deepInclude(yield* statusOf(client, "a"), {
        allocatedResourceStatuses: { storage: "NodeResizeInfeasible" }
      })
      yield* TestClock.adjust("10 minutes")
      yield* settled
      assert.lengthOf(volumeCalls(driver), 1)
    }))

  it.effect("a driver that cannot do it in use is not asked again, and its pod runs on", () =>
    Effect.gen(function*() {
      const { client, driver, events } = yield* running
      driver.faults.set("NodeExpandVolume", { kind: "fail", code: GrpcCode.FailedPrecondition })
      yield* growDisk(client, "a", "2Gi")
      yield* later
      yield* eventually(() => volumeCalls(driver).length > 0)
      yield* TestClock.adjust("10 minutes")
      yield* settled
      assert.lengthOf(volumeCalls(driver), 1)
      assert.isEmpty(events)
    }))

  it.effect("two pods of one volume: made larger once", () =>
    Effect.gen(function*() {
      const { agent, client, driver } = yield* running
      yield* untilReady(agent, podWith([claimVolume("a")], {}, { uid: "u2" }))
      driver.calls.length = 0
      yield* growDisk(client, "a", "2Gi")
      yield* later
      yield* later
      assert.deepStrictEqual(volumeCalls(driver), ["NodeExpandVolume"])
    }))

  it.effect("a driver without the ability is not asked", () =>
    Effect.gen(function*() {
      const driver = simDriver({ abilities: ["STAGE_UNSTAGE_VOLUME"] })
      const { client, start } = yield* makeCsiWorld([driver])
      yield* bindClaim(client, "a")
      yield* growDisk(client, "a", "2Gi")
      yield* untilReady(yield* start(), pod)
      yield* later
      assert.notInclude(volumeCalls(driver), "NodeExpandVolume")
    }))
})
