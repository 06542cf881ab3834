/** What every `Prober` promises, against servers that the implementation's own network has (parity H4, H5, D13). */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, type Layer, type Scope } from "effect"
import { type HttpTarget, Prober, type SocketTarget } from "../../src/layers/probes/Prober.ts"

export interface HttpAnswer {
  readonly status?: number
  readonly body?: string
  readonly location?: string
  /** `Infinity` never answers. */
  readonly tookMs?: number
}

export interface HttpRequestSeen {
  readonly path: string
  /** Names in lower case; several values joined by a comma. */
  readonly headers: Readonly<Record<string, string>>
}

/** Servers at one host, gone with their scope. */
export class ProbeServers extends Context.Service<ProbeServers, {
  readonly http: (
    answer: (request: HttpRequestSeen) => HttpAnswer,
    options?: { readonly tls?: boolean }
  ) => Effect.Effect<SocketTarget, never, Scope.Scope>
  /** Accepts connections and is silent. */
  readonly tcp: Effect.Effect<SocketTarget, never, Scope.Scope>
  /** Knows the services named, by whether they serve; undefined: does not know the health protocol. */
  readonly grpc: (
    services: Readonly<Record<string, boolean>> | undefined
  ) => Effect.Effect<SocketTarget, never, Scope.Scope>
  /** Nothing listens there. */
  readonly closed: Effect.Effect<SocketTarget>
}>()("kubeffect/test/ProbeServers") {}

const timeoutMs = 2000

const targetOf = (at: SocketTarget, path: string, fields: Partial<HttpTarget> = {}): HttpTarget => ({
  scheme: "http",
  headers: [],
  ...at,
  path,
  ...fields
})

/** Sends back what it saw. */
const echo = ({ headers, path }: HttpRequestSeen): HttpAnswer => {
  const { accept, host, "user-agent": agent, "x-a": own } = headers
  return { body: JSON.stringify({ path, accept, agent, host: host?.startsWith("127.") === true ? "own" : host, own }) }
}

