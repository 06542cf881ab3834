import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Schedule, Stream } from "effect"
import type { ServerResponse } from "node:http"
import * as Resources from "../../../../src/domain/k8s/resources.ts"
import { KubeApi, type WatchEvent } from "../../../../src/layers/api/KubeApi.ts"
import * as KubeApiLive from "../../../../src/layers/api/KubeApiLive.ts"
import * as TestServer from "./testServer.ts"

const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`
const pod = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } })

const against = <A, E>(
  answer: TestServer.Answer,
  body: (server: TestServer.TestServer) => Effect.Effect<A, E, KubeApi>,
  options: Partial<KubeApiLive.Options> = {}
) =>
  Effect.gen(function*() {
    const server = yield* TestServer.start(answer)
    const live = KubeApiLive.layer({ server: server.url, insecure: false, user: {} }, options)
    return yield* body(server).pipe(Effect.provide(live, { local: true }))
  })

const watch = (resourceVersion = "5") =>
  Stream.unwrap(Effect.map(KubeApi, (api) => api.watch(Resources.pods, { resourceVersion })))

const show = ({ object, type }: WatchEvent) => `${type} ${object.metadata.name} ${object.kind}`

const until = (condition: () => boolean) =>
  Effect.suspend(() => condition() ? Effect.void : Effect.fail("not yet")).pipe(
    Effect.retry({ schedule: Schedule.spaced("5 millis"), times: 1000 })
  )

describe("KubeApiLive: watch", () => {
  it.live("gives events as they come, cut anywhere, and ends when the server ends it", () =>
    against((_, response) => {
      const text = line("ADDED", pod("ä", "6")) + line("BOOKMARK", { metadata: { resourceVersion: "9" } }) +
        line("DELETED", pod("b", "10"))
      const bytes = Buffer.from(text)
      response.writeHead(200)
      // In the middle of a two-byte letter, and of a line.
      const cut = bytes.indexOf("ä") + 1
      response.write(bytes.subarray(0, cut), () => {
        response.write(bytes.subarray(cut, cut + 40), () => response.end(bytes.subarray(cut + 40)))
      })
    }, (server) =>
      Effect.gen(function*() {
        const events = yield* Stream.runCollect(watch())
        assert.deepStrictEqual(events.map(show), ["ADDED ä Pod", "BOOKMARK undefined Pod", "DELETED b Pod"])
        const url = new URL(server.asked[0]?.url ?? "", "http://x")
        assert.strictEqual(url.pathname, "/api/v1/pods")
        const { timeoutSeconds, ...query } = Object.fromEntries(url.searchParams)
        assert.deepStrictEqual(query, { watch: "true", allowWatchBookmarks: "true", resourceVersion: "5" })
        assert.isTrue(Number(timeoutSeconds) >= 300 && Number(timeoutSeconds) <= 600)
      })))

  it.live("the first event is there before the second is sent", () => {
    let later: ServerResponse | undefined
    return against((_, response) => {
      later = response.writeHead(200)
      later.write(line("ADDED", pod("a", "6")))
    }, () =>
      Effect.gen(function*() {
        const seen = yield* Stream.runCollect(
          watch().pipe(
            Stream.tap(({ object }) =>
              Effect.sync(() => {
                if (object.metadata.name === "a") later?.end(line("ADDED", pod("b", "7")))
              })
            )
          )
        )
        assert.deepStrictEqual(seen.map(show), ["ADDED a Pod", "ADDED b Pod"])
      }))
  })

  it.live.each([
    { code: 410, reason: "Expired", want: "Expired" },
    { code: 410, reason: "Gone", want: "Expired" },
    { code: 500, reason: "InternalError", want: "Retryable" },
    { code: 403, reason: "Forbidden", want: "Permanent" }
  ])(
    "Q3: an ERROR event of code $code ends the watch with $want",
    ({ code, reason, want }) =>
      against((_, response) => {
        response.writeHead(200)
        response.write(line("ADDED", pod("a", "6")))
        response.write(line("ERROR", TestServer.status(code, reason, "too old resource version: 5 (90)")))
      }, (server) =>
        Effect.gen(function*() {
          const seen: Array<string> = []
          const error = yield* Effect.flip(
            Stream.runForEach(watch(), (event) => Effect.sync(() => seen.push(show(event))))
          )
          assert.deepStrictEqual(seen, ["ADDED a Pod"])
          assert.strictEqual(error.reason._tag, want)
          assert.strictEqual(error.detail, "too old resource version: 5 (90)")
          yield* until(() => server.connections.size === 0)
        }))
  )

  it.live("a refusal before the first event is the error of its status", () =>
    against(
      (_, response) => TestServer.json(response, TestServer.status(410, "Expired", "too old"), 410),
      () =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(Stream.runDrain(watch()))
          assert.deepInclude({ ...error, reason: error.reason._tag }, {
            reason: "Expired",
            status: 410,
            detail: "too old"
          })
        })
    ))

  it.live("a broken connection and half a line are no end but a failure to come back from", () =>
    against((asked, response) => {
      response.writeHead(200)
      response.write(line("ADDED", pod("a", "6")) + `{"type":"ADD`, () => asked.socket.destroy())
    }, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Stream.runDrain(watch()))
        assert.strictEqual(error.reason._tag, "Retryable")
      })))

  it.live("interruption closes the connection, and a reader that has enough does", () =>
    against((_, response) => {
      response.writeHead(200)
      response.write(line("ADDED", pod("a", "6")))
    }, (server) =>
      Effect.gen(function*() {
        const first = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(Stream.runForEach(watch(), () => Deferred.succeed(first, undefined)))
        yield* Deferred.await(first)
        assert.strictEqual(server.connections.size, 1)
        yield* Fiber.interrupt(fiber)
        yield* until(() => server.connections.size === 0)
        yield* Stream.runDrain(Stream.take(watch(), 1))
        yield* until(() => server.connections.size === 0)
      })))

  it.live("a server that sends no headers is given up at the deadline", () =>
    against(() => {}, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Stream.runDrain(watch()))
        assert.strictEqual(error.detail, "no answer within 50 ms")
        assert.strictEqual(error.reason._tag, "Retryable")
      }), { timeoutMs: 50 }))
})
