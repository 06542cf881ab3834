/** Watches and lists: history, bookmarks, pages, and that a watch costs only those whom an event concerns. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { namespaces } from "../../../../src/domain/k8s/resources.ts"
import type { WatchEvent } from "../../../../src/layers/api/KubeApi.ts"
import { kindOf } from "../../../../src/layers/api/memory/state.ts"
import type { Query, WatchQuery } from "../../../../src/layers/api/memory/verbRead.ts"
import { at, configMap, configMaps, pod, pods, start } from "./server.ts"

type Server = Effect.Success<ReturnType<typeof start>>

const query = ({ state }: Server, resource: typeof pods, more: Partial<WatchQuery> = {}): WatchQuery => ({
  kind: kindOf(state, resource),
  bookmarks: true,
  ...more
})

const short = ({ object, type }: WatchEvent) => `${type} ${object.metadata.name ?? object.metadata.resourceVersion}`

const take = (server: Server, resource: typeof pods, count: number, more: Partial<WatchQuery> = {}) =>
  server.rest.watch(query(server, resource, more)).pipe(
    Stream.take(count),
    Stream.map(short),
    Stream.runCollect,
    Effect.forkChild({ startImmediately: true })
  )

describe("watches", () => {
  it.effect("begin with what there is when they name no version", () =>
    Effect.gen(function*() {
      const server = yield* start({ binder: false })
      yield* server.create(pods, pod("b"))
      yield* server.create(pods, pod("a"))
      const seen = yield* take(server, pods, 3)
      yield* server.create(pods, pod("c"))
      assert.deepStrictEqual(yield* Fiber.join(seen), ["ADDED a", "ADDED b", "ADDED c"])
    }))

  it.effect("Q3: mark the end of the initial objects when asked to send them", () =>
    Effect.gen(function*() {
      const server = yield* start({ binder: false })
      yield* server.create(pods, pod("a"))
      const events = yield* server.rest.watch(query(server, pods, { sendInitialEvents: true })).pipe(
        Stream.take(2),
        Stream.runCollect
      )
      assert.deepStrictEqual(events.map(({ type }) => type), ["ADDED", "BOOKMARK"])
      assert.deepStrictEqual(at(events[1]?.object, "metadata", "annotations"), { "k8s.io/initial-events-end": "true" })
    }))

  it.effect("go on from a version in the past, and are told when it is compacted away", () =>
    Effect.gen(function*() {
      const server = yield* start({ binder: false })
      const resourceVersion = String(server.api.revision())
      yield* server.create(pods, pod("a"))
      yield* server.patch(pods, "a", { metadata: { labels: { x: "y" } } })
      const seen = yield* take(server, pods, 2, { resourceVersion })
      assert.deepStrictEqual(yield* Fiber.join(seen), ["ADDED a", "MODIFIED a"])
      yield* server.api.compact
      const error = yield* Effect.flip(Stream.runDrain(server.rest.watch(query(server, pods, { resourceVersion }))))
      assert.deepStrictEqual([error.code, error.reason], [410, "Expired"])
      assert.match(error.message, /^too old resource version: \d+ \(\d+\)$/)
    }))

  it.effect("forget the oldest changes of a kind, not those of others", () =>
    Effect.gen(function*() {
      const server = yield* start({ binder: false, historyLimit: 3 })
      yield* server.create(pods, pod("a"))
      const resourceVersion = String(server.api.revision())
      for (let i = 0; i < 10; i++) yield* server.create(configMaps, configMap(`c${i}`))
      const error = yield* Effect.flip(
        Stream.runDrain(server.rest.watch(query(server, configMaps, { resourceVersion })))
      )
      assert.strictEqual(error.code, 410)
      const seen = yield* take(server, pods, 1, { resourceVersion })
      yield* server.create(pods, pod("b"))
      assert.deepStrictEqual(yield* Fiber.join(seen), ["ADDED b"])
    }))

  it.effect("get a bookmark every minute and when one is sent, those who want it", () =>
    Effect.gen(function*() {
      const server = yield* start({ binder: false })
      const resourceVersion = String(server.api.revision())
      const wanting = yield* take(server, pods, 2, { resourceVersion })
      const other = yield* take(server, pods, 1, { resourceVersion, bookmarks: false })
      yield* server.create(configMaps, configMap("elsewhere"))
      const now = server.api.revision()
      yield* server.api.bookmark
      yield* TestClock.adjust("1 minute")
      yield* server.create(pods, pod("a"))
      assert.deepStrictEqual(yield* Fiber.join(wanting), [`BOOKMARK ${now}`, `BOOKMARK ${now}`])
      assert.deepStrictEqual(yield* Fiber.join(other), ["ADDED a"])
    }))

  it.effect("end when they lag behind too far, or when the server ends them", () =>
    Effect.gen(function*() {
      const server = yield* start({ binder: false, watchBacklog: 3 })
      const gate = yield* server.rest.watch(query(server, pods)).pipe(
        Stream.tap(() => Effect.sleep("1 hour")),
        Stream.map(short),
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      for (let i = 0; i < 9; i++) yield* server.create(pods, pod(`p${i}`))
      yield* TestClock.adjust("10 hours")
      assert.isBelow((yield* Fiber.join(gate)).length, 9)
      const cut = yield* take(server, configMaps, 100)
      yield* server.api.closeWatches
      assert.isBelow((yield* Fiber.join(cut)).length, 100)
    }))

  it.effect("leave nothing behind when they are interrupted", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const { watchers } = server.state.store.shelf(kindOf(server.state, pods))
      const fiber = yield* take(server, pods, 1, { fieldSelector: "spec.nodeName=n" })
      assert.strictEqual(watchers.size, 1)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(watchers.size, 0)
    }))

  it.effect("of a thousand nodes, an event is looked at by the one that it concerns", () =>
    Effect.gen(function*() {
      const server = yield* start({ binder: false })
      const { watchers } = server.state.store.shelf(kindOf(server.state, pods))
      let looks = 0
      let news = 0
      for (let i = 0; i < 1000; i++) {
        watchers.add({
          chosen: {
            exact: new Map([["spec.nodeName", `n${i}`]]),
            matches: (object) => {
              looks++
              return at(object, "spec", "nodeName") === `n${i}`
            }
          },
          after: 0,
          bookmarks: false,
          deliver: () => void news++,
          close: () => undefined
        })
      }
      yield* server.create(pods, pod("a", { nodeName: "n7" }))
      assert.deepStrictEqual([looks, news], [1, 1])
      yield* server.patch(pods, "a", { status: { phase: "Running" } }, "status")
      assert.deepStrictEqual([looks, news], [3, 2])
    }))
})

describe("lists", () => {
  const page = (server: Server, more: Partial<Query>, namespace = "default") =>
    server.rest.list(query(server, configMaps, { ...(namespace === "" ? {} : { namespace }), ...more }))
  const names = (items: ReadonlyArray<{ readonly metadata: { readonly name?: string } }>) =>
    items.map((one) => one.metadata.name)

  it.effect("come in pages of one version, whatever is written meanwhile", () =>
    Effect.gen(function*() {
      const server = yield* start()
      for (const name of ["a", "b", "c", "d"]) yield* server.create(configMaps, configMap(name))
      const first = yield* page(server, { limit: 2 })
      assert.deepStrictEqual([names(first.items), first.remaining], [["a", "b"], 3])
      yield* server.remove(configMaps, "d")
      yield* server.create(configMaps, configMap("aa"))
      const second = yield* page(server, { limit: 2, continue: first.continue })
      assert.deepStrictEqual([names(second.items), second.revision], [["c", "d"], first.revision])
      const third = yield* page(server, { limit: 2, continue: second.continue })
      assert.deepStrictEqual([names(third.items), third.continue], [["kube-root-ca.crt"], undefined])
    }))

  it.effect("whose next page comes too late have to start again", () =>
    Effect.gen(function*() {
      const server = yield* start()
      yield* server.create(configMaps, configMap("a"))
      const stale = yield* page(server, { limit: 1 })
      for (let i = 0; i < 40; i++) yield* page(server, { limit: 1 })
      assert.strictEqual((yield* Effect.flip(page(server, { limit: 1, continue: stale.continue }))).code, 410)
      assert.strictEqual((yield* Effect.flip(page(server, { continue: "nonsense" }))).code, 400)
    }))

  it.effect("of a version that is not there yet are asked for again later", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const error = yield* Effect.flip(page(server, { resourceVersion: "999999" }))
      assert.deepInclude(error, { code: 504, reason: "Timeout" })
      assert.strictEqual(at(error.details, "retryAfterSeconds"), 1)
      assert.strictEqual((yield* Effect.flip(page(server, { resourceVersion: "x" }))).code, 400)
    }))

  it.effect("are in the order of names, namespaces first, as they are stored", () =>
    Effect.gen(function*() {
      const server = yield* start()
      yield* server.create(namespaces, { metadata: { name: "default-a" } })
      yield* server.create(configMaps, configMap("x"), "default-a")
      yield* server.create(configMaps, configMap("x"))
      const all = yield* page(server, { fieldSelector: "metadata.name=x" }, "")
      assert.deepStrictEqual(all.items.map(({ metadata }) => metadata.namespace), ["default-a", "default"])
    }))
})

/** Random writes to a few pods; a watcher who follows must know what a list shows. */
const step = fc.record({
  name: fc.constantFrom("a", "b", "c"),
  act: fc.constantFrom("create", "label", "unlabel", "run", "delete", "force")
})

