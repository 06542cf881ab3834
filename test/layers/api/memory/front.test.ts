/** The API as requests and answers, without sockets. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { answer, collect } from "../../../../src/layers/api/memory/front.ts"
import { loopback } from "../../../../src/layers/api/memory/state.ts"
import { at, node, nodes, pod, pods, start } from "./server.ts"

type Server = Effect.Success<ReturnType<typeof start>>

const table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

const ask = (server: Server, method: string, target: string, options: {
  readonly accept?: string
  readonly contentType?: string
  readonly body?: unknown
} = {}) => {
  const { accept = "application/json", body, contentType = "" } = options
  const bytes = new TextEncoder().encode(body === undefined ? "" : JSON.stringify(body))
  return answer(server.api, { method, target, accept, contentType, body: bytes, user: loopback })
}

const json = Effect.fnUntraced(function*(...request: Parameters<typeof ask>) {
  const reply = yield* collect(ask(...request))
  const body: unknown = JSON.parse(new TextDecoder().decode(reply.body))
  return { status: reply.status, body }
})

const namespaced = "/api/v1/namespaces/default"
const cells = (body: unknown) => [at(body, "rows")].flat().map((row) => at(row, "cells"))

describe("the front", () => {
  it.effect.each([
    { method: "GET", target: "/api/v1/nothings", status: 404, why: "no such resource" },
    { method: "GET", target: "/apis/none/v1/things", status: 404, why: "no such group" },
    { method: "GET", target: `${namespaced}/pods/none/status/more`, status: 404, why: "no such subresource" },
    { method: "POST", target: "/api/v1/pods", status: 405, why: "a pod is created in a namespace" },
    { method: "PUT", target: `${namespaced}/pods`, status: 405, why: "a collection cannot be replaced" },
    { method: "GET", target: "/apis/authentication.k8s.io/v1/tokenreviews", status: 405, why: "reviews are not kept" },
    { method: "PATCH", target: `${namespaced}/pods/x`, status: 415, why: "a patch says its type" }
  ])("$status: $why", ({ method, status, target }) =>
    Effect.gen(function*() {
      const server = yield* start()
      const reply = yield* json(server, method, target, { body: { kind: "Pod" } })
      assert.strictEqual(reply.status, status)
      assert.deepInclude(reply.body, { kind: "Status", status: "Failure", code: status })
    }))

  it.effect("refuses a form that it does not have, and a body that it cannot read", () =>
    Effect.gen(function*() {
      const server = yield* start()
      assert.strictEqual((yield* json(server, "GET", `${namespaced}/pods`, { accept: "text/html" })).status, 406)
      const options = { contentType: "text/plain", body: {} }
      assert.strictEqual((yield* json(server, "POST", `${namespaced}/pods`, options)).status, 415)
      const other = { body: { kind: "Pod", apiVersion: "apps/v1" } }
      assert.match(
        String(at((yield* json(server, "POST", `${namespaced}/pods`, other)).body, "message")),
        /does not match/
      )
    }))

  it.effect("unknown fields are refused, warned of or ignored, as the request says", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const post = (name: string, validation: string) =>
        ask(server, "POST", `${namespaced}/configmaps?fieldValidation=${validation}`, {
          body: { metadata: { name }, dota: {} }
        })
      const [strict, warn, ignore] = yield* Effect.all([post("a", "Strict"), post("b", "Warn"), post("c", "Ignore")])
      assert(strict?._tag === "Reply" && warn?._tag === "Reply" && ignore?._tag === "Reply")
      assert.deepStrictEqual([strict.status, warn.status, ignore.status], [400, 201, 201])
      assert.deepStrictEqual(warn.headers, { warning: String.raw`299 - "unknown field \"dota\""` })
      assert.deepStrictEqual(ignore.headers, {})
    }))

  it.effect("tables have the columns of their kind, rows of metadata, and name and age for kinds without", () =>
    Effect.gen(function*() {
      const server = yield* start()
      yield* server.create(nodes, node("n"))
      yield* server.create(pods, pod("a"))
      yield* TestClock.adjust("3 minutes")
      const { body } = yield* json(server, "GET", `${namespaced}/pods`, { accept: table })
      const columns = [at(body, "columnDefinitions")].flat()
      const named = (priority: number) =>
        columns.filter((one) => at(one, "priority") === priority).map((one) => at(one, "name"))
      assert.deepStrictEqual(named(0), ["Name", "Ready", "Status", "Restarts", "Age"])
      assert.deepStrictEqual(named(1), ["IP", "Node", "Nominated Node", "Readiness Gates"])
      assert.deepStrictEqual(cells(body), [["a", "0/1", "Pending", "0", "3m", "<none>", "n", "<none>", "<none>"]])
      assert.strictEqual(at([at(body, "rows")].flat()[0], "object", "kind"), "PartialObjectMetadata")
      const quotas = yield* json(server, "GET", `${namespaced}/resourcequotas`, { accept: table })
      assert.deepStrictEqual(
        [at(quotas.body, "columnDefinitions")].flat().map((one) => at(one, "name")),
        ["Name", "Age"]
      )
    }))

  it.effect("a watch sends tables too, the columns once, and ends at its time", () =>
    Effect.gen(function*() {
      const server = yield* start({ binder: false })
      const reply = yield* ask(server, "GET", `${namespaced}/pods?watch=true&timeoutSeconds=10`, { accept: table })
      assert(reply._tag === "Reply" && !(reply.body instanceof Uint8Array))
      const lines = yield* reply.body.pipe(
        Stream.decodeText,
        Stream.splitLines,
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      yield* server.create(pods, pod("a"))
      yield* server.create(pods, pod("b"))
      yield* TestClock.adjust("10 seconds")
      const events = (yield* Fiber.join(lines)).map((line): unknown => JSON.parse(line))
      assert.deepStrictEqual(events.map((one) => at(one, "type")), ["ADDED", "ADDED"])
      assert.strictEqual([at(events[0], "object", "columnDefinitions")].flat().length, 9)
      assert.strictEqual(at(events[1], "object", "columnDefinitions"), null)
    }))

  it.effect("a watch from a version that is gone says so in the stream", () =>
    Effect.gen(function*() {
      const server = yield* start({ binder: false })
      yield* server.create(pods, pod("a"))
      yield* server.api.compact
      const { body, status } = yield* json(server, "GET", `${namespaced}/pods?watch=true&resourceVersion=1`)
      assert.strictEqual(status, 200)
      assert.deepInclude(at(body, "object"), { kind: "Status", code: 410, reason: "Expired" })
    }))

  it.effect("items of a list say their kind once; a list can be deleted by selector", () =>
    Effect.gen(function*() {
      const server = yield* start({ binder: false })
      yield* server.create(pods, pod("a", {}, { labels: { x: "y" } }))
      yield* server.create(pods, pod("b"))
      const { body } = yield* json(server, "GET", `${namespaced}/pods`)
      assert.deepInclude(body, { kind: "PodList", apiVersion: "v1" })
      assert.isUndefined(at([at(body, "items")].flat()[0], "kind"))
      yield* json(server, "DELETE", `${namespaced}/pods?labelSelector=x%3Dy`)
      assert.deepStrictEqual(server.names(pods), ["b"])
    }))

  it.effect("discovery in both forms names the same resources, and OpenAPI has a type for each", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
      const whole = yield* json(server, "GET", "/api", { accept })
      const [group] = [at(whole.body, "items")].flat()
      const resources = [at([at(group, "versions")].flat()[0], "resources")].flat()
      const single = yield* json(server, "GET", "/api/v1")
      const names = [at(single.body, "resources")].flat().map((one) => String(at(one, "name")))
      assert.deepStrictEqual(
        resources.map((one) => at(one, "resource")),
        names.filter((name) => !name.includes("/"))
      )
      const paths = at((yield* json(server, "GET", "/openapi/v3")).body, "paths")
      assert.include(Object.keys(Object(paths)), "apis/apps/v1")
      const { body } = yield* json(server, "GET", "/openapi/v3/api/v1")
      const schemas = at(body, "components", "schemas")
      const container = at(schemas, "io.k8s.api.core.v1.Container", "properties", "ports")
      assert.deepInclude(container, { "x-kubernetes-patch-merge-key": "containerPort" })
      const missing = JSON.stringify(body).matchAll(/"#\/components\/schemas\/([^"]+)"/g)
      for (const [, name = ""] of missing) assert.isTrue(Object.hasOwn(Object(schemas), name), name)
    }))
})

describe("what a node answers", () => {
  const place = Effect.gen(function*() {
    const server = yield* start({ binder: false })
    const addresses = [{ type: "Hostname", address: "h" }, { type: "InternalIP", address: "10.0.0.9" }]
    const status = { addresses, daemonEndpoints: { kubeletEndpoint: { Port: 10_999 } } }
    yield* server.create(nodes, { metadata: { name: "n" }, status })
    yield* server.create(pods, pod("one", { nodeName: "n" }))
    const containers = [{ name: "a", image: "x" }, { name: "b", image: "x" }]
    yield* server.create(pods, pod("two", { nodeName: "n", containers }))
    yield* server.create(pods, pod("lost", { nodeName: "gone" }))
    yield* server.create(pods, pod("unbound"))
    return server
  })

  it.effect.each([
    { target: "pods/one/log", want: "/containerLogs/default/one/main", why: "the only container is meant" },
    {
      target: "pods/two/log?container=b&follow=true&tailLines=5&pretty=true",
      want: "/containerLogs/default/two/b?follow=true&tailLines=5",
      why: "options of logs go along, others do not"
    },
    {
      target: "pods/one/exec?command=sh&command=-c&stdin=true&stdout=true&tty=false",
      want: "/exec/default/one/main?input=1&output=1&command=sh&command=-c",
      why: "streams have other names there"
    },
    { target: "pods/one/attach?stdout=1", want: "/attach/default/one/main?output=1", why: "attaching too" },
    {
      target: "pods/one/portforward?ports=80&ports=81",
      want: "/portForward/default/one?port=80%2C81",
      why: "ports in one"
    }
  ])("O5: $why", ({ target, want }) =>
    Effect.gen(function*() {
      const passed = yield* ask(yield* place, "GET", `${namespaced}/${target}`)
      assert.deepStrictEqual(passed, { _tag: "Pass", node: { host: "10.0.0.9", port: 10_999 }, target: want })
    }))

  it.effect("a path behind the proxy of a node goes on unchanged", () =>
    Effect.gen(function*() {
      const passed = yield* ask(yield* place, "GET", "/api/v1/nodes/n:1234/proxy/stats/summary?x=y")
      assert.deepStrictEqual(passed, {
        _tag: "Pass",
        node: { host: "10.0.0.9", port: 1234 },
        target: "/stats/summary?x=y"
      })
    }))

  it.effect.each([
    { target: "pods/two/log", want: /a container name must be specified for pod two, choose one of: \[a b\]/ },
    { target: "pods/one/log?container=x", want: /container x is not valid for pod one/ },
    { target: "pods/unbound/log", want: /pod unbound does not have a host assigned/ },
    { target: "pods/lost/log", want: /nodes "gone" not found/ },
    { target: "pods/none/log", want: /pods "none" not found/ }
  ])("O4: $want", ({ target, want }) =>
    Effect.gen(function*() {
      const { body } = yield* json(yield* place, "GET", `${namespaced}/${target}`)
      assert.match(String(at(body, "message")), want)
    }))
})
