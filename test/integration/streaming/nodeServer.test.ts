/** The node's server in front of a real containerd, spoken to as `kubectl` and the API server speak to it. */
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Schedule } from "effect"
import { createHash, randomBytes } from "node:crypto"
import * as http from "node:http"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import * as SpdyConnection from "../../../src/layers/spdy/SpdyConnection.ts"
import { image, sandbox, started, type TestSandbox } from "../../contract/cri/scenario.ts"
import { ask, model, pod, start, upgrade } from "../../layers/streaming/fixture.ts"
import { forward, readAll, readSome, readText, shell } from "../../layers/streaming/spdyClient.ts"
import { collect, connect, tunnel } from "../../layers/streaming/webSocketClient.ts"
import * as CriHost from "../cri/CriHost.ts"

/** A node with one pod `a`, whose container `c` is the one given. */
const nodeWith = Effect.fnUntraced(function*(
  inside: TestSandbox,
  containerId: string,
  ended: Effect.Effect<void> = Effect.never
) {
  const cri = yield* Cri
  const a = pod("a", {
    status: { containerStatuses: [{ name: "c", containerID: `x://${containerId}`, state: { running: {} } }] }
  })
  const ports = yield* start({
    model: model([a], {
      findContainer: () => Effect.succeed({ containerId, sandboxId: inside.id, podUid: "a-uid", state: "Running" }),
      findSandbox: () => Effect.succeed(inside.id),
      awaitContainerEnd: () => ended
    }),
    cri
  })
  return ports.main
})

const container = Effect.gen(function*() {
  const inside = yield* sandbox()
  const containerId = yield* started(inside)
  return { inside, containerId, port: yield* nodeWith(inside, containerId) }
})

const exec = (script: string, streams: string) =>
  `/exec/ns/a/c?command=sh&command=-c&command=${encodeURIComponent(script)}&${streams}`

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

const makeFile = "dd if=/dev/urandom of=/f bs=1M count=32 2>/dev/null"
/** The checksum of a file of 32 MiB, and 32 times the file. */
const writeGigabyte = "sha256sum /f | cut -c1-64; i=0; while [ $i -lt 32 ]; do cat /f; i=$((i+1)); done"
const sumLength = 65

/** Reads what `writeGigabyte` writes, as it comes. */
const readGigabyte = Effect.fnUntraced(function*(stream: SpdyConnection.SpdyStream, begun?: Buffer) {
  const first = begun ?? (yield* readSome(stream, sumLength))
  const want = first.subarray(0, 64).toString()
  const partBytes = 32 * 1024 * 1024
  let hash = createHash("sha256")
  let inPart = 0
  let parts = 0
  let rest: Uint8Array = first.subarray(sumLength)
  const before = process.memoryUsage().rss
  let peak = before
  while (true) {
    while (rest.length > 0) {
      const piece = rest.subarray(0, partBytes - inPart)
      hash.update(piece)
      inPart += piece.length
      rest = rest.subarray(piece.length)
      if (inPart === partBytes) {
        assert.strictEqual(hash.digest("hex"), want)
        hash = createHash("sha256")
        inPart = 0
        parts += 1
      }
    }
    peak = Math.max(peak, process.memoryUsage().rss)
    if (parts === 32) break
    const next = yield* stream.read
    if (Option.isNone(next)) break
    rest = next.value
  }
  assert.strictEqual(parts, 32)
  assert.isBelow(peak - before, 150 * 1024 * 1024)
})