const httpContract = (under: Layer.Layer<ProbeServers | Prober, unknown>, name: string) =>
  layer(under, { excludeTestServices: true })(`Prober: ${name}: http`, (it) => {
    it.effect.each([
      { status: 200, result: "success" },
      { status: 204, result: "success" },
      { status: 304, result: "success" },
      { status: 399, result: "success" },
      { status: 400, result: "failure" },
      { status: 500, result: "failure" }
    ])("H4: $status is a $result", ({ result, status }) =>
      Effect.gen(function*() {
        const prober = yield* Prober
        const at = yield* (yield* ProbeServers).http(() => ({ status }))
        const reply = yield* prober.http(targetOf(at, "/"), timeoutMs)
        assert.strictEqual(reply.result, result)
        if (result === "failure") {
          assert.strictEqual(reply.output, `HTTP probe failed with statuscode: ${status}`)
        }
      }))

    it.effect("H4: a success brings the body, of at most 10 KiB", () =>
      Effect.gen(function*() {
        const prober = yield* Prober
        const at = yield* (yield* ProbeServers).http(({ path }) => ({
          body: path === "/long" ? "x".repeat(50_000) : "fine"
        }))
        assert.deepStrictEqual(yield* prober.http(targetOf(at, "/"), timeoutMs), { result: "success", output: "fine" })
        const long = yield* prober.http(targetOf(at, "/long"), timeoutMs)
        assert.strictEqual(long.output.length, 10 * 1024)
      }))

    it.effect("H4: asks as kube-probe for anything, with path and query", () =>
      Effect.gen(function*() {
        const prober = yield* Prober
        const at = yield* (yield* ProbeServers).http(echo)
        const reply = yield* prober.http(targetOf(at, "/a?b=c"), timeoutMs)
        assert.deepStrictEqual(JSON.parse(reply.output), {
          path: "/a?b=c",
          accept: "*/*",
          agent: "kube-probe/1.36",
          host: "own"
        })
      }))

    it.effect("H4: headers of the pod replace the defaults, the host's among them; an empty one removes them", () =>
      Effect.gen(function*() {
        const prober = yield* Prober
        const at = yield* (yield* ProbeServers).http(echo)
        const headers = [
          { name: "Host", value: "web.example" },
          { name: "user-agent", value: "mine" },
          { name: "Accept", value: "" },
          { name: "X-A", value: "1" },
          { name: "X-A", value: "2" }
        ]
        const reply = yield* prober.http(targetOf(at, "/", { headers }), timeoutMs)
        assert.deepStrictEqual(JSON.parse(reply.output), {
          path: "/",
          agent: "mine",
          host: "web.example",
          own: "1, 2"
        })
      }))

    it.effect("H4: certificates are not checked", () =>
      Effect.gen(function*() {
        const prober = yield* Prober
        const at = yield* (yield* ProbeServers).http(() => ({ body: "safe" }), { tls: true })
        const reply = yield* prober.http(targetOf(at, "/", { scheme: "https" }), timeoutMs)
        assert.deepStrictEqual(reply, { result: "success", output: "safe" })
      }))

    it.effect("H4: a redirect within the host is followed, one that leaves it is a success worth telling", () =>
      Effect.gen(function*() {
        const prober = yield* Prober
        const at = yield* (yield* ProbeServers).http(({ path }) => {
          switch (path) {
            case "/away":
              return { status: 302, location: "http://elsewhere.example/", body: "moved" }
            case "/in":
              return { status: 301, location: "/there" }
            case "/broken":
              return { status: 307, location: "/gone" }
            case "/gone":
              return { status: 404 }
            default:
              return { body: "there" }
          }
        })
        assert.deepStrictEqual(yield* prober.http(targetOf(at, "/in"), timeoutMs), {
          result: "success",
          output: "there"
        })
        assert.deepStrictEqual(yield* prober.http(targetOf(at, "/broken"), timeoutMs), {
          result: "failure",
          output: "HTTP probe failed with statuscode: 404"
        })
        assert.deepStrictEqual(yield* prober.http(targetOf(at, "/away"), timeoutMs), {
          result: "warning",
          output: "Probe terminated redirects, Response body: moved"
        })
      }))

    it.effect("H4: ten redirects are followed, no more", () =>
      Effect.gen(function*() {
        const prober = yield* Prober
        const at = yield* (yield* ProbeServers).http(({ path }) => ({ status: 302, location: `${path}x` }))
        const reply = yield* prober.http(targetOf(at, "/"), timeoutMs)
        const url = `http://${at.host}:${at.port}/`
        assert.deepStrictEqual(reply, { result: "failure", output: `Get "${url}": stopped after 10 redirects` })
      }))

    it.effect("H4: no answer in time is a failure, in Go's words", () =>
      Effect.gen(function*() {
        const prober = yield* Prober
        const at = yield* (yield* ProbeServers).http(() => ({ tookMs: Number.POSITIVE_INFINITY }))
        const reply = yield* prober.http(targetOf(at, "/"), 50)
        const why = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        assert.deepStrictEqual(reply, { result: "failure", output: `Get "http://${at.host}:${at.port}/": ${why}` })
      }))

    it.effect("H4: a closed port is a failure, in Go's words", () =>
      Effect.gen(function*() {
        const prober = yield* Prober
        const at = yield* (yield* ProbeServers).closed
        const address = `${at.host}:${at.port}`
        const reply = yield* prober.http(targetOf(at, "/x"), timeoutMs)
        assert.deepStrictEqual(reply, {
          result: "failure",
          output: `Get "http://${address}/x": dial tcp ${address}: connect: connection refused`
        })
      }))

    it.effect("H4: https on a port that speaks plain http is a failure", () =>
      Effect.gen(function*() {
        const prober = yield* Prober
        const at = yield* (yield* ProbeServers).http(() => ({}))
        const reply = yield* prober.http(targetOf(at, "/", { scheme: "https" }), timeoutMs)
        assert.deepStrictEqual(reply, {
          result: "failure",
          output: `Get "https://${at.host}:${at.port}/": http: server gave HTTP response to HTTPS client`
        })
      }))

    it.effect("D13: a hook asks as kube-lifecycle, and in plain http where https was wrong", () =>
      Effect.gen(function*() {
        const prober = yield* Prober
        const at = yield* (yield* ProbeServers).http((request) =>
          request.path === "/" ? echo(request) : { status: 500 }
        )
        const reply = yield* prober.hook(targetOf(at, "/", { scheme: "https" }), timeoutMs)
        assert.strictEqual(JSON.parse(reply.output).agent, "kube-lifecycle/1.36")
        assert.deepStrictEqual(yield* prober.hook(targetOf(at, "/no"), timeoutMs), {
          result: "failure",
          output: "HTTP hook failed with statuscode: 500"
        })
      }))
  })

