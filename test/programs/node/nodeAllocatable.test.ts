import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Ref } from "effect"
import { TestClock } from "effect/testing"
import { Cgroups } from "../../../src/layers/host/Cgroups.ts"
import * as CgroupsMemory from "../../../src/layers/host/CgroupsMemory.ts"
import * as NodeFactsMemory from "../../../src/layers/host/NodeFactsMemory.ts"
import type { AgentSettings } from "../../../src/programs/AgentConfig.ts"
import { EventRecorder } from "../../../src/programs/events/EventRecorder.ts"
import { enforcePods, enforceReservations } from "../../../src/programs/node/nodeAllocatable.ts"
import { NodeState } from "../../../src/programs/node/NodeState.ts"
import { agentConfig } from "../../fixture/agentSettings.ts"

const settings: Partial<AgentSettings> = {
  enforceNodeAllocatable: ["pods", "system-reserved", "kube-reserved-compressible"],
  systemReserved: { cpu: "500m", memory: "1Gi" },
  kubeReserved: { cpu: "250m", memory: "1Gi" },
  systemReservedCgroup: "/system.slice",
  kubeReservedCgroup: "/kube"
}

const make = Effect.fnUntraced(function*(changes: Partial<AgentSettings> = {}) {
  const kernel = new CgroupsMemory.MemoryCgroups()
  const told = yield* Ref.make<ReadonlyArray<string>>([])
  const facts = NodeFactsMemory.machine("n1")
  const under = Layer.mergeAll(
    CgroupsMemory.layer(kernel),
    agentConfig({ ...settings, ...changes }),
    Layer.mock(NodeState)({ facts: Effect.succeed(facts) }),
    Layer.mock(EventRecorder)({
      recordNode: ({ message, reason, type }) => Ref.update(told, (all) => [...all, `${type} ${reason}: ${message}`])
    })
  )
  return { kernel, under, facts, told: Ref.get(told) }
})

describe("L7: node allocatable", () => {
  it.effect("L7: the groups of the system and the agent get their limits, and an event tells of it", () =>
    Effect.gen(function*() {
      const { kernel, told, under } = yield* make()
      kernel.make("/system.slice")
      kernel.make("/kube")
      yield* Effect.provide(enforceReservations, under)
      assert.deepInclude(kernel.groups.get("/system.slice")?.values, { cpuShares: 512, memoryLimitBytes: 2 ** 30 })
      assert.deepInclude(kernel.groups.get("/kube")?.values, { cpuShares: 256, memoryLimitBytes: -1 })
      assert.deepStrictEqual(yield* told, [
        "Normal NodeAllocatableEnforced: Updated limits on system reserved cgroup /system.slice",
        "Normal NodeAllocatableEnforced: Updated limits on kube reserved cgroup /kube"
      ])
    }))

  it.effect("L7: a group that does not exist ends the start, and is not made", () =>
    Effect.gen(function*() {
      const { kernel, told, under } = yield* make()
      const error = yield* Effect.flip(Effect.provide(enforceReservations, under))
      const message = "Failed to enforce System Reserved Cgroup Limits on \"/system.slice\": " +
        "cgroup \"/system.slice\" does not exist"
      assert.strictEqual(error.message, message)
      assert.deepStrictEqual(yield* told, [`Warning FailedNodeAllocatableEnforcement: ${message}`])
      assert.isFalse(kernel.groups.has("/system.slice"))
    }))

  it.effect("L7: without being asked nothing is limited but the pods", () =>
    Effect.gen(function*() {
      const { told, under } = yield* make({ enforceNodeAllocatable: ["pods"] })
      yield* Effect.provide(enforceReservations, under)
      assert.deepStrictEqual(yield* told, [])
    }))

  it.effect("L4, L7: all pods get the rest, tried every minute until it works", () =>
    Effect.gen(function*() {
      const { facts, kernel, told, under } = yield* make()
      let broken = true
      const flaky = Layer.effect(
        Cgroups,
        Effect.map(Cgroups, (inner) =>
          Cgroups.of({
            ...inner,
            create: (path, resources) =>
              broken ? inner.values("/no/such").pipe(Effect.asVoid) : inner.create(path, resources)
          }))
      )
      yield* Effect.forkChild(Effect.provide(enforcePods, flaky.pipe(Layer.provideMerge(under))))
      yield* TestClock.adjust("30 seconds")
      assert.match(
        (yield* told).join(),
        /^Warning FailedNodeAllocatableEnforcement: Failed to update Node Allocatable Limits "\/kubepods": /
      )
      broken = false
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(
        (yield* told).at(-1),
        "Normal NodeAllocatableEnforced: Updated Node Allocatable limit across pods"
      )
      const { values } = kernel.groups.get("/kubepods") ?? assert.fail("no group")
      assert.strictEqual(values.memoryLimitBytes, facts.memoryTotalBytes - 2 * 2 ** 30)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual((yield* told).length, 2)
    }))
})