layer(CriHost.layer, { excludeTestServices: true, timeout: "120 seconds" })("the node's server on containerd", (it) => {
  it.effect("O5: exec: streams apart, binary data whole, the exit code on the error stream", () =>
    Effect.gen(function*() {
      const { port } = yield* container
      const session = yield* shell(port, exec("sha256sum; echo oops >&2; exit 7", "input=1&output=1&error=1"), [
        "stdin",
        "stdout",
        "stderr"
      ])
      assert.strictEqual(session.protocol, "v4.channel.k8s.io")
      const data = randomBytes(5_000_000)
      const [stdout, stderr, error] = yield* Effect.all([
        readText(session.get("stdout")),
        readText(session.get("stderr")),
        readText(session.error),
        Effect.andThen(session.get("stdin").write(data), session.get("stdin").end)
      ], { concurrency: "unbounded" })
      assert.strictEqual(stdout, `${sha256(data)}  -\n`)
      assert.strictEqual(stderr, "oops\n")
      const status = JSON.parse(error) as { status: string; reason: string; details: { causes: unknown } }
      assert.strictEqual(status.reason, "NonZeroExitCode")
      assert.deepStrictEqual(status.details.causes, [{ reason: "ExitCode", message: "7" }])
    }))

  it.effect("O5: exec with a terminal follows its size", () =>
    Effect.gen(function*() {
      const { port } = yield* container
      const session = yield* shell(port, "/exec/ns/a/c?command=sh&input=1&output=1&tty=1", [
        "stdin",
        "stdout",
        "resize"
      ])
      yield* session.get("resize").write(Buffer.from(`{"Width":123,"Height":45}`))
      const stdin = session.get("stdin")
      let seen = ""
      // The size arrives on a stream of its own, in no order with what is typed.
      while (!seen.includes("45 123")) {
        yield* stdin.write(Buffer.from("stty size\n"))
        seen += (yield* readSome(session.get("stdout"), 1)).toString()
      }
      yield* stdin.write(Buffer.from("exit\n"))
      yield* readAll(session.get("stdout"))
      assert.include(yield* readText(session.error), `"status":"Success"`)
    }))

  it.effect("O5: attach joins the process that runs", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const inside = yield* sandbox()
      const { containerId } = yield* cri.createContainer({
        podSandboxId: inside.id,
        sandboxConfig: inside.config,
        config: {
          metadata: { name: "c" },
          image: { image },
          command: ["cat"],
          stdin: true,
          logPath: "c.log",
          linux: {}
        }
      })
      yield* cri.startContainer({ containerId })
      const port = yield* nodeWith(inside, containerId)
      const session = yield* shell(port, "/attach/ns/a/c?input=1&output=1", ["stdin", "stdout"])
      yield* session.get("stdin").write(Buffer.from("hello\n"))
      assert.strictEqual((yield* readSome(session.get("stdout"), 6)).toString(), "hello\n")
    }))

  it.effect("O5: port-forward: many connections at once, each with its own bytes", () =>
    Effect.gen(function*() {
      const inside = yield* sandbox()
      const containerId = yield* started(inside, { script: "exec nc -ll -p 8080 -e cat" })
      const port = yield* nodeWith(inside, containerId)
      const { socket } = yield* upgrade(port, "/portForward/ns/a", {
        "x-stream-protocol-version": "portforward.k8s.io"
      })
      const connection = yield* SpdyConnection.make(socket, "client")
      const one = (id: number) =>
        Effect.gen(function*() {
          const { data } = yield* forward(connection, 8080, id)
          const bytes = randomBytes(200_000)
          const [back] = yield* Effect.all([readAll(data), Effect.andThen(data.write(bytes), data.end)], {
            concurrency: "unbounded"
          })
          assert.strictEqual(sha256(back), sha256(bytes))
        })
      // Until the server in the container listens.
      let id = 100
      yield* Effect.gen(function*() {
        const { data } = yield* forward(connection, 8080, id++)
        yield* data.write(Buffer.from("up?"))
        return (yield* readSome(data, 3)).length
      }).pipe(Effect.repeat({ schedule: Schedule.spaced("50 millis"), until: (length) => length === 3 }))
      yield* Effect.forEach(Array.from({ length: 20 }, (_, id) => id + 1), one, { concurrency: "unbounded" })
    }))

  it.effect("O5: exec over the channels of a WebSocket, those the runtime knows and those it does not", () =>
    Effect.gen(function*() {
      const { port } = yield* container
      for (const protocol of ["v5.channel.k8s.io", "v4.channel.k8s.io"]) {
        const socket = yield* connect(port, exec("cat; echo oops >&2; exit 3", "input=1&output=1&error=1"), [protocol])
        assert.strictEqual(socket.protocol, protocol)
        const all = yield* Effect.forkChild(collect(socket), { startImmediately: true })
        const data = randomBytes(300_000)
        for (let at = 0; at < data.length; at += 30_000) {
          socket.send(Buffer.concat([Buffer.from([0]), data.subarray(at, at + 30_000)]))
        }
        // Before v5 nothing could say that the input has ended.
        if (protocol.startsWith("v5")) {
          socket.send(Buffer.from([255, 0]))
          const channels = yield* Fiber.join(all)
          assert.strictEqual(sha256(channels.get(1) ?? Buffer.alloc(0)), sha256(data))
          assert.strictEqual(channels.get(2)?.toString(), "oops\n")
          assert.include(channels.get(3)?.toString(), `"message":"3"`)
        } else {
          let have = 0
          yield* Effect.callback<void>((resume) => {
            socket.on("message", (message: Buffer) => {
              have += message[0] === 1 ? message.length - 1 : 0
              if (have === data.length) resume(Effect.void)
            })
          })
        }
      }
    }))

  it.effect("O5: port-forward through a WebSocket that carries SPDY", () =>
    Effect.gen(function*() {
      const inside = yield* sandbox()
      const containerId = yield* started(inside, { script: "exec nc -ll -p 8080 -e cat" })
      const port = yield* nodeWith(inside, containerId)
      const { bytes } = yield* tunnel(port, "/portForward/ns/a")
      const connection = yield* SpdyConnection.make(bytes, "client")
      let id = 0
      yield* Effect.gen(function*() {
        const { data } = yield* forward(connection, 8080, id++)
        yield* data.write(Buffer.from("up?"))
        return (yield* readSome(data, 3)).length
      }).pipe(Effect.repeat({ schedule: Schedule.spaced("50 millis"), until: (length) => length === 3 }))
    }))

  it.effect("O5: port-forward to a port where nobody listens is told on the error stream", () =>
    Effect.gen(function*() {
      const { port } = yield* container
      const { socket } = yield* upgrade(port, "/portForward/ns/a", {
        "x-stream-protocol-version": "portforward.k8s.io"
      })
      const connection = yield* SpdyConnection.make(socket, "client")
      const { error } = yield* forward(connection, 9, 0)
      assert.match(yield* readText(error), /refused|failed/)
    }))

  it.effect("fifty sessions at once", () =>
    Effect.gen(function*() {
      const { port } = yield* container
      yield* Effect.forEach(Array.from({ length: 50 }, (_, id) => id), (id) =>
        Effect.gen(function*() {
          const session = yield* shell(port, exec(`read x; echo ${id}-$x`, "input=1&output=1"), ["stdin", "stdout"])
          yield* session.get("stdin").write(Buffer.from("ok\n"))
          assert.strictEqual(yield* readText(session.get("stdout")), `${id}-ok\n`)
        }), { concurrency: "unbounded" })
    }), 60_000)

  it.effect("a client that vanishes leaves no connection behind, and the next is served", () =>
    Effect.gen(function*() {
      const { port } = yield* container
      for (let i = 0; i < 10; i++) {
        const session = yield* shell(port, exec("cat /dev/zero", "output=1"), ["stdout"])
        yield* readSome(session.get("stdout"), 100_000)
        session.socket.resetAndDestroy()
      }
      const session = yield* shell(port, exec("echo here", "output=1"), ["stdout"])
      assert.strictEqual(yield* readText(session.get("stdout")), "here\n")
    }))

  it.effect("O5: 1 GB through exec, checksummed, in flat memory", () =>
    Effect.gen(function*() {
      const { port } = yield* container
      const session = yield* shell(port, exec(`${makeFile}; ${writeGigabyte}`, "output=1"), ["stdout"])
      yield* readGigabyte(session.get("stdout"))
    }), 240_000)

  it.effect("O5: 1 GB through port-forward, checksummed, in flat memory", () =>
    Effect.gen(function*() {
      const inside = yield* sandbox()
      const containerId = yield* started(inside, {
        script: `${makeFile}; echo '${writeGigabyte}' > /serve; exec nc -ll -p 8080 -e sh /serve`
      })
      const port = yield* nodeWith(inside, containerId)
      const { socket } = yield* upgrade(port, "/portForward/ns/a", {
        "x-stream-protocol-version": "portforward.k8s.io"
      })
      const connection = yield* SpdyConnection.make(socket, "client")
      let id = 0
      // Until the server in the container listens.
      const first = yield* Effect.gen(function*() {
        const { data } = yield* forward(connection, 8080, id++)
        return { data, first: yield* readSome(data, sumLength) }
      }).pipe(
        Effect.repeat({ schedule: Schedule.spaced("100 millis"), until: ({ first }) => first.length >= sumLength })
      )
      yield* readGigabyte(first.data, first.first)
    }), 240_000)

  it.effect("O4: logs of a real container, followed over a rotation to its end", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const inside = yield* sandbox()
      const containerId = yield* started(inside, {
        script: "trap 'echo bye; exit 0' TERM; i=0; while true; do echo line $i; i=$((i+1)); sleep 0.1; done"
      })
      const end = yield* Deferred.make<void>()
      const port = yield* nodeWith(inside, containerId, Deferred.await(end))
      const { status } = yield* cri.containerStatus({ containerId })
      const path = status?.logPath ?? ""
      let text = ""
      const done = yield* Effect.callback<http.IncomingMessage>((resume) => {
        http.get({ host: "127.0.0.1", port, path: "/containerLogs/ns/a/c?follow=true", agent: false }, (response) => {
          response.setEncoding("utf8").on("data", (part: string) => text += part)
          resume(Effect.succeed(response))
        })
      })
      const until = (word: string) =>
        Effect.callback<void>((resume) => {
          const look = () => text.includes(word) ? resume(Effect.void) : undefined
          done.on("data", look)
          look()
        })
      yield* until("line 3\n")
      const { renameSync } = yield* Effect.promise(() => import("node:fs"))
      renameSync(path, `${path}.rotated`)
      yield* cri.reopenContainerLog({ containerId })
      yield* until("line 8\n")
      yield* cri.stopContainer({ containerId, timeout: 5n })
      yield* Deferred.succeed(end, undefined)
      yield* Effect.callback<void>((resume) => {
        done.once("end", () => resume(Effect.void))
        if (done.readableEnded) resume(Effect.void)
      })
      const count = text.match(/line/g)?.length ?? 0
      assert.strictEqual(text, Array.from({ length: count }, (_, i) => `line ${i}\n`).join("") + "bye\n")
    }), 60_000)

  it.effect("O5: run gives the output at once", () =>
    Effect.gen(function*() {
      const { port } = yield* container
      const reply = yield* ask(port, "/run/ns/a/c?cmd=echo%20hello", { method: "POST" })
      assert.deepStrictEqual([reply.status, reply.body], [200, "hello\n"])
    }))
})
