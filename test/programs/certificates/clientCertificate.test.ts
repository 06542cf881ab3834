import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, Layer, Ref } from "effect"
import { TestClock } from "effect/testing"
import { certificateSigningRequests } from "../../../src/domain/k8s/resources.ts"
import { KubeApi } from "../../../src/layers/api/KubeApi.ts"
import { bootstrap } from "../../../src/programs/certificates/bootstrap.ts"
import * as Store from "../../../src/programs/certificates/certificateStore.ts"
import * as ClientCertificate from "../../../src/programs/certificates/ClientCertificate.ts"
import { day, folder, hour, make, minute, second, settle } from "./world.ts"

const place: Store.Place = { folder, name: "kubelet-client" }

type World = Effect.Success<ReturnType<typeof make>>

/** The part of an agent that keeps its certificate; asks as `node` when it has one, as `bootstrap` before. */
const keeper = (world: World, adopted = false) =>
  ClientCertificate.ClientCertificate.pipe(
    Effect.flatMap(({ keep }) => keep),
    Effect.provide(
      ClientCertificate.layer({ nodeName: "n1", place, adopted, bootstrap: world.as("bootstrap") }).pipe(
        Layer.provide(Layer.succeed(KubeApi)(world.as("node")))
      )
    )
  )

const held = (world: World) => Effect.provide(Store.readCurrent(place), world.tools)

const dated = (names: ReadonlyArray<string>) => names.filter((name) => /^kubelet-client-\d/.test(name))

