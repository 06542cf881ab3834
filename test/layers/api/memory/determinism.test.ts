/** With the same seed and clock the server does the same: names, uids, tokens, times and the order of everything. */
import { assert, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { TestClock } from "effect/testing"
import { serviceAccounts, services } from "../../../../src/domain/k8s/resources.ts"
import { loopback } from "../../../../src/layers/api/memory/state.ts"
import { node, nodes, pod, pods, start } from "./server.ts"

const run = Effect.gen(function*() {
  yield* TestClock.setTime(1_000_000_000_000)
  const server = yield* start({ mountServiceAccountTokens: true })
  const trace: Array<string> = []
  server.api.onChange(({ plural }, { object, type }) => trace.push(`${type} ${plural} ${JSON.stringify(object)}`))
  for (const name of ["n1", "n2"]) yield* server.create(nodes, node(name))
  for (let i = 0; i < 5; i++) {
    yield* server.create(pods, { ...pod(""), metadata: { generateName: "p-" } })
    yield* TestClock.adjust("7 seconds")
  }
  yield* server.create(services, { metadata: { name: "s" }, spec: { ports: [{ port: 80 }] } })
  const target = server.targetOf(serviceAccounts, "default", "token")
  const token = yield* server.rest.post(target, { spec: {} }, { user: loopback })
  yield* server.remove(pods, server.names(pods)[0] ?? "")
  return [...trace, JSON.stringify(token)]
}).pipe(Effect.scoped)

it.effect("two runs of one seed are equal, of two seeds are not", () =>
  Effect.gen(function*() {
    const one = yield* Random.withSeed(run, 42)
    assert.isAbove(one.length, 15)
    assert.deepStrictEqual(yield* Random.withSeed(run, 42), one)
    assert.notDeepEqual(yield* Random.withSeed(run, 43), one)
  }))

it.effect("names that are made up are not taken", () =>
  Effect.gen(function*() {
    const { create, names } = yield* start()
    for (let i = 0; i < 50; i++) yield* create(pods, { ...pod(""), metadata: { generateName: "x-" } })
    assert.strictEqual(new Set(names(pods)).size, 50)
    const long = yield* create(pods, { ...pod(""), metadata: { generateName: "y".repeat(80) } })
    assert.strictEqual(long.metadata.name?.length, 63)
  }))
