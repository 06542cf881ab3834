/** The contract of containers: their life from creation to exit, and how they are listed. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ContainerState, Cri } from "../../../src/layers/cri/Cri.ts"
import { type ContractTests, created, exited, image, sandbox, started, statusOf } from "./scenario.ts"

export const containerContract = (it: ContractTests) => {
  it.effect("container: created is not started, and keeps what it was given", () =>
    Effect.gen(function*() {
      const inside = yield* sandbox()
      const containerId = yield* created(inside, { name: "app", attempt: 3, labels: { tier: "front" } })
      const status = yield* statusOf(containerId)
      assert.strictEqual(status.state, ContainerState.CONTAINER_CREATED)
      assert.strictEqual(status.id, containerId)
      assert.strictEqual(status.metadata?.name, "app")
      assert.strictEqual(status.metadata?.attempt, 3)
      assert.strictEqual(status.labels["tier"], "front")
      assert.strictEqual(status.annotations["io.kubernetes.container.restartCount"], "3")
      assert.strictEqual(status.image?.image, image)
      assert.notStrictEqual(status.imageRef, "")
      assert.strictEqual(status.logPath, `${inside.logFolder}/app_3.log`)
      assert.isAbove(Number(status.createdAt), 0)
      assert.strictEqual(status.startedAt, 0n)
      assert.strictEqual(status.finishedAt, 0n)
    }))

  it.effect("container: runs from its start on, its times in order", () =>
    Effect.gen(function*() {
      const containerId = yield* started(yield* sandbox())
      const status = yield* statusOf(containerId)
      assert.strictEqual(status.state, ContainerState.CONTAINER_RUNNING)
      assert.isAtLeast(Number(status.startedAt), Number(status.createdAt))
      assert.strictEqual(status.finishedAt, 0n)
      assert.strictEqual(status.reason, "")
    }))

  it.effect("container: an exit keeps its code, its reason and its time", () =>
    Effect.gen(function*() {
      const inside = yield* sandbox()
      const table = [
        { script: "exit 0", exitCode: 0, reason: "Completed" },
        { script: "exit 3", exitCode: 3, reason: "Error" }
      ]
      for (const { exitCode, reason, script } of table) {
        const status = yield* exited(yield* started(inside, { name: `exit-${exitCode}`, script }))
        assert.strictEqual(status.exitCode, exitCode)
        assert.strictEqual(status.reason, reason)
        // Not after startedAt: containerd notes the start when it has returned, by when a short process may be over.
        assert.isAbove(Number(status.finishedAt), Number(status.createdAt))
      }
    }))

  it.effect("container: one whose program is missing fails to start, and says why", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const containerId = yield* created(yield* sandbox(), { command: ["/no/such/program"] })
      const error = yield* Effect.flip(cri.startContainer({ containerId }))
      assert.strictEqual(error.op, "StartContainer")
      assert.strictEqual(error.target, containerId)
      assert.match(error.detail, /no such file or directory/)
      const status = yield* exited(containerId)
      assert.strictEqual(status.exitCode, 128)
      assert.strictEqual(status.reason, "StartError")
      assert.match(status.message, /no such file or directory/)
    }))

  it.effect("container: starts once", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const containerId = yield* started(yield* sandbox())
      assert.strictEqual((yield* Effect.flip(cri.startContainer({ containerId }))).op, "StartContainer")
      assert.strictEqual((yield* statusOf(containerId)).state, ContainerState.CONTAINER_RUNNING)
    }))

  it.effect("container: one of the same name and attempt is refused; the next attempt is not", () =>
    Effect.gen(function*() {
      const inside = yield* sandbox()
      yield* created(inside)
      const error = yield* Effect.flip(created(inside))
      assert.strictEqual(error.op, "CreateContainer")
      assert.strictEqual(error.target, "main")
      yield* created(inside, { attempt: 1 })
    }))

  it.effect("container: needs a sandbox and an image that are there", () =>
    Effect.gen(function*() {
      const inside = yield* sandbox()
      const noSandbox = yield* Effect.flip(created({ ...inside, id: "never" }))
      assert.strictEqual(noSandbox.reason._tag, "NotFound")
      const noImage = yield* Effect.flip(created(inside, { image: "docker.io/library/never:1" }))
      assert.strictEqual(noImage.reason._tag, "NotFound")
    }))

  it.effect("container: one never known has no status and does not start", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const containerId = "never"
      assert.strictEqual((yield* Effect.flip(cri.containerStatus({ containerId }))).reason._tag, "NotFound")
      assert.strictEqual((yield* Effect.flip(cri.startContainer({ containerId }))).reason._tag, "NotFound")
    }))

  it.effect("container: listing selects by id, sandbox, state and labels", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const first = yield* sandbox()
      const second = yield* sandbox()
      const running = yield* started(first, { name: "running", labels: { kind: "listed" } })
      const waiting = yield* created(first, { name: "waiting", labels: { kind: "listed" } })
      const elsewhere = yield* created(second, { labels: { kind: "listed", place: "else" } })
      const listed = (filter: NonNullable<Parameters<typeof cri.listContainers>[0]["filter"]>) =>
        Effect.map(cri.listContainers({ filter }), ({ containers }) => containers.map(({ id }) => id).toSorted())
      const labelSelector = { kind: "listed" }
      assert.deepEqual(yield* listed({ labelSelector }), [running, waiting, elsewhere].toSorted())
      assert.deepEqual(yield* listed({ labelSelector: { kind: "listed", place: "else" } }), [elsewhere])
      assert.deepEqual(yield* listed({ labelSelector, podSandboxId: first.id }), [running, waiting].toSorted())
      assert.deepEqual(yield* listed({ labelSelector, state: { state: ContainerState.CONTAINER_RUNNING } }), [running])
      assert.deepEqual(yield* listed({ id: waiting }), [waiting])
      assert.deepEqual(yield* listed({ id: waiting, podSandboxId: second.id }), [])
    }))

  it.effect("container: a listed one says whose it is and how it is", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const inside = yield* sandbox()
      const containerId = yield* started(inside, { name: "app", attempt: 2 })
      const { containers: [container] } = yield* cri.listContainers({ filter: { id: containerId } })
      assert.strictEqual(container?.podSandboxId, inside.id)
      assert.strictEqual(container?.metadata?.name, "app")
      assert.strictEqual(container?.metadata?.attempt, 2)
      assert.strictEqual(container?.state, ContainerState.CONTAINER_RUNNING)
      assert.strictEqual(container?.image?.image, image)
      assert.strictEqual(container?.createdAt, (yield* statusOf(containerId)).createdAt)
      assert.strictEqual(container?.annotations["io.kubernetes.container.restartCount"], "2")
    }))
}