describe("the client certificate", () => {
  it.effect("A11: is asked for in the name of whoever bootstraps, stored with its key, and its request is gone", () =>
    Effect.gen(function*() {
      const world = yield* make(day)
      yield* world.run(keeper(world))
      yield* settle
      const first = yield* held(world)
      assert.strictEqual(first?.facts.commonName, "system:node:n1")
      assert.deepStrictEqual(first?.facts.organizations, ["system:nodes"])
      assert.deepStrictEqual(world.made.map(({ by }) => by), ["bootstrap"])
      assert.match(world.made[0]?.name ?? "", /^node-csr-/)
      assert.deepStrictEqual(yield* world.names, [
        "kubelet-client-1970-01-01-00-00-00.pem",
        "kubelet-client-current.pem"
      ])
      const stat = yield* world.files.stat(Store.currentPath(place))
      assert.strictEqual(stat.mode, 0o600)
    }))

  it.effect("A11: a node that starts anew before it is approved goes on with the same key and request", () =>
    Effect.gen(function*() {
      const world = yield* make(day)
      yield* Ref.set(world.signing, "wait")
      const first = yield* world.run(keeper(world))
      yield* TestClock.adjust(minute)
      assert.deepStrictEqual(yield* world.names, ["kubelet-client.key.tmp"])
      assert.strictEqual((yield* world.files.stat(`${folder}/kubelet-client.key.tmp`)).mode, 0o600)
      yield* first.kill
      yield* world.run(keeper(world))
      yield* TestClock.adjust(minute)
      assert.strictEqual(world.api.objects(certificateSigningRequests).length, 1)
      yield* Ref.set(world.signing, "sign")
      yield* world.decideAll
      yield* TestClock.adjust(second)
      assert.isDefined(yield* held(world))
      assert.notInclude(yield* world.names, "kubelet-client.key.tmp")
    }))

  it.effect("A12: is renewed by the node itself at 70 to 90 % of every life, however long that is", () =>
    Effect.gen(function*() {
      const lifeMs = 40 * day
      const world = yield* make(lifeMs)
      yield* world.run(keeper(world))
      yield* settle
      for (let generation = 2; generation <= 5; generation++) {
        const before = yield* held(world)
        assert.isDefined(before)
        yield* TestClock.adjust(0.7 * lifeMs - (yield* Clock.currentTimeMillis) + before.facts.notBeforeMs - hour)
        assert.strictEqual(world.made.length, generation - 1)
        yield* TestClock.adjust(0.2 * lifeMs + 2 * hour)
        assert.strictEqual(world.made.length, generation)
        const after = yield* held(world)
        assert.isAbove(after?.facts.notAfterMs ?? 0, before.facts.notAfterMs)
      }
      assert.deepStrictEqual(world.made.map(({ by }) => by), ["bootstrap", "node", "node", "node", "node"])
      assert.isTrue(world.made.slice(1).every(({ name }) => name.startsWith("csr-")))
      assert.strictEqual(dated(yield* world.names).length, 5)
    }))

  it.effect("A12: one that came with the kubeconfig is replaced at once, and after a restart no more", () =>
    Effect.gen(function*() {
      const world = yield* make(day)
      const agent = yield* world.run(keeper(world))
      yield* settle
      yield* agent.kill
      const count = world.made.length
      const again = yield* world.run(keeper(world, true))
      yield* settle
      assert.strictEqual(world.made.length, count + 1)
      assert.strictEqual(world.made.at(-1)?.by, "node")
      yield* again.kill
      yield* world.run(keeper(world))
      yield* TestClock.adjust(hour)
      assert.strictEqual(world.made.length, count + 1)
    }))

  it.effect("A11: who is denied asks again with another key, after ever longer pauses", () =>
    Effect.gen(function*() {
      const world = yield* make(day)
      yield* Ref.set(world.signing, "deny")
      yield* world.run(keeper(world))
      yield* TestClock.adjust(2 * minute)
      const pauses = world.made.slice(1).map(({ atMs }, i) => Math.round((atMs - (world.made[i]?.atMs ?? 0)) / second))
      assert.deepStrictEqual(pauses.map((pause) => 2 ** Math.floor(Math.log2(pause))), [2, 4, 8, 16, 32, 32])
      assert.strictEqual(new Set(world.made.map(({ name }) => name)).size, world.made.length)
      yield* Ref.set(world.signing, "sign")
      yield* TestClock.adjust(33 * second)
      assert.isDefined(yield* held(world))
    }))

  it.effect("A11: a request that the signer failed is made anew", () =>
    Effect.gen(function*() {
      const world = yield* make(day)
      yield* Ref.set(world.signing, "fail")
      yield* world.run(keeper(world))
      yield* settle
      yield* Ref.set(world.signing, "sign")
      yield* TestClock.adjust(3 * second)
      assert.strictEqual(world.made.length, 2)
      assert.isDefined(yield* held(world))
    }))

  it.effect("A12: a renewal that nobody answers is asked for anew after 15 minutes, the old one serves on", () =>
    Effect.gen(function*() {
      const world = yield* make(day)
      const { fiber } = yield* world.run(keeper(world))
      yield* settle
      yield* Ref.set(world.signing, "wait")
      // Where in its life it is renewed is a matter of chance: what is certain is how far apart its requests are.
      yield* TestClock.adjust(0.9 * day + 33 * minute)
      const renewals = world.made.slice(1)
      assert.isAtLeast(renewals.length, 3)
      const pauses = renewals.slice(1).map(({ atMs }, i) => atMs - (renewals[i]?.atMs ?? 0))
      assert.isEmpty(
        pauses.filter((pause) => pause < 15 * minute || pause > 16 * minute),
        "a pause of about 15 minutes"
      )
      assert.isUndefined(fiber.pollUnsafe())
      yield* Ref.set(world.signing, "sign")
      yield* world.decideAll
      yield* TestClock.adjust(minute)
      assert.isAbove((yield* held(world))?.facts.notBeforeMs ?? 0, 0)
    }))

  it.effect("A12: that expires while its renewal waits for an answer is asked for by whoever bootstraps, at once", () =>
    Effect.gen(function*() {
      const world = yield* make(20 * minute)
      yield* world.run(keeper(world))
      yield* settle
      yield* Ref.set(world.signing, "wait")
      yield* TestClock.adjust(19 * minute)
      assert.deepStrictEqual(world.made.map(({ by }) => by), ["bootstrap", "node"])
      yield* Ref.set(world.signing, "sign")
      yield* TestClock.adjust(2 * minute)
      assert.deepStrictEqual(world.made.map(({ by }) => by), ["bootstrap", "node", "bootstrap"])
      assert.isAbove((yield* held(world))?.facts.notAfterMs ?? 0, yield* Clock.currentTimeMillis)
    }))

  it.effect("A12: expired for five minutes while the server answers, the agent ends to be started anew", () =>
    Effect.gen(function*() {
      const world = yield* make(hour)
      const { fiber } = yield* world.run(keeper(world))
      yield* settle
      yield* Ref.set(world.signing, "deny")
      yield* TestClock.adjust(hour + 4 * minute)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(2 * minute)
      const exit = fiber.pollUnsafe()
      assert.isTrue(exit !== undefined && Exit.isFailure(exit))
      const lost = exit !== undefined && Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.instanceOf(lost, ClientCertificate.ClientCertificateLost)
      assert.include(String(lost), "no valid client certificate since 1970-01-01T01:00:00.000Z")
    }))

  it.effect("A12: expired while the server does not answer, it waits for the server", () =>
    Effect.gen(function*() {
      const world = yield* make(hour)
      const { fiber } = yield* world.run(keeper(world))
      yield* settle
      yield* Ref.set(world.reachable, false)
      yield* TestClock.adjust(3 * hour)
      assert.isUndefined(fiber.pollUnsafe())
      yield* Ref.set(world.reachable, true)
      yield* TestClock.adjust(minute)
      const now = yield* Clock.currentTimeMillis
      assert.isAbove((yield* held(world))?.facts.notAfterMs ?? 0, now)
      // By then only the credentials of the start are worth anything.
      assert.strictEqual(world.made.at(-1)?.by, "bootstrap")
    }))

  it.effect("A11: without rotation the first one is waited for, and a refusal is the end", () =>
    Effect.gen(function*() {
      const world = yield* make(day)
      const once = Effect.provideService(bootstrap("n1", place), KubeApi, world.as("bootstrap"))
      yield* Ref.set(world.reachable, false)
      const { fiber } = yield* world.run(once)
      yield* TestClock.adjust(10 * minute)
      assert.isUndefined(fiber.pollUnsafe())
      yield* Ref.set(world.reachable, true)
      yield* TestClock.adjust(minute)
      assert.isDefined(yield* held(world))

      yield* Ref.set(world.signing, "deny")
      const refused = yield* world.run(once)
      yield* TestClock.adjust(minute)
      const exit = refused.fiber.pollUnsafe()
      assert.isTrue(
        exit !== undefined && Exit.isFailure(exit) && String(Cause.squash(exit.cause)).includes("denied: NotYou")
      )
    }))

  it.effect("A11: a torn file, or a key that is another's, counts as none", () =>
    Effect.gen(function*() {
      const world = yield* make(day)
      yield* world.files.makeDirectory(folder, { recursive: true })
      yield* world.files.writeFile(Store.currentPath(place), "torn")
      assert.isUndefined(yield* held(world))
      yield* world.run(keeper(world))
      yield* settle
      assert.isDefined(yield* held(world))
    }))
})
