import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Queue, Ref, Stream } from "effect"
import { TestClock } from "effect/testing"
import { NotFound, Permanent, Retryable, Uncertain } from "../../../src/domain/failure.ts"
import * as Resources from "../../../src/domain/k8s/resources.ts"
import {
  ApiError,
  type ApiFailure,
  Expired,
  KubeApi,
  type KubeObject,
  type Selection,
  type WatchEvent
} from "../../../src/layers/api/KubeApi.ts"
import { type Change, reflect } from "../../../src/programs/api/reflector.ts"

/** What the server does with the next list or watch. */
type Step =
  | { readonly list: ReadonlyArray<string>; readonly version: string }
  | { readonly listFails: ApiFailure }
  | {
    readonly watch: ReadonlyArray<readonly [WatchEvent["type"], string, string]>
    readonly end: "open" | "closed" | ApiFailure
  }

const failure = (reason: ApiFailure) =>
  new ApiError({ op: "test", target: "", reason, status: 0, statusReason: "", detail: reason._tag })

const object = (name: string, version: string): KubeObject => ({ metadata: { name, resourceVersion: version } })

const unexpected = (call: string) => Effect.die(new Error(`unexpected ${call}`))

/** A server that follows `script`, call by call, and then holds every call; `calls` says what it was asked. */
const scripted = Effect.fnUntraced(function*(script: ReadonlyArray<Step>) {
  const steps = yield* Queue.unbounded<Step>()
  yield* Queue.offerAll(steps, script)
  const calls = yield* Ref.make<ReadonlyArray<string>>([])
  const next = (call: string) => Effect.andThen(Ref.update(calls, (all) => [...all, call]), Queue.take(steps))
  const versionOf = (selection: Selection | undefined) => selection?.resourceVersion ?? "newest"
  const api = Layer.mock(KubeApi)({
    list: (_, selection) =>
      Effect.flatMap(next(`list ${versionOf(selection)}`), (step) => {
        if ("list" in step) {
          const items = step.list.map((name) => object(name, step.version))
          return Effect.succeed({ resourceVersion: step.version, items })
        }
        return "listFails" in step ? Effect.fail(failure(step.listFails)) : unexpected("list")
      }),
    watch: (_, selection) =>
      Stream.unwrap(Effect.map(next(`watch ${versionOf(selection)}`), (step) => {
        if (!("watch" in step)) return Stream.die(new Error("unexpected watch"))
        const events = Stream.fromIterable(step.watch.map(([type, name, version]): WatchEvent => ({
          type,
          object: object(name, version)
        })))
        const tail = step.end === "open"
          ? Stream.never
          : step.end === "closed"
          ? Stream.empty
          : Stream.fail(failure(step.end))
        return Stream.concat(events, tail)
      }))
  })
  return { api, calls: Ref.get(calls) }
})

const show = (change: Change): string =>
  change._tag === "Snapshot"
    ? `Snapshot ${change.objects.map(({ metadata }) => metadata.name).join(",")}`
    : `${change._tag} ${change.object.metadata.name}`

/** Follows the script for ten virtual minutes; all changes, calls and waits. */
const follow = Effect.fnUntraced(function*(script: ReadonlyArray<Step>, forMs = 600_000) {
  const server = yield* scripted(script)
  const changes = yield* Ref.make<ReadonlyArray<string>>([])
  const waits = yield* Ref.make<ReadonlyArray<number>>([])
  const fiber = yield* reflect(Resources.pods, { fieldSelector: "spec.nodeName=n1" }, {
    onFailure: ({ waitMs }) => Ref.update(waits, (all) => [...all, waitMs])
  }).pipe(
    Stream.runForEach((change) => Ref.update(changes, (all) => [...all, show(change)])),
    Effect.provide(server.api),
    Effect.forkChild({ startImmediately: true })
  )
  // In steps, so that what one moment starts is done before the next.
  yield* Effect.repeat(TestClock.adjust(forMs / 100), { times: 99 })
  yield* Fiber.interrupt(fiber)
  return { changes: yield* Ref.get(changes), calls: yield* server.calls, waits: yield* Ref.get(waits) }
})

