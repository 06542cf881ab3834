/** The contract of pod sandboxes. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ContainerState, Cri, PodSandboxState } from "../../../src/layers/cri/Cri.ts"
import { type ContractTests, exited, sandbox, started, statusOf } from "./scenario.ts"

export const sandboxContract = (it: ContractTests) => {
  it.effect("sandbox: runs with an address, and keeps what it was given", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const { config, id } = yield* sandbox({ app: "web" })
      const { status } = yield* cri.podSandboxStatus({ podSandboxId: id })
      assert.strictEqual(status?.state, PodSandboxState.SANDBOX_READY)
      assert.match(status?.network?.ip ?? "", /^[0-9.]+$/)
      assert.strictEqual(status?.metadata?.name, config.metadata.name)
      assert.strictEqual(status?.metadata?.uid, config.metadata.uid)
      assert.strictEqual(status?.metadata?.namespace, "contract")
      assert.deepEqual(status?.labels, { ...config.labels })
      assert.strictEqual(status?.annotations["note"], "kept")
      assert.isAbove(Number(status?.createdAt), 0)
    }))

  it.effect("sandbox: each has an address of its own", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const ids = [(yield* sandbox()).id, (yield* sandbox()).id]
      const statuses = yield* Effect.forEach(ids, (podSandboxId) => cri.podSandboxStatus({ podSandboxId }))
      assert.strictEqual(new Set(statuses.map(({ status }) => status?.network?.ip)).size, 2)
    }))

  it.effect("sandbox: a second one of the same name, uid and attempt is refused", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const { config } = yield* sandbox()
      const error = yield* Effect.flip(cri.runPodSandbox({ config }))
      assert.strictEqual(error.op, "RunPodSandbox")
      assert.notStrictEqual(error.reason._tag, "NotFound")
    }))

  it.effect("sandbox: listing selects by id, state and labels", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const first = yield* sandbox({ app: "list", tier: "front" })
      const second = yield* sandbox({ app: "list", tier: "back" })
      yield* cri.stopPodSandbox({ podSandboxId: second.id })
      const listed = (filter: Parameters<typeof cri.listPodSandbox>[0]["filter"]) =>
        Effect.map(
          cri.listPodSandbox(filter === undefined ? {} : { filter }),
          ({ items }) => items.map(({ id }) => id).toSorted()
        )
      const labelSelector = { app: "list" }
      const both = [first.id, second.id].toSorted()
      assert.includeMembers(yield* listed(undefined), both)
      assert.deepEqual(yield* listed({ labelSelector }), both)
      assert.deepEqual(yield* listed({ labelSelector: { app: "list", tier: "back" } }), [second.id])
      assert.deepEqual(yield* listed({ labelSelector: { app: "none" } }), [])
      assert.deepEqual(yield* listed({ id: first.id }), [first.id])
      assert.deepEqual(yield* listed({ labelSelector, state: { state: PodSandboxState.SANDBOX_READY } }), [first.id])
      assert.deepEqual(yield* listed({ labelSelector, state: { state: PodSandboxState.SANDBOX_NOTREADY } }), [
        second.id
      ])
    }))

  it.effect("sandbox: stopping ends its containers, leaves it NOTREADY, and can be repeated", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const inside = yield* sandbox()
      const containerId = yield* started(inside)
      yield* cri.stopPodSandbox({ podSandboxId: inside.id })
      yield* cri.stopPodSandbox({ podSandboxId: inside.id })
      const { status } = yield* cri.podSandboxStatus({ podSandboxId: inside.id })
      assert.strictEqual(status?.state, PodSandboxState.SANDBOX_NOTREADY)
      const container = yield* exited(containerId)
      assert.isAbove(Number(container.finishedAt), 0)
    }))

  it.effect("sandbox: removing takes its containers along, and can be repeated", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const inside = yield* sandbox()
      const containerId = yield* started(inside)
      yield* cri.stopPodSandbox({ podSandboxId: inside.id })
      yield* cri.removePodSandbox({ podSandboxId: inside.id })
      yield* cri.removePodSandbox({ podSandboxId: inside.id })
      const gone = yield* Effect.flip(cri.podSandboxStatus({ podSandboxId: inside.id }))
      assert.strictEqual(gone.reason._tag, "NotFound")
      assert.strictEqual((yield* Effect.flip(statusOf(containerId))).reason._tag, "NotFound")
    }))

  it.effect("sandbox: one never known is stopped and removed without complaint, and has no status", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      yield* cri.stopPodSandbox({ podSandboxId: "never" })
      yield* cri.removePodSandbox({ podSandboxId: "never" })
      const error = yield* Effect.flip(cri.podSandboxStatus({ podSandboxId: "never" }))
      assert.strictEqual(error.reason._tag, "NotFound")
      assert.strictEqual(error.target, "never")
      assert.strictEqual((yield* cri.listContainers({ filter: { podSandboxId: "never" } })).containers.length, 0)
    }))

  it.effect("sandbox: a new attempt stands beside the old one", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const inside = yield* sandbox()
      yield* cri.stopPodSandbox({ podSandboxId: inside.id })
      const metadata = { ...inside.config.metadata, attempt: 1 }
      const { podSandboxId } = yield* cri.runPodSandbox({ config: { ...inside.config, metadata } })
      const { items } = yield* cri.listPodSandbox({
        filter: { labelSelector: { "io.kubernetes.pod.uid": inside.config.metadata.uid ?? "" } }
      })
      assert.deepEqual(items.map((each) => each.metadata?.attempt).toSorted(), [0, 1])
      yield* cri.stopPodSandbox({ podSandboxId })
      yield* cri.removePodSandbox({ podSandboxId })
    }))

  it.effect("sandbox: says of a container that it runs while the sandbox does", () =>
    Effect.gen(function*() {
      const inside = yield* sandbox()
      const containerId = yield* started(inside)
      assert.strictEqual((yield* statusOf(containerId)).state, ContainerState.CONTAINER_RUNNING)
    }))
}
