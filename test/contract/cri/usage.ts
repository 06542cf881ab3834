/** The contract of what containers use, and of changing what they may use. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import { type ContractTests, sandbox, started } from "./scenario.ts"

export const usageContract = (it: ContractTests) => {
  it.effect("usage: a running container has CPU and memory figures", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const inside = yield* sandbox()
      const containerId = yield* started(inside, { name: "app" })
      const { stats } = yield* cri.containerStats({ containerId })
      assert.strictEqual(stats?.attributes?.id, containerId)
      assert.strictEqual(stats?.attributes?.metadata?.name, "app")
      assert.isAbove(Number(stats?.cpu?.usageCoreNanoSeconds?.value), 0)
      assert.isAbove(Number(stats?.cpu?.timestamp), 0)
      assert.isAbove(Number(stats?.memory?.workingSetBytes?.value), 0)
    }))

  it.effect("usage: lists select by sandbox", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const inside = yield* sandbox()
      const containerId = yield* started(inside)
      yield* started(yield* sandbox())
      const { stats } = yield* cri.listContainerStats({ filter: { podSandboxId: inside.id } })
      assert.deepEqual(stats.map((each) => each.attributes?.id), [containerId])
    }))

  it.effect("usage: the file system of images", () =>
    Effect.gen(function*() {
      const { imageFilesystems: [usage] } = yield* (yield* Cri).imageFsInfo({})
      assert.match(usage?.fsId?.mountpoint ?? "", /^\//)
      assert.isAbove(Number(usage?.usedBytes?.value), 0)
      assert.isAbove(Number(usage?.timestamp), 0)
    }))

  it.effect("resources: of a running container change; of one never known do not", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const containerId = yield* started(yield* sandbox())
      const linux = { cpuShares: 512n, memoryLimitInBytes: 64n * 1024n * 1024n }
      yield* cri.updateContainerResources({ containerId, linux })
      const error = yield* Effect.flip(cri.updateContainerResources({ containerId: "never", linux }))
      assert.strictEqual(error.reason._tag, "NotFound")
    }))
}
