import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { gunzipSync } from "node:zlib"
import { Permanent } from "../../../src/domain/failure.ts"
import { Cri, CriError, GrpcCode } from "../../../src/layers/cri/Cri.ts"
import { logRotationLoop } from "../../../src/programs/cleanup/logRotation.ts"
import { RuntimeView } from "../../../src/programs/runtime/RuntimeView.ts"
import * as CleanupNode from "../../fixture/cleanupNode.ts"

const images = ["registry.k8s.io/pause:3.10", "docker.io/library/busybox:1.29"]
const folder = `${CleanupNode.logFolder("web")}/c`
const start = Date.parse("2026-11-01T10:00:00Z")

const make = Effect.gen(function*() {
  yield* TestClock.setTime(start)
  const node = yield* CleanupNode.make({
    runtime: { images },
    settings: { containerLogMaxSizeBytes: 1000, containerLogMaxFiles: 4 }
  })
  const { host } = node
  return {
    ...node,
    names: () => [...host.at(folder).inode.entries.keys()].sort(),
    /** What the container has written since. */
    fill: (text: string) => host.write(`${folder}/0.log`, text.repeat(1000), { nowMs: 0 })
  }
})

/** The pod has been looked at, as its worker does. */
const looked = Effect.flatMap(RuntimeView, (view) => Effect.andThen(view.relist, view.observe("uid-web")))

describe("log rotation", () => {
  it.effect("G6: a log that is too big is moved aside, older ones are compressed, the oldest dropped", () =>
    Effect.gen(function*() {
      const node = yield* make
      yield* Effect.provideContext(
        Effect.flatMap(CleanupNode.sandbox("web"), (inside) => CleanupNode.container(inside, 0)),
        node.context
      )
      yield* Effect.provideContext(Effect.andThen(looked, Effect.forkChild(logRotationLoop)), node.context)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(node.names(), ["0.log"])
      for (const text of ["a", "b", "c", "d"]) {
        node.fill(text)
        yield* TestClock.adjust("10 seconds")
      }
      assert.deepStrictEqual(node.names(), [
        "0.log",
        "0.log.20261101-100030.gz",
        "0.log.20261101-100040.gz",
        "0.log.20261101-100050"
      ])
      assert.strictEqual(node.host.readText(`${folder}/0.log`), "")
      assert.strictEqual(node.host.readText(`${folder}/0.log.20261101-100050`), "d".repeat(1000))
      assert.strictEqual(
        gunzipSync(node.host.read(`${folder}/0.log.20261101-100040.gz`)).toString(),
        "c".repeat(1000)
      )
    }))

  it.effect("G6: a live log that is away is opened anew: the agent died between moving and opening", () =>
    Effect.gen(function*() {
      const node = yield* make
      yield* Effect.provideContext(
        Effect.flatMap(CleanupNode.sandbox("web"), (inside) => CleanupNode.container(inside, 0)),
        node.context
      )
      node.host.rename(`${folder}/0.log`, `${folder}/0.log.20261101-095900`)
      yield* Effect.provideContext(Effect.andThen(looked, Effect.forkChild(logRotationLoop)), node.context)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(node.names(), ["0.log", "0.log.20261101-095900"])
    }))

  it.effect("G6: when the runtime cannot open a new log the old one takes its place again", () =>
    Effect.gen(function*() {
      const node = yield* make
      yield* Effect.provideContext(
        Effect.flatMap(CleanupNode.sandbox("web"), (inside) => CleanupNode.container(inside, 0)),
        node.context
      )
      node.fill("a")
      const broken = Layer.effect(
        Cri,
        Effect.map(Cri, (cri) =>
          Cri.of({
            ...cri,
            reopenContainerLog: ({ containerId = "" }) =>
              Effect.fail(
                new CriError({
                  op: "ReopenContainerLog",
                  target: containerId,
                  reason: new Permanent(),
                  code: GrpcCode.Unknown,
                  detail: "no",
                  cause: undefined
                })
              )
          }))
      )
      yield* Effect.provideContext(looked, node.context)
      yield* Effect.forkChild(logRotationLoop).pipe(Effect.provide(broken), Effect.provideContext(node.context))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(node.names(), ["0.log"])
      assert.strictEqual(node.host.readText(`${folder}/0.log`), "a".repeat(1000))
    }))

  it.effect("G6: logs of what has ended are left alone", () =>
    Effect.gen(function*() {
      const node = yield* make
      yield* Effect.provideContext(
        Effect.flatMap(CleanupNode.sandbox("web"), (inside) => CleanupNode.container(inside, 0, "exit 0")),
        node.context
      )
      yield* TestClock.adjust("1 second")
      node.fill("a")
      yield* Effect.provideContext(Effect.andThen(looked, Effect.forkChild(logRotationLoop)), node.context)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(node.names(), ["0.log"])
    }))
})
