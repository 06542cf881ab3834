/** The live client against a server that answers by script: what is sent, and what each answer means. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Schedule, Stream } from "effect"
import * as Resources from "../../../../src/domain/k8s/resources.ts"
import { HeartbeatApi } from "../../../../src/layers/api/HeartbeatApi.ts"
import { type ApiError, KubeApi } from "../../../../src/layers/api/KubeApi.ts"
import * as KubeApiLive from "../../../../src/layers/api/KubeApiLive.ts"
import type { ServerAccess } from "../../../../src/layers/api/Kubeconfig.ts"
import * as TestServer from "./testServer.ts"

const access = (url: string): ServerAccess => ({ server: url, insecure: false, user: { token: "abc" } })

const object = { metadata: { namespace: "ns", name: "a" } }
const target = { namespace: "ns", name: "a" }

/** Runs `body` with a client of a server that gives `answer`. */
const against = <A, E>(
  answer: TestServer.Answer,
  body: (server: TestServer.TestServer) => Effect.Effect<A, E, KubeApi | HeartbeatApi>,
  options: Partial<KubeApiLive.Options> = {}
) =>
  Effect.gen(function*() {
    const server = yield* TestServer.start(answer)
    return yield* body(server).pipe(Effect.provide(KubeApiLive.layer(access(server.url), options), { local: true }))
  })

const until = (condition: () => boolean) =>
  Effect.suspend(() => condition() ? Effect.void : Effect.fail("not yet")).pipe(
    Effect.retry({ schedule: Schedule.spaced("5 millis"), times: 1000 })
  )

describe("KubeApiLive: requests", () => {
  it.live("sends verbs, bodies, content types and the user agent that servers expect", () =>
    against((_, response) => TestServer.json(response, object), (server) =>
      Effect.gen(function*() {
        const api = yield* KubeApi
        yield* api.get(Resources.pods, target, { resourceVersion: "0" })
        yield* api.get(Resources.nodes, { name: "n1" })
        yield* api.create(Resources.leases, object)
        yield* api.create(Resources.serviceAccounts, { kind: "TokenRequest", metadata: {} }, {
          subresource: { name: "token", of: target }
        })
        yield* api.update(Resources.pods, object, { subresource: "status" })
        yield* api.patch(Resources.pods, target, { type: "strategic", body: { a: 1 } }, { subresource: "status" })
        yield* api.patch(Resources.pods, target, { type: "merge", body: {} })
        yield* api.patch(Resources.pods, target, { type: "json", operations: [] })
        yield* api.delete(Resources.pods, target, { gracePeriodSeconds: 0, uid: "u" })
        const sent = server.asked.map(({ body, headers, method, url }) => [
          method,
          url,
          headers["content-type"] ?? "",
          body
        ])
        assert.deepStrictEqual(sent, [
          ["GET", "/api/v1/namespaces/ns/pods/a?resourceVersion=0", "", ""],
          ["GET", "/api/v1/nodes/n1", "", ""],
          [
            "POST",
            "/apis/coordination.k8s.io/v1/namespaces/ns/leases",
            "application/json",
            `{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"namespace":"ns","name":"a"}}`
          ],
          [
            "POST",
            "/api/v1/namespaces/ns/serviceaccounts/a/token",
            "application/json",
            `{"kind":"TokenRequest","metadata":{}}`
          ],
          [
            "PUT",
            "/api/v1/namespaces/ns/pods/a/status",
            "application/json",
            `{"kind":"Pod","apiVersion":"v1","metadata":{"namespace":"ns","name":"a"}}`
          ],
          [
            "PATCH",
            "/api/v1/namespaces/ns/pods/a/status",
            "application/strategic-merge-patch+json",
            `{"a":1}`
          ],
          ["PATCH", "/api/v1/namespaces/ns/pods/a", "application/merge-patch+json", "{}"],
          ["PATCH", "/api/v1/namespaces/ns/pods/a", "application/json-patch+json", "[]"],
          [
            "DELETE",
            "/api/v1/namespaces/ns/pods/a",
            "application/json",
            `{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0,"preconditions":{"uid":"u"}}`
          ]
        ])
        for (const { headers } of server.asked) {
          assert.match(headers["user-agent"] ?? "", /^kubelet\/v1\.36\.\d+ \(linux\/(amd64|arm64)\) kubeffect$/)
          assert.strictEqual(headers.authorization, "Bearer abc")
          assert.strictEqual(headers.accept, "application/json")
        }
        assert.strictEqual(new Set(server.asked.map(({ socket }) => socket)).size, 1, "one connection is kept alive")
      })))

  it.live("follows the pages of a list, and takes it whole when its token expired", () => {
    let pages = 0
    return against((asked, response) => {
      const url = new URL(asked.url, "http://x")
      pages += 1
      const page = (name: string, token?: string) =>
        TestServer.json(response, {
          metadata: { resourceVersion: "7", ...(token !== undefined && { continue: token }) },
          items: [{ metadata: { name } }]
        })
      if (url.searchParams.get("continue") === "gone") {
        return TestServer.json(response, TestServer.status(410, "Expired", "too old"), 410)
      }
      if (pages === 1) return page("a", "next")
      if (pages === 2) return page("b", "gone")
      return page("all")
    }, (server) =>
      Effect.gen(function*() {
        const { items, resourceVersion } = yield* (yield* KubeApi).list(Resources.pods, {
          fieldSelector: "spec.nodeName=n1"
        })
        assert.deepStrictEqual(items, [{ kind: "Pod", apiVersion: "v1", metadata: { name: "all" } }])
        assert.strictEqual(resourceVersion, "7")
        assert.deepStrictEqual(server.asked.map(({ url }) => url), [
          "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1&limit=500",
          "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1&limit=500&continue=next",
          "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1&limit=500&continue=gone",
          "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1"
        ])
      }))
  })

  it.live("a cached list is asked for without a limit; null items are none", () =>
    against(
      (_, response) => TestServer.json(response, { metadata: { resourceVersion: "1" }, items: null }),
      (server) =>
        Effect.gen(function*() {
          const list = yield* (yield* KubeApi).list(Resources.pods, { resourceVersion: "0" })
          assert.deepStrictEqual(list.items, [])
          assert.deepStrictEqual(server.asked.map(({ url }) => url), ["/api/v1/pods?resourceVersion=0"])
        })
    ))
})

