/** Devices from a plugin's registration to a container, over real sockets. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Schedule, Scope } from "effect"
import { existsSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import { PodResourcesLister } from "../../../src/gen/podresources/podresources_pb.ts"
import * as DevicePluginsLive from "../../../src/layers/devices/DevicePluginsLive.ts"
import * as PodResourcesSocketLive from "../../../src/layers/devices/PodResourcesSocketLive.ts"
import { openChannel } from "../../../src/layers/grpc/connect.ts"
import type { GrpcError } from "../../../src/layers/grpc/Grpc.ts"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import { AgentConfig } from "../../../src/programs/AgentConfig.ts"
import * as DeviceKeeper from "../../../src/programs/devices/deviceKeeper.ts"
import { Devices } from "../../../src/programs/devices/Devices.ts"
import { podResourcesLoop } from "../../../src/programs/devices/podResourcesLoop.ts"
import * as PodRegistry from "../../../src/programs/pods/PodRegistry.ts"
import { StatusWriter } from "../../../src/programs/status/StatusWriter.ts"
import { agentSettings } from "../../fixture/agentSettings.ts"
import * as TestPlugin from "../../fixture/devices/TestPlugin.ts"

const { healthy, thing } = TestPlugin

const pod = (name: string, count: number): Pod => ({
  metadata: { name, namespace: "default", uid: `${name}-uid` },
  spec: { containers: [{ name: "c", resources: { limits: { [thing]: String(count) } } }] }
})

/** An agent as far as devices go; it runs in its own scope, which is its life. */
const agent = Effect.fnUntraced(function*(rootDir: string, pods: ReadonlyArray<Pod>) {
  const life = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(life, Exit.void))
  const below = Layer.mergeAll(
    Layer.succeed(AgentConfig, { ...agentSettings, rootDir }),
    DevicePluginsLive.layer,
    PodResourcesSocketLive.layer,
    HostFilesLive.layer,
    PodRegistry.layer(["api"]),
    Layer.mock(StatusWriter)({ latest: () => Effect.succeed(undefined) })
  )
  const context = yield* Layer.build(Layer.fresh(DeviceKeeper.layer.pipe(Layer.provideMerge(below)))).pipe(
    Scope.provide(life)
  )
  const running = Effect.gen(function*() {
    yield* (yield* PodRegistry.PodRegistry).replace("api", pods)
    const devices = yield* Devices
    yield* Effect.forkIn(devices.run, life)
    yield* Effect.forkIn(podResourcesLoop, life)
    return devices
  })
  return { devices: yield* Effect.provideContext(running, context), kill: Scope.close(life, Exit.void) }
})

const until = <A, E>(look: Effect.Effect<A, E>, want: A) =>
  Effect.map(look, (seen) => assert.deepStrictEqual(seen, want)).pipe(
    Effect.sandbox,
    Effect.retry(Schedule.spaced("20 millis").pipe(Schedule.upTo({ duration: "5 seconds" })))
  )

/** What plugins wait for: the folder has been cleared, and the node takes registrations. */
const listens = (rootDir: string) => Effect.sync(() => existsSync(`${rootDir}/device-plugins/kubelet.sock`))

const counts = (devices: Devices["Service"]) =>
  Effect.map(devices.quantities, ({ allocatable, capacity }) => [capacity[thing], allocatable[thing]])

const ground = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "kubeffect-devices-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true }))
)

describe("devices", () => {
  it.live("L12: from registration to container, over the plugin's end and the agent's restart", () =>
    Effect.gen(function*() {
      const rootDir = yield* ground
      const pods = [pod("a", 1), pod("b", 2), pod("d", 1)] as const
      const first = yield* agent(rootDir, pods)
      const pluginLife = yield* Scope.make()
      yield* until(listens(rootDir), true)
      const plugin = yield* TestPlugin.make(`${rootDir}/device-plugins`, healthy("t1", "t2")).pipe(
        Scope.provide(pluginLife)
      )
      assert.match((yield* Effect.flip(plugin.register({ version: "v1" }))).detail, /requested API version "v1"/)
      assert.match((yield* Effect.flip(plugin.register({ resource: "thing" }))).detail, /"thing" is invalid/)
      yield* plugin.register()
      yield* until(counts(first.devices), ["2", "2"])

      yield* first.devices.allocate(pods[0])
      assert.deepStrictEqual(plugin.asked, ["prefer t1,t2", "allocate t2"])
      assert.deepStrictEqual((yield* first.devices.prepare("a-uid", "c")).env, { THING: "t2" })
      assert.strictEqual(plugin.asked.at(-1), "start t2")
      assert.strictEqual(
        (yield* Effect.flip(first.devices.allocate(pods[1]))).detail,
        "requested number of devices unavailable for example.com/thing. Requested: 2, Available: 1"
      )
      yield* first.devices.allocate(pods[0])
      assert.strictEqual(plugin.asked.filter((call) => call.startsWith("allocate")).length, 1, "what it has it keeps")

      yield* plugin.tell([{ ID: "t1", health: "Unhealthy" }, { ID: "t2", health: "Healthy" }])
      yield* until(counts(first.devices), ["2", "1"])
      yield* Scope.close(pluginLife, Exit.void)
      yield* until(counts(first.devices), ["2", "0"])

      yield* first.kill
      const second = yield* agent(rootDir, pods)
      assert.deepStrictEqual(yield* counts(second.devices), ["2", "0"])
      assert.deepStrictEqual((yield* second.devices.prepare("a-uid", "c")).env, { THING: "t2" })
      assert.match((yield* Effect.flip(second.devices.allocate(pods[2]))).detail, /^no healthy devices present/)
      yield* second.devices.release("a-uid")
      assert.deepStrictEqual(yield* second.devices.holdings, [])
    }))

  it.live("O11: who has which device can be asked, at a pace", () =>
    Effect.gen(function*() {
      const rootDir = yield* ground
      const { devices } = yield* agent(rootDir, [pod("a", 1)])
      const address = `${rootDir}/pod-resources/kubelet.sock`
      const client = (yield* openChannel({ address })).client(PodResourcesLister, {
        name: "PodResources",
        timeoutMs: () => 5000,
        mapError: (error: GrpcError) => error
      })
      yield* until(Effect.map(client.list({}), ({ podResources }) => podResources.length), 1)
      yield* until(listens(rootDir), true)
      const plugin = yield* TestPlugin.make(`${rootDir}/device-plugins`, healthy("t1", "t2"))
      yield* plugin.register()
      yield* until(counts(devices), ["2", "2"])
      yield* devices.allocate(pod("a", 1))

      const { podResources } = yield* client.get({ podName: "a", podNamespace: "default" })
      assert.deepStrictEqual(
        podResources?.containers.map(({ devices, name }) => [
          name,
          devices.map((one) => [one.resourceName, one.deviceIds])
        ]),
        [["c", [[thing, ["t2"]]]]]
      )
      const free = yield* client.getAllocatableResources({})
      assert.deepStrictEqual(free.devices.map(({ deviceIds }) => deviceIds), [["t1"], ["t2"]])
      const none = yield* Effect.flip(client.get({ podName: "z", podNamespace: "default" }))
      assert.deepStrictEqual([none.reason._tag, none.detail], ["NotFound", "pod z in namespace default not found"])

      const burst = yield* Effect.forEach(Array.from({ length: 60 }), () => Effect.exit(client.list({})), {
        concurrency: "unbounded"
      })
      const refused = burst.filter(Exit.isFailure)
      assert.isAbove(refused.length, 10)
      assert.include(JSON.stringify(refused[0]), "rejected by rate limit")
    }))
})
