import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import * as fs from "node:fs"
import * as http from "node:http"
import * as os from "node:os"
import * as path from "node:path"
import { NotFound } from "../../../src/domain/failure.ts"
import { ContainerState, CriError, GrpcCode } from "../../../src/layers/cri/Cri.ts"
import { ask, model, pod, runningPod, start } from "./fixture.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "kubeffect-logs-"))),
  (dir) => Effect.sync(() => fs.rmSync(dir, { recursive: true }))
)

const line = (n: number, tag = "F", stream = "stdout") =>
  `2026-01-02T03:04:${String(n % 60).padStart(2, "0")}.123456789Z ${stream} ${tag} line ${n}\n`

/** A node with one running container whose log is the file given; `stop` ends it. */
const nodeWithLog = Effect.gen(function*() {
  const dir = yield* folder
  const file = path.join(dir, "0.log")
  fs.writeFileSync(file, "")
  const end = yield* Deferred.make<void>()
  let running = true
  const { main } = yield* start({
    model: model([runningPod("a")], { awaitContainerEnd: () => Deferred.await(end) }),
    cri: {
      containerStatus: ({ containerId }) =>
        containerId === "a-c"
          ? Effect.sync(() => ({
            $typeName: "runtime.v1.ContainerStatusResponse" as const,
            info: {},
            status: {
              logPath: file,
              state: running ? ContainerState.CONTAINER_RUNNING : ContainerState.CONTAINER_EXITED
            }
          } as never))
          : Effect.fail(
            new CriError({
              op: "ContainerStatus",
              target: "",
              reason: new NotFound(),
              code: GrpcCode.NotFound,
              detail: "",
              cause: ""
            })
          )
    }
  })
  const stop = Effect.suspend(() => {
    running = false
    return Deferred.succeed(end, undefined)
  })
  return { dir, file, main, stop }
})

/** Follows a log; `reads(n)` waits until n bytes have come. */
const follow = (port: number, query = "follow=true") =>
  Effect.acquireRelease(
    Effect.callback<Follower>((resume) => {
      const request = http.get({ host: "127.0.0.1", port, path: `/containerLogs/ns/a/c?${query}`, agent: false })
      request.on("error", () => {})
      request.on("response", (response) => resume(Effect.succeed(new Follower(request, response))))
    }),
    (follower) => Effect.sync(() => follower.request.destroy())
  )

class Follower {
  readonly request: http.ClientRequest
  readonly response: http.IncomingMessage
  text = ""
  hasEnded = false
  #wake = () => {}
  constructor(request: http.ClientRequest, response: http.IncomingMessage) {
    this.request = request
    this.response = response
    response.setEncoding("utf8")
    response.on("data", (part: string) => {
      this.text += part
      this.#wake()
    })
    response.on("end", () => {
      this.hasEnded = true
      this.#wake()
    })
  }
  until(condition: (text: string, hasEnded: boolean) => boolean): Effect.Effect<string> {
    return Effect.callback<string>((resume) => {
      this.#wake = () => {
        if (condition(this.text, this.hasEnded)) {
          resume(Effect.succeed(this.text))
        }
      }
      this.#wake()
    })
  }
}