const socketContract = (under: Layer.Layer<ProbeServers | Prober, unknown>, name: string) =>
  layer(under, { excludeTestServices: true })(`Prober: ${name}: tcp and grpc`, (it) => {
    it.effect("H5: a connection that opens is a success, though nothing is said", () =>
      Effect.gen(function*() {
        const at = yield* (yield* ProbeServers).tcp
        assert.deepStrictEqual(yield* (yield* Prober).tcp(at, timeoutMs), { result: "success", output: "" })
      }))

    it.effect("H5: a closed port is a failure", () =>
      Effect.gen(function*() {
        const at = yield* (yield* ProbeServers).closed
        assert.deepStrictEqual(yield* (yield* Prober).tcp(at, timeoutMs), {
          result: "failure",
          output: `dial tcp ${at.host}:${at.port}: connect: connection refused`
        })
      }))

    it.effect("H5: only SERVING is a success", () =>
      Effect.gen(function*() {
        const prober = yield* Prober
        const at = yield* (yield* ProbeServers).grpc({ "": true, ill: false })
        assert.deepStrictEqual(yield* prober.grpc({ ...at, service: "" }, timeoutMs), {
          result: "success",
          output: "service healthy"
        })
        assert.deepStrictEqual(yield* prober.grpc({ ...at, service: "ill" }, timeoutMs), {
          result: "failure",
          output: "service unhealthy (responded with \"NOT_SERVING\")"
        })
        const unknown = yield* prober.grpc({ ...at, service: "nobody" }, timeoutMs)
        assert.strictEqual(unknown.result, "failure")
        assert.match(unknown.output, /^error: health rpc probe failed: .*unknown service/)
      }))

    it.effect("H5: a server without the health protocol is a failure", () =>
      Effect.gen(function*() {
        const at = yield* (yield* ProbeServers).grpc(undefined)
        const reply = yield* (yield* Prober).grpc({ ...at, service: "" }, timeoutMs)
        assert.strictEqual(reply.result, "failure")
        assert.match(reply.output, /^this server does not implement the grpc health protocol/)
      }))

    it.effect("H5: a server that accepts and is silent is too late; one that is not there cannot be connected", () =>
      Effect.gen(function*() {
        const prober = yield* Prober
        const servers = yield* ProbeServers
        const silent = yield* prober.grpc({ ...(yield* servers.tcp), service: "" }, 100)
        assert.deepStrictEqual(silent, {
          result: "failure",
          output: "timeout: health rpc did not complete within 0.1s"
        })
        const at = yield* servers.closed
        const absent = yield* prober.grpc({ ...at, service: "" }, timeoutMs)
        assert.strictEqual(absent.result, "failure")
        assert.include(absent.output, `timeout: failed to connect service "${at.host}:${at.port}" within 2s: `)
      }))
  })

export const proberContract = (name: string, under: Layer.Layer<ProbeServers | Prober, unknown>) => {
  httpContract(under, name)
  socketContract(under, name)
}