describe("KubeApiLive: what answers mean", () => {
  it.live.each([
    { code: 400, reason: "BadRequest", read: "Permanent", write: "Permanent" },
    { code: 401, reason: "Unauthorized", read: "Permanent", write: "Permanent" },
    { code: 403, reason: "Forbidden", read: "Permanent", write: "Permanent" },
    { code: 404, reason: "NotFound", read: "NotFound", write: "NotFound" },
    { code: 409, reason: "AlreadyExists", read: "AlreadyExists", write: "AlreadyExists" },
    { code: 409, reason: "Conflict", read: "Conflict", write: "Conflict" },
    { code: 410, reason: "Expired", read: "Expired", write: "Expired" },
    { code: 422, reason: "Invalid", read: "Permanent", write: "Permanent" },
    { code: 429, reason: "TooManyRequests", read: "Retryable", write: "Retryable" },
    { code: 500, reason: "InternalError", read: "Retryable", write: "Uncertain" },
    { code: 502, reason: "", read: "Retryable", write: "Uncertain" },
    { code: 503, reason: "ServiceUnavailable", read: "Retryable", write: "Retryable" },
    { code: 504, reason: "Timeout", read: "Retryable", write: "Uncertain" }
  ])(
    "$code $reason: $read for a read, $write for a write",
    ({ code, read, reason, write }) =>
      against(
        (_, response) => TestServer.json(response, TestServer.status(code, reason, "because"), code),
        () =>
          Effect.gen(function*() {
            const api = yield* KubeApi
            const got = yield* Effect.flip(api.get(Resources.pods, target))
            const patched = yield* Effect.flip(api.patch(Resources.pods, target, { type: "merge", body: {} }))
            assert.deepStrictEqual([got.reason._tag, patched.reason._tag], [read, write])
            assert.deepInclude(got, { status: code, statusReason: reason, detail: "because" })
            assert.strictEqual(got.message, "get pods ns/a: because")
          })
      )
  )

  it.live.each([
    { headers: { "retry-after": "3" }, details: {}, want: 3000, why: "seconds in the header" },
    { headers: {}, details: { retryAfterSeconds: 2 }, want: 2000, why: "seconds in the Status" },
    { headers: {}, details: {}, want: undefined, why: "not said" }
  ])("a busy server's time to wait: $why", ({ details, headers, want }) =>
    against(
      (_, response) =>
        TestServer.json(response, TestServer.status(429, "TooManyRequests", "busy", details), 429, headers),
      () =>
        Effect.gen(function*() {
          const error = yield* Effect.flip((yield* KubeApi).get(Resources.pods, target))
          assert(error.reason._tag === "Retryable")
          assert.strictEqual(error.reason.retryAfterMs, want)
        })
    ))

  it.live("an answer that is no Status is quoted", () =>
    against(
      (_, response) => response.writeHead(502, { "content-type": "text/html" }).end("<h1>Bad Gateway</h1>"),
      () =>
        Effect.gen(function*() {
          const error = yield* Effect.flip((yield* KubeApi).get(Resources.pods, target))
          assert.strictEqual(error.detail, "<h1>Bad Gateway</h1>")
        })
    ))

  it.live("a page of a proxy with status 200 is no object", () =>
    against((_, response) => response.end("<h1>Welcome</h1>"), () =>
      Effect.gen(function*() {
        const api = yield* KubeApi
        const read = yield* Effect.flip(api.get(Resources.pods, target))
        const write = yield* Effect.flip(api.update(Resources.pods, object))
        assert.deepStrictEqual([read.reason._tag, write.reason._tag], ["Retryable", "Uncertain"])
      })))

  it.live("a refused connection was never a call: even a write may be repeated", () =>
    Effect.gen(function*() {
      const server = yield* TestServer.start(() => {})
      yield* server.close
      const error = yield* Effect.gen(function*() {
        return yield* Effect.flip((yield* KubeApi).create(Resources.pods, object))
      }).pipe(Effect.provide(KubeApiLive.layer(access(server.url))))
      assert.strictEqual(error.reason._tag, "Retryable")
      assert.strictEqual(error.status, 0)
      assert.include(error.detail, "ECONNREFUSED")
    }))

  it.live("a connection broken in the middle leaves a write uncertain", () =>
    against(({ socket }) => socket.destroy(), () =>
      Effect.gen(function*() {
        const api = yield* KubeApi
        const read = yield* Effect.flip(api.get(Resources.pods, target))
        const write = yield* Effect.flip(api.create(Resources.pods, object))
        assert.deepStrictEqual([read.reason._tag, write.reason._tag], ["Retryable", "Uncertain"])
      })))

  it.live("a body cut off in the middle is a broken connection", () =>
    against((asked, response) => {
      response.writeHead(200, { "content-length": "1000" })
      response.write(`{"metadata":`, () => asked.socket.destroy())
    }, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip((yield* KubeApi).get(Resources.pods, target))
        assert.strictEqual(error.reason._tag, "Retryable")
      })))

  it.live("without an answer a call ends at its deadline and gives its connection up", () =>
    against(() => {}, (server) =>
      Effect.gen(function*() {
        const api = yield* KubeApi
        const read = yield* Effect.flip(api.get(Resources.pods, target))
        const write = yield* Effect.flip(api.create(Resources.pods, object))
        assert.deepStrictEqual([read.reason._tag, write.reason._tag], ["Retryable", "Uncertain"])
        assert.strictEqual(read.detail, "no answer within 50 ms")
        yield* until(() => server.connections.size === 0)
      }), { timeoutMs: 50 }))

  it.live("an interrupted call closes its connection", () =>
    against(() => {}, (server) =>
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild((yield* KubeApi).get(Resources.pods, target))
        yield* until(() => server.asked.length === 1)
        yield* Fiber.interrupt(fiber)
        yield* until(() => server.connections.size === 0)
      })))
})

