import { NodeWS } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { NotFound } from "../../../../src/domain/failure.ts"
import { Cri, type CriCalls, CriError, GrpcCode } from "../../../../src/layers/cri/Cri.ts"
import * as CriStreams from "../../../../src/layers/cri/CriStreams.ts"
import * as SpdyConnection from "../../../../src/layers/spdy/SpdyConnection.ts"
import { model, pod, start, upgrade } from "../../streaming/fixture.ts"
import { forward, readAll, readSome, readText, shell } from "../../streaming/spdyClient.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

/** A runtime that can only run commands to their end: it says what it ran, and `exit N` ends with N. */
const runtime = {
  exec: () => Effect.succeed({ $typeName: "runtime.v1.ExecResponse", url: "http://nowhere.invalid/" }),
  attach: () => Effect.succeed({ $typeName: "runtime.v1.AttachResponse", url: "http://nowhere.invalid/" }),
  portForward: () => Effect.succeed({ $typeName: "runtime.v1.PortForwardResponse", url: "http://nowhere.invalid/" }),
  containerStatus: () =>
    Effect.fail(
      new CriError({ op: "", target: "", reason: new NotFound(), code: GrpcCode.NotFound, detail: "", cause: "" })
    ),
  execSync: ({ cmd = [] }) => {
    const code = /fail (\d+)/.exec(cmd.join(" "))?.[1]
    return Effect.succeed({
      $typeName: "runtime.v1.ExecSyncResponse",
      exitCode: Number(code ?? 0),
      stdout: bytes(`ran ${cmd.join("|")}\n`),
      stderr: bytes(code === undefined ? "" : "oops\n")
    })
  }
} satisfies Partial<CriCalls>

const node = Effect.gen(function*() {
  const context = yield* Layer.build(CriStreams.layer(() => Stream.never).pipe(Layer.provide(Layer.mock(Cri)(runtime))))
  const { main } = yield* start({ model: model([pod("a")]), cri: yield* Effect.provide(Cri, context) })
  return main
})

const exec = (query: string) => `/exec/ns/a/c?${query}`

describe("streams of a simulated runtime", () => {
  it.live("O5: exec: output, errors and the exit code, each on its stream", () =>
    Effect.gen(function*() {
      const session = yield* shell(yield* node, exec("command=fail&command=fail%203&output=1&error=1"), [
        "stdout",
        "stderr"
      ])
      const [stdout, stderr, error] = yield* Effect.all([
        readText(session.get("stdout")),
        readText(session.get("stderr")),
        readText(session.error)
      ], { concurrency: "unbounded" })
      assert.deepStrictEqual([stdout, stderr], ["ran fail|fail 3\n", "oops\n"])
      const { details, reason } = JSON.parse(error) as { reason: string; details: { causes: unknown } }
      assert.strictEqual(reason, "NonZeroExitCode")
      assert.deepStrictEqual(details.causes, [{ reason: "ExitCode", message: "3" }])
    }))

  it.live("O5: a shell at a terminal echoes, edits and prompts", () =>
    Effect.gen(function*() {
      const session = yield* shell(yield* node, exec("command=sh&input=1&output=1&tty=1"), [
        "stdin",
        "stdout",
        "resize"
      ])
      yield* session.get("resize").write(bytes(`{"Width":80,"Height":24}`))
      const stdin = session.get("stdin")
      for (const typed of ["lx", "\x7fs\r", "junk\x03", "exit 4\r"]) {
        yield* stdin.write(bytes(typed))
      }
      assert.strictEqual(
        yield* readText(session.get("stdout")),
        "/ # lx\b \bs\r\nran sh|-c|ls\r\n/ # junk^C\r\n/ # exit 4\r\n"
      )
      assert.include(yield* readText(session.error), `"message":"4"`)
    }))

  it.live("O5: a shell takes its script from stdin", () =>
    Effect.gen(function*() {
      const session = yield* shell(yield* node, exec("command=sh&input=1&output=1"), ["stdin", "stdout"])
      yield* session.get("stdin").write(bytes("one\ntw"))
      yield* session.get("stdin").write(bytes("o\nfail 5"))
      yield* session.get("stdin").end
      assert.strictEqual(
        yield* readText(session.get("stdout")),
        "ran sh|-c|one\nran sh|-c|two\nran sh|-c|fail 5\n"
      )
      assert.include(yield* readText(session.error), `"message":"5"`)
    }))

  it.live("O5: cat gives back what it gets", () =>
    Effect.gen(function*() {
      const session = yield* shell(yield* node, exec("command=cat&input=1&output=1"), ["stdin", "stdout"])
      yield* session.get("stdin").write(bytes("hello"))
      assert.strictEqual((yield* readSome(session.get("stdout"), 5)).toString(), "hello")
      yield* session.get("stdin").end
      assert.include(yield* readText(session.error), `"Success"`)
    }))

  it.live.each(["v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io"])(
    "O5: exec over %s",
    (protocol) =>
      Effect.gen(function*() {
        const port = yield* node
        const channels = yield* Effect.callback<ReadonlyArray<string>, Error>((resume) => {
          const out: Array<string> = []
          const socket = new NodeWS.WebSocket(`ws://127.0.0.1:${port}${exec("command=ls&output=1")}`, [protocol])
          socket.on("message", (data: Buffer) => {
            const isText = protocol.includes("base64")
            const channel = isText ? Number(String(data.subarray(0, 1))) : data[0] ?? 0
            const rest = isText ? Buffer.from(String(data.subarray(1)), "base64") : data.subarray(1)
            out[channel] = (out[channel] ?? "") + rest.toString()
          })
          socket.on("close", () => resume(Effect.succeed(out)))
          socket.on("error", (error) => resume(Effect.fail(error)))
        })
        assert.strictEqual(channels[1], "ran ls\n")
        assert.include(channels[3], "Success")
      })
  )

  it.live("O5: port-forward reaches a web server, and an echo for everything else", () =>
    Effect.gen(function*() {
      const { socket } = yield* upgrade(yield* node, "/portForward/ns/a", {
        "x-stream-protocol-version": "portforward.k8s.io"
      })
      const connection = yield* SpdyConnection.make(socket, "client")
      const web = yield* forward(connection, 80, 1)
      yield* web.data.write(bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
      assert.include((yield* readAll(web.data)).toString(), "This is port 80 of a simulated container.")
      const other = yield* forward(connection, 6379, 2)
      yield* other.data.write(bytes("PING"))
      assert.strictEqual((yield* readSome(other.data, 4)).toString(), "PING")
    }))

  it.live("a URL is good for one stream", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(
        CriStreams.layer(() => Stream.never).pipe(Layer.provide(Layer.mock(Cri)(runtime)))
      )
      const cri = yield* Effect.provide(Cri, context)
      const { url } = yield* cri.exec({ containerId: "c", cmd: ["ls"], stdout: true })
      const { pathname, port } = new URL(url)
      yield* upgrade(Number(port), pathname)
      assert.strictEqual((yield* Effect.flip(upgrade(Number(port), pathname))).status, 404)
      assert.strictEqual((yield* Effect.flip(upgrade(Number(port), "/exec/guess"))).status, 404)
    }))
})
