import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { labelPodName, labelPodNamespace, labelPodUid } from "../../../src/domain/runtime/labels.ts"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import * as CriSim from "../../../src/layers/cri/CriSim.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import * as SimNode from "../../fixture/node/simNode.ts"

const pass = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds }), () => TestClock.adjust("1 second"), { discard: true })

const metadata = { name: "stranger", namespace: "default", uid: "5ea1ed" }
const labels = {
  [labelPodName]: metadata.name,
  [labelPodNamespace]: metadata.namespace,
  [labelPodUid]: metadata.uid
}

it.effect("C14: an orphan is ended when a listing shows it, not when somebody looks the next time", () =>
  Effect.gen(function*() {
    const node = yield* SimNode.make()
    yield* node.start
    // Looks once more now, so that its next look of its own is far from the next listing.
    yield* pass(20)
    yield* node.create("web", { containers: [{ name: "c", image: "docker.io/library/busybox:1.29" }] })
    yield* node.remove("web", 0)
    // Nothing tells of it.
    node.runtime.listeners.clear()
    yield* pass(10)
    yield* Cri.pipe(
      Effect.flatMap((cri) => Effect.forkChild(cri.runPodSandbox({ config: { metadata, labels } }))),
      Effect.provide(CriSim.layer(node.runtime).pipe(Layer.provide(HostFilesMemory.layer(node.host))))
    )
    yield* pass(75)
    assert.strictEqual(node.runtime.sandboxes.size, 0)
    const stranger = node.runtime.calls.slice(
      node.runtime.calls.findLastIndex(({ method }) => method === "RunPodSandbox")
    )
    const first = (wanted: string) => stranger.find(({ method }) => method === wanted)?.atMs ?? Number.NaN
    assert.isBelow(first("StopPodSandbox") - first("ListPodSandbox"), 1000)
  }))