describe("KubeApiLive: profiles", () => {
  const timed = <E, R>(calls: Effect.Effect<unknown, E, R>) =>
    Effect.gen(function*() {
      const before = yield* Clock.currentTimeMillis
      yield* calls
      return (yield* Clock.currentTimeMillis) - before
    })

  it.live("A5: calls beyond the burst wait for their turn, heartbeats never do", () =>
    against((_, response) => TestServer.json(response, object), () =>
      Effect.gen(function*() {
        const six = (api: KubeApi["Service"]) =>
          timed(Effect.all(Array.from({ length: 6 }, () => api.get(Resources.pods, target)), { concurrency: 6 }))
        const limited = yield* six(yield* KubeApi)
        assert.isAtLeast(limited, 190, "two of burst, four at 20 a second")
        const heartbeats = yield* six(yield* HeartbeatApi)
        assert.isAtMost(heartbeats, 150)
      }), { qps: 20, burst: 2 }))

  it.live("A5: events keep their own rate and take nothing of the calls'", () =>
    against((_, response) => TestServer.json(response, object), () =>
      Effect.gen(function*() {
        const api = yield* KubeApi
        const event = { metadata: { name: "e", namespace: "default" } }
        const took = yield* timed(
          Effect.forEach(Array.from({ length: 6 }), () => api.create(Resources.events, event), { concurrency: 6 })
        )
        assert.isAtMost(took, 500)
        yield* api.get(Resources.pods, target)
      }), { qps: 1, burst: 1 }))

  it.live("fifty calls at once share a few connections, beside which a watch has its own", () =>
    against((request, response) => {
      if (request.url?.includes("watch=true") === true) return void response.write("\n")
      setTimeout(() => TestServer.json(response, object), 2)
    }, (server) =>
      Effect.gen(function*() {
        const api = yield* KubeApi
        yield* Effect.forkChild(Stream.runDrain(api.watch(Resources.pods, { resourceVersion: "1" })))
        yield* Effect.forEach(Array.from({ length: 50 }), () => api.get(Resources.pods, target), {
          concurrency: "unbounded"
        })
        assert.strictEqual(server.connections.size, 9)
      }), { qps: 0 }))

  it.live("A5: a rate of 0 is no limit", () =>
    against((_, response) => TestServer.json(response, object), () =>
      Effect.gen(function*() {
        const api = yield* KubeApi
        yield* Effect.all(Array.from({ length: 150 }, () => api.get(Resources.pods, target)), { concurrency: 10 })
      }), { qps: 0, burst: 1 }))

  it.live("B15: heartbeats have their own connections; the second without an answer drops those of all calls", () => {
    let silent = false
    return against(
      (_, response) => silent ? undefined : TestServer.json(response, object),
      (server) =>
        Effect.gen(function*() {
          const api = yield* KubeApi
          const heartbeat = yield* HeartbeatApi
          yield* api.get(Resources.nodes, { name: "n1" })
          yield* heartbeat.get(Resources.nodes, { name: "n1" })
          assert.strictEqual(server.connections.size, 2)
          silent = true
          const first: ApiError = yield* Effect.flip(heartbeat.get(Resources.nodes, { name: "n1" }))
          assert.strictEqual(first.detail, "no answer within 50 ms")
          yield* until(() => server.connections.size === 1)
          yield* Effect.flip(heartbeat.get(Resources.nodes, { name: "n1" }))
          yield* until(() => server.connections.size === 0)
          silent = false
          yield* heartbeat.get(Resources.nodes, { name: "n1" })
          yield* api.get(Resources.nodes, { name: "n1" })
        }),
      { heartbeatTimeoutMs: 50 }
    )
  })
})