describe("reflector", () => {
  it.effect("lists the newest state once, then follows from its version", () =>
    Effect.gen(function*() {
      const { calls, changes, waits } = yield* follow([
        { list: ["a", "b"], version: "5" },
        { watch: [["ADDED", "c", "6"], ["MODIFIED", "a", "7"], ["DELETED", "b", "8"]], end: "open" }
      ])
      assert.deepStrictEqual(changes, ["Snapshot a,b", "Upsert c", "Upsert a", "Remove b"])
      assert.deepStrictEqual(calls, ["list newest", "watch 5"])
      assert.deepStrictEqual(waits, [])
    }))

  it.effect("a watch that the server closed in order goes on at once from its last version, bookmarks included", () =>
    Effect.gen(function*() {
      const { calls, changes, waits } = yield* follow([
        { list: ["a"], version: "5" },
        { watch: [["ADDED", "b", "6"]], end: "closed" },
        { watch: [["BOOKMARK", "", "90"]], end: "closed" },
        { watch: [["ADDED", "c", "91"]], end: "open" }
      ])
      assert.deepStrictEqual(calls, ["list newest", "watch 5", "watch 6", "watch 90"])
      assert.deepStrictEqual(changes, ["Snapshot a", "Upsert b", "Upsert c"])
      assert.deepStrictEqual(waits, [])
    }))

  it.effect("Q3: after 410 it lists anew and gives a second snapshot", () =>
    Effect.gen(function*() {
      const { calls, changes } = yield* follow([
        { list: ["a"], version: "5" },
        { watch: [["ADDED", "b", "6"]], end: "closed" },
        { watch: [], end: new Expired() },
        { list: ["b"], version: "50" },
        { watch: [], end: "open" }
      ])
      assert.deepStrictEqual(calls, ["list newest", "watch 5", "watch 6", "list newest", "watch 50"])
      assert.deepStrictEqual(changes, ["Snapshot a", "Upsert b", "Snapshot b"])
    }))

  it.effect("a list that is expired as soon as it is watched is not repeated without growing pauses", () =>
    Effect.gen(function*() {
      const round: ReadonlyArray<Step> = [{ list: [], version: "5" }, { watch: [], end: new Expired() }]
      const { calls, waits } = yield* follow([...round, ...round, ...round], 60_000)
      assert.strictEqual(calls.filter((call) => call === "list newest").length, 4)
      assert.isAbove(waits[2] ?? 0, 2 * (waits[0] ?? 0))
    }))

  it.effect("a broken watch resumes without a list after a short pause", () =>
    Effect.gen(function*() {
      const { calls, changes, waits } = yield* follow([
        { list: ["a"], version: "5" },
        { watch: [["ADDED", "b", "6"]], end: new Retryable({}) },
        { watch: [["ADDED", "c", "7"]], end: new Uncertain() },
        { watch: [], end: "open" }
      ])
      assert.deepStrictEqual(calls, ["list newest", "watch 5", "watch 6", "watch 7"])
      assert.deepStrictEqual(changes, ["Snapshot a", "Upsert b", "Upsert c"])
      assert.strictEqual(waits.length, 2)
      for (const wait of waits) assert.isTrue(wait >= 400 && wait < 1200, `${wait} ms`)
    }))

  it.effect("an outage is met with pauses from 800 ms doubling to 30 s, with jitter of a fifth", () =>
    Effect.gen(function*() {
      const down: Step = { listFails: new Retryable({}) }
      const { waits } = yield* follow([down, down, down, down, down, down, down, down])
      const want = [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]
      assert.strictEqual(waits.length, want.length)
      want.forEach((ms, i) => {
        const wait = waits[i] ?? 0
        assert.isTrue(wait >= ms * 0.8 && wait <= ms * 1.2 + 1, `${i}: ${wait} ms, want about ${ms}`)
        assert.strictEqual(wait, Math.ceil(wait), "whole milliseconds keep virtual clocks exact")
      })
    }))

  it.effect("after a recovery the pauses begin anew", () =>
    Effect.gen(function*() {
      const down: Step = { listFails: new Retryable({}) }
      const { waits } = yield* follow([
        down,
        down,
        down,
        { list: [], version: "5" },
        { watch: [["ADDED", "a", "6"]], end: "closed" },
        { watch: [], end: new Retryable({}) }
      ])
      assert.strictEqual(waits.length, 4)
      assert.isAtMost(waits[3] ?? Infinity, 961)
    }))

  it.effect("waits as long as the server asked", () =>
    Effect.gen(function*() {
      const { waits } = yield* follow([{ listFails: new Retryable({ retryAfterMs: 45_000 }) }])
      assert.deepStrictEqual(waits, [45_000])
    }))

  it.effect("Q4: a refusal is reported and tried again every minute, for rights may be given later", () =>
    Effect.gen(function*() {
      const { changes, waits } = yield* follow([
        { listFails: new Permanent() },
        { listFails: new NotFound() },
        { list: ["a"], version: "5" },
        { watch: [], end: "open" }
      ])
      assert.deepStrictEqual(waits, [60_000, 60_000])
      assert.deepStrictEqual(changes, ["Snapshot a"])
    }))

  it.effect("a server that closes every watch at once is asked with pauses", () =>
    Effect.gen(function*() {
      const closed: Step = { watch: [], end: "closed" }
      const { calls, waits } = yield* follow([{ list: [], version: "5" }, closed, closed, closed], 60_000)
      assert.deepStrictEqual(calls, ["list newest", "watch 5", "watch 5", "watch 5", "watch 5"])
      assert.strictEqual(waits.length, 3)
    }))

  it.effect("a reader that stops interrupts the watch", () =>
    Effect.gen(function*() {
      const closed = yield* Deferred.make<void>()
      const api = Layer.mock(KubeApi)({
        list: () => Effect.succeed({ resourceVersion: "5", items: [] }),
        watch: () => Stream.ensuring(Stream.never, Deferred.succeed(closed, undefined))
      })
      yield* reflect(Resources.pods).pipe(Stream.take(1), Stream.runDrain, Effect.provide(api))
      const fiber = yield* reflect(Resources.pods).pipe(
        Stream.runDrain,
        Effect.provide(api),
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust(1)
      yield* Fiber.interrupt(fiber)
      yield* Deferred.await(closed)
    }))

  it.effect("a slow reader holds the watch back instead of filling memory", () =>
    Effect.gen(function*() {
      const told = yield* Ref.make(0)
      const api = Layer.mock(KubeApi)({
        list: () => Effect.succeed({ resourceVersion: "5", items: [] }),
        watch: () =>
          Stream.range(1, 10_000).pipe(
            Stream.rechunk(1),
            Stream.mapEffect((n) =>
              Effect.as(Ref.set(told, n), { type: "ADDED" as const, object: object(`${n}`, `${n + 5}`) })
            )
          )
      })
      const fiber = yield* reflect(Resources.pods).pipe(
        Stream.runForEach(() => Effect.never),
        Effect.provide(api),
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust(60_000)
      yield* Fiber.interrupt(fiber)
      assert.isAtMost(yield* Ref.get(told), 200)
    }))
})