describe("/containerLogs", () => {
  it.live.each([
    { query: "", want: "line 0\nline 1\nline 2\nline 3\n" },
    { query: "tailLines=2", want: "line 2\nline 3\n" },
    { query: "tailLines=0", want: "" },
    { query: "limitBytes=9", want: "line 0\nli" },
    { query: "tailLines=1&timestamps=true", want: "2026-01-02T03:04:03.123456789Z line 3\n" },
    { query: "sinceTime=2026-01-02T03:04:02Z", want: "line 2\nline 3\n" },
    { query: "sinceSeconds=60", want: "" }
  ])("O4: reads with $query", ({ query, want }) =>
    Effect.gen(function*() {
      const { file, main } = yield* nodeWithLog
      fs.writeFileSync(file, [0, 1, 2, 3].map((n) => line(n)).join(""))
      const reply = yield* ask(main, `/containerLogs/ns/a/c?${query}`)
      assert.deepStrictEqual([reply.status, reply.body], [200, want])
      assert.strictEqual(reply.headers["content-type"], "text/plain; charset=utf-8")
    }))

  it.live.each([
    { at: "ns/none/c", want: [404, `pod "none" does not exist`] },
    { at: "ns/a/none", want: [404, `container "none" not found in pod "a"`] },
    { at: "other/a/c", want: [404, `pod "a" does not exist`] },
    { at: "ns/w/c", want: [400, `container "c" in pod "w" is waiting to start: ContainerCreating`] },
    { at: "ns/gone/c", want: [400, "unable to retrieve container logs for fake://gone-c"] },
    { at: "ns/a/c?previous=true", want: [400, `previous terminated container "c" in pod "a" not found`] },
    { at: "ns/a/c?tailLines=-1", want: [422, `{"message": "Invalid request."}`] }
  ])("O4: $at is refused", ({ at, want }) =>
    Effect.gen(function*() {
      const waiting = pod("w", {
        status: { containerStatuses: [{ name: "c", state: { waiting: { reason: "ContainerCreating" } } }] }
      })
      const { main } = yield* start({
        model: model([runningPod("a"), waiting, runningPod("gone")]),
        cri: {
          containerStatus: () =>
            Effect.fail(
              new CriError({
                op: "",
                target: "",
                reason: new NotFound(),
                code: GrpcCode.NotFound,
                detail: "",
                cause: ""
              })
            )
        }
      })
      const reply = yield* ask(main, `/containerLogs/${at}`)
      assert.deepStrictEqual([reply.status, reply.body], want)
    }))

  it.live("O4: a log file that is not there is told by the answer", () =>
    Effect.gen(function*() {
      const { file, main } = yield* nodeWithLog
      fs.rmSync(file)
      const reply = yield* ask(main, "/containerLogs/ns/a/c")
      assert.strictEqual(reply.status, 400)
      assert.match(reply.body, /^failed to open log file ".*0\.log": /)
    }))

  it.live("O4: follows what is written, and ends with the container", () =>
    Effect.gen(function*() {
      const { file, main, stop } = yield* nodeWithLog
      fs.writeFileSync(file, line(1))
      const follower = yield* follow(main)
      yield* follower.until((text) => text === "line 1\n")
      fs.appendFileSync(file, line(2).slice(0, 20))
      fs.appendFileSync(file, line(2).slice(20))
      yield* follower.until((text) => text === "line 1\nline 2\n")
      fs.appendFileSync(file, line(3))
      yield* stop
      assert.strictEqual(yield* follower.until((_, ended) => ended), "line 1\nline 2\nline 3\n")
    }))

  it.live("O4: a follower of a silent container is connected at once", () =>
    Effect.gen(function*() {
      const { main } = yield* nodeWithLog
      const follower = yield* follow(main)
      assert.strictEqual(follower.response.statusCode, 200)
    }))

  it.live("O4: follows from the last lines", () =>
    Effect.gen(function*() {
      const { file, main } = yield* nodeWithLog
      fs.writeFileSync(file, [0, 1, 2, 3].map((n) => line(n)).join(""))
      const follower = yield* follow(main, "follow=true&tailLines=1")
      yield* follower.until((text) => text === "line 3\n")
      fs.appendFileSync(file, line(4))
      yield* follower.until((text) => text === "line 3\nline 4\n")
    }))

  it.live("O4, G6: follows over rotations, losing nothing", () =>
    Effect.gen(function*() {
      const { file, main } = yield* nodeWithLog
      const follower = yield* follow(main)
      let n = 0
      let want = ""
      const write = () => {
        fs.appendFileSync(file, line(n))
        want += `line ${n}\n`
        n += 1
      }
      for (let rotation = 0; rotation < 3; rotation++) {
        write()
        yield* follower.until((text) => text === want)
        // As the agent rotates: rename, and the runtime writes on into the old file until it has reopened.
        const old = fs.openSync(file, "a")
        fs.renameSync(file, `${file}.2026-${rotation}`)
        fs.writeSync(old, line(n))
        want += `line ${n}\n`
        n += 1
        fs.closeSync(old)
        write()
        yield* follower.until((text) => text === want)
      }
    }))

  it.live("O4: a file that is cut off is followed from its new beginning", () =>
    Effect.gen(function*() {
      const { file, main } = yield* nodeWithLog
      fs.writeFileSync(file, line(1) + line(2))
      const follower = yield* follow(main)
      yield* follower.until((text) => text === "line 1\nline 2\n")
      fs.truncateSync(file)
      fs.appendFileSync(file, line(3))
      yield* follower.until((text) => text === "line 1\nline 2\nline 3\n")
    }))

  it.live("O4: a follower that leaves is forgotten", () =>
    Effect.gen(function*() {
      const { file, main } = yield* nodeWithLog
      fs.writeFileSync(file, line(1))
      const follower = yield* follow(main)
      yield* follower.until((text) => text === "line 1\n")
      const watches = () =>
        fs.readdirSync("/proc/self/fd").filter((fd) => {
          try {
            return fs.readlinkSync(`/proc/self/fd/${fd}`) === file
          } catch {
            return false
          }
        }).length
      assert.strictEqual(watches(), 1)
      follower.request.destroy()
      while (watches() > 0) {
        yield* Effect.sleep(5)
      }
    }))

  it.live("O4: 10,000 lines a second reach four followers without falling behind", () =>
    Effect.gen(function*() {
      const { file, main } = yield* nodeWithLog
      const followers = yield* Effect.all([1, 2, 3, 4].map(() => follow(main)))
      const total = 20_000
      const started = Date.now()
      let written = 0
      // 100 lines every 10 ms, as a busy container writes.
      while (written < total) {
        let part = ""
        for (let i = 0; i < 100; i++) {
          part += line(written + i)
        }
        written += 100
        fs.appendFileSync(file, part)
        yield* Effect.sleep(Math.max(0, started + written / 10 - Date.now()))
      }
      const lastWritten = Date.now()
      for (const follower of followers) {
        const text = yield* follower.until((text) => text.endsWith(`line ${total - 1}\n`))
        assert.strictEqual(text.split("\n").length, total + 1)
      }
      assert.isBelow(Date.now() - lastWritten, 1000)
    }))
})
