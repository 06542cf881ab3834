import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as CgroupsMemory from "../../../src/layers/host/CgroupsMemory.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import { machine } from "../../../src/layers/host/NodeFactsMemory.ts"
import { nodeSettings } from "../../../src/programs/node/nodeSettings.ts"
import { NodeState } from "../../../src/programs/node/NodeState.ts"
import { agentConfig } from "../../fixture/agentSettings.ts"

it.effect("E4: a pod that starts a second after the resolver file was changed gets what it says then", () => {
  const host = new HostFilesMemory.MemoryHost()
  host.makeDirectories("/etc")
  host.write("/etc/resolv.conf", "nameserver 10.0.0.1\n")
  return Effect.gen(function*() {
    const settings = yield* nodeSettings
    const resolver = Effect.map(settings, ({ dns }) => dns.hostResolvConf)
    assert.strictEqual(yield* resolver, "nameserver 10.0.0.1\n")
    host.write("/etc/resolv.conf", "nameserver 10.0.0.2\n")
    yield* TestClock.adjust("1 second")
    assert.strictEqual(yield* resolver, "nameserver 10.0.0.2\n")
    host.removeFile("/etc/resolv.conf")
    yield* TestClock.adjust("1 second")
    assert.strictEqual(yield* resolver, "")
  }).pipe(Effect.provide(Layer.mergeAll(
    HostFilesMemory.layer(host),
    CgroupsMemory.layer(),
    agentConfig(),
    Layer.mock(NodeState)({
      facts: Effect.succeed(machine("n")),
      ips: Effect.succeed(["10.0.0.2"]),
      allocatable: Effect.succeed({})
    })
  )))
})