const follow = Effect.fnUntraced(
  function*(steps: ReadonlyArray<{ readonly name: string; readonly act: string }>, skip: number) {
    const server = yield* start({ binder: false })
    const selection = { labelSelector: "x=y" }
    const known = new Map<string, string>()
    const learn = ({ object, type }: WatchEvent) => {
      if (type === "DELETED") known.delete(object.metadata.name ?? "")
      else known.set(object.metadata.name ?? "", object.metadata.resourceVersion ?? "")
    }
    const acts: Readonly<Record<string, (name: string) => Effect.Effect<unknown, unknown>>> = {
      create: (name) => server.create(pods, pod(name, { nodeName: "n" }, { labels: { x: "y" } })),
      label: (name) => server.patch(pods, name, { metadata: { labels: { x: "y" } } }),
      unlabel: (name) => server.patch(pods, name, { metadata: { labels: { x: null } } }),
      run: (name) => server.patch(pods, name, { status: { phase: "Running" } }, "status"),
      delete: (name) => server.remove(pods, name),
      force: (name) => server.remove(pods, name, { gracePeriodSeconds: 0 })
    }
    let resourceVersion = "0"
    for (const [index, { act, name }] of steps.entries()) {
      if (index === skip) {
        const seen = yield* server.rest.list(query(server, pods, selection))
        for (const object of seen.items) learn({ type: "ADDED", object })
        resourceVersion = String(seen.revision)
      }
      // Most of these are refused now and then: what does not exist cannot be labelled.
      yield* Effect.ignore(acts[act]?.(name) ?? Effect.void)
    }
    const end = String(server.api.revision())
    yield* Effect.forkChild(Effect.andThen(Effect.yieldNow, server.api.bookmark))
    yield* server.rest.watch(query(server, pods, { ...selection, resourceVersion })).pipe(
      Stream.takeUntil(({ object, type }) => type === "BOOKMARK" && object.metadata.resourceVersion === end),
      Stream.filter(({ type }) => type !== "BOOKMARK"),
      Stream.runForEach((event) => Effect.sync(() => learn(event)))
    )
    const listed = yield* server.rest.list(query(server, pods, selection))
    return {
      known: [...known].toSorted(),
      listed: listed.items.map(({ metadata }) => [metadata.name, metadata.resourceVersion])
    }
  },
  Effect.scoped
)

describe("list and watch", () => {
  it("a watch from any version on leads to what a list shows", () =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.nat(20), async (steps, skip) => {
        const { known, listed } = await Effect.runPromise(follow(steps, skip))
        assert.deepStrictEqual(known, listed)
      }),
      { numRuns: 100 }
    ))
})
