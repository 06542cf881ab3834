/** The contract of ending containers: stopping and removing. */
import { assert } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { ContainerState, Cri } from "../../../src/layers/cri/Cri.ts"
import { type ContractTests, created, exited, sandbox, started, statusOf } from "./scenario.ts"

const ignoresTerm = "trap '' TERM; while true; do sleep 0.2; done"

export const stopContract = (it: ContractTests) => {
  it.effect("stop: a process that heeds SIGTERM ends with its own code, before the grace period", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const containerId = yield* started(yield* sandbox())
      const before = yield* Clock.currentTimeMillis
      yield* cri.stopContainer({ containerId, timeout: 30n })
      assert.isBelow((yield* Clock.currentTimeMillis) - before, 10_000)
      const status = yield* statusOf(containerId)
      assert.strictEqual(status.state, ContainerState.CONTAINER_EXITED)
      assert.strictEqual(status.exitCode, 0)
    }))

  it.effect("stop: a process that ignores SIGTERM is killed after the grace period", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const containerId = yield* started(yield* sandbox(), { script: ignoresTerm })
      const before = yield* Clock.currentTimeMillis
      yield* cri.stopContainer({ containerId, timeout: 1n })
      assert.isAtLeast((yield* Clock.currentTimeMillis) - before, 1000)
      const status = yield* statusOf(containerId)
      assert.strictEqual(status.state, ContainerState.CONTAINER_EXITED)
      assert.strictEqual(status.exitCode, 137)
      assert.strictEqual(status.reason, "Error")
    }))

  it.effect("stop: no grace period kills at once", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const containerId = yield* started(yield* sandbox(), { script: ignoresTerm })
      yield* cri.stopContainer({ containerId, timeout: 0n })
      assert.strictEqual((yield* statusOf(containerId)).exitCode, 137)
    }))

  it.effect("stop: can be repeated, and changes nothing about what has ended", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const containerId = yield* started(yield* sandbox(), { script: "exit 5" })
      const ended = yield* exited(containerId)
      yield* cri.stopContainer({ containerId, timeout: 1n })
      yield* cri.stopContainer({ containerId, timeout: 1n })
      const status = yield* statusOf(containerId)
      assert.strictEqual(status.exitCode, 5)
      assert.strictEqual(status.finishedAt, ended.finishedAt)
    }))

  it.effect("stop: a container never known is stopped without complaint", () =>
    Effect.gen(function*() {
      yield* (yield* Cri).stopContainer({ containerId: "never", timeout: 1n })
    }))

  it.effect("remove: forgets a container, whatever its state, and can be repeated", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const inside = yield* sandbox()
      const ids = [
        yield* created(inside, { name: "created" }),
        yield* started(inside, { name: "running" }),
        yield* started(inside, { name: "ended", script: "exit 0" })
      ]
      for (const containerId of ids) {
        yield* cri.removeContainer({ containerId })
        yield* cri.removeContainer({ containerId })
        assert.strictEqual((yield* Effect.flip(statusOf(containerId))).reason._tag, "NotFound")
      }
      const { containers } = yield* cri.listContainers({ filter: { podSandboxId: inside.id } })
      assert.deepEqual(containers, [])
    }))

  it.effect("remove: frees the name and attempt", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const inside = yield* sandbox()
      yield* cri.removeContainer({ containerId: yield* created(inside) })
      yield* created(inside)
    }))
}
