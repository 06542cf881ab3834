/** The agent's part in each mode: what it installs and removes, and what it answers the shims of the runtime. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Ref, Stream } from "effect"
import { TestClock } from "effect/testing"
import { shimListText } from "../../../src/domain/cni/shimList.ts"
import type { ShimAnswer, ShimRequest } from "../../../src/domain/cni/shimRequest.ts"
import { KubeApi } from "../../../src/layers/api/KubeApi.ts"
import * as CniSim from "../../../src/layers/cni/CniSim.ts"
import { ShimServer } from "../../../src/layers/cni/ShimServer.ts"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import * as NodeFactsMemory from "../../../src/layers/host/NodeFactsMemory.ts"
import { AgentConfig } from "../../../src/programs/AgentConfig.ts"
import * as AgentMode from "../../../src/programs/network/agentMode.ts"
import { PodNetwork } from "../../../src/programs/network/PodNetwork.ts"
import { NodeState } from "../../../src/programs/node/NodeState.ts"
import * as PodRegistry from "../../../src/programs/pods/PodRegistry.ts"
import { agentSettings } from "../../fixture/agentSettings.ts"
import { bridgeNetwork } from "../../fixture/cni/bridgeNetwork.ts"

const confDir = "/etc/cni/net.d"
const shimList = `${confDir}/00-kubeffect.conflist`

type Handle = (request: ShimRequest) => Effect.Effect<ShimAnswer>

const world = Effect.gen(function*() {
  const host = new HostFilesMemory.MemoryHost()
  for (const folder of [confDir, "/opt/cni/bin", "/run/netns"]) host.makeDirectories(folder)
  for (const plugin of ["bridge", "host-local", "portmap", "bandwidth"]) host.write(`/opt/cni/bin/${plugin}`, "")
  host.write("/run/netns/a", "")
  const { path, text } = bridgeNetwork({ name: "pods", octet: 1, size: 5 })
  host.write(path, text)
  const sim = CniSim.makeHandle()
  const handler = yield* Deferred.make<Handle>()
  const patched = yield* Ref.make<ReadonlyArray<unknown>>([])
  const services = Layer.mergeAll(
    CniSim.layer(sim),
    HostFilesMemory.layer(host),
    NodeFactsMemory.layer(() => ({ ...NodeFactsMemory.machine("n"), architecture: "amd64" })),
    Layer.succeed(AgentConfig, agentSettings),
    Layer.mock(NodeState)({ nodeChanges: Stream.never }),
    Layer.mock(KubeApi)({
      patch: (_resource, _target, patch) => Effect.as(Ref.update(patched, (all) => [...all, patch]), { metadata: {} })
    }),
    PodRegistry.layer([]),
    Layer.mock(Cri)({
      status: () =>
        Effect.succeed({ info: { config: JSON.stringify({ cni: { binDir: "/opt/cni/bin", confDir } }) } } as never),
      listPodSandbox: () => Effect.succeed({ items: [{ id: "s1" }] } as never)
    }),
    Layer.succeed(
      ShimServer,
      ShimServer.of({
        socketPath: "/var/lib/kubelet/network/cni.sock",
        serve: (handle) =>
          Effect.flatMap(
            Effect.context<never>(),
            (context) =>
              Deferred.succeed(handler, (request) => Effect.provideContext(handle(request), context as never))
          )
      })
    )
  )
  return { host, sim, services, patched, handler: Deferred.await(handler) }
})

const request = (verb: ShimRequest["verb"], config: Readonly<Record<string, unknown>> = {}): ShimRequest => ({
  verb,
  attachment: {
    containerId: "s1",
    netns: "/run/netns/a",
    ifname: "eth0",
    args: [["K8S_POD_NAMESPACE", "n"], ["K8S_POD_NAME", "p"], ["K8S_POD_UID", "u"]],
    capabilityArgs: {}
  },
  config,
  cniVersion: "0.4.0"
})

const output = ({ output: text }: ShimAnswer) => text === "" ? undefined : JSON.parse(text)

describe("agent mode", () => {
  it.effect("installs the shim and its list, and answers every verb", () =>
    Effect.gen(function*() {
      const { handler, host, patched, services, sim } = yield* world
      yield* Effect.gen(function*() {
        const registry = yield* PodRegistry.PodRegistry
        const annotations = { "k8s.v1.cni.cncf.io/networks": "" }
        yield* registry.replace("api", [
          { metadata: { name: "p", namespace: "n", uid: "u", annotations }, spec: { containers: [] } } as never
        ])
        yield* Effect.forkScoped((yield* PodNetwork).run)
        const handle = yield* handler
        yield* TestClock.adjust("1 second")
        assert.strictEqual(new TextDecoder().decode(host.read(shimList)), shimListText)
        assert.deepStrictEqual(Array.from(host.read("/opt/cni/bin/kubeffect").subarray(0, 4)), [0x7f, 0x45, 0x4c, 0x46])

        assert.include(output(yield* handle(request("VERSION"))).supportedVersions, "0.4.0")
        assert.deepStrictEqual(yield* handle(request("STATUS")), { exitCode: 0, output: "" })
        const added = output(yield* handle(request("ADD")))
        assert.deepInclude(added.ips[0], { version: "4", address: "10.99.1.2/24" })
        assert.strictEqual((yield* handle(request("CHECK"))).exitCode, 0)
        yield* TestClock.adjust("1 second")
        assert.include(JSON.stringify(yield* Ref.get(patched)), "network-status")

        const inUse = { "cni.dev/valid-attachments": [{ containerID: "s1", ifname: "eth0" }] }
        yield* handle(request("GC", inUse))
        assert.strictEqual(sim.records.length, 1)
        yield* handle(request("GC", { "cni.dev/valid-attachments": [] }))
        assert.strictEqual(sim.records.length, 0)
        assert.strictEqual((yield* handle(request("DEL"))).exitCode, 0)

        sim.faults.set("bridge ADD", { fault: "Refused", code: 11, msg: "busy" })
        const refused = yield* handle(request("ADD"))
        assert.deepInclude(output(refused), { code: 11, details: "try again later" })
        assert.include(output(refused).msg, "ADD of network pods (/etc/cni/net.d/pods.conflist)")
        host.removeTree("/opt/cni/bin/portmap")
        assert.deepInclude(output(yield* handle(request("STATUS"))), { code: 50 })
      }).pipe(Effect.provide(AgentMode.layer({ podCidr: "" }).pipe(Layer.provideMerge(services))))
    }))
})

describe("runtime mode", () => {
  it.effect("removes the list of an agent in the other mode, and no other file of that name", () =>
    Effect.gen(function*() {
      for (const [text, left] of [[shimListText, false], ["{\"own\":true}", true]] as const) {
        const { host, services } = yield* world
        host.write(shimList, text)
        yield* Effect.gen(function*() {
          yield* Effect.forkScoped((yield* PodNetwork).run)
          yield* TestClock.adjust("5 seconds")
        }).pipe(
          Effect.provide(AgentMode.layerRuntime({ podCidr: "" }).pipe(Layer.provideMerge(services)), { local: true })
        )
        assert.strictEqual(host.exists(shimList), left)
      }
    }))
})
