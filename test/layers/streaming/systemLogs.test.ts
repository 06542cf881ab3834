import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { ask, model, pod, runningPod, start } from "./fixture.ts"

const node = Effect.gen(function*() {
  const dir = yield* Effect.acquireRelease(
    Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "kubeffect-varlog-"))),
    (dir) => Effect.sync(() => fs.rmSync(dir, { recursive: true }))
  )
  const root = path.join(dir, "log")
  fs.mkdirSync(path.join(root, "pods/a b"), { recursive: true })
  fs.mkdirSync(path.join(root, "containers"))
  fs.writeFileSync(path.join(dir, "secret"), "secret")
  fs.writeFileSync(path.join(root, "syslog"), "x".repeat(200_000))
  fs.writeFileSync(path.join(root, "pods/a b/0.log"), "hello\n")
  fs.writeFileSync(path.join(root, "<b>"), "")
  fs.symlinkSync("../pods/a b/0.log", path.join(root, "containers/a.log"))
  fs.symlinkSync("../secret", path.join(root, "escape"))
  fs.symlinkSync("/etc", path.join(root, "etc"))
  fs.symlinkSync("loop", path.join(root, "loop"))
  const { main } = yield* start({ model: model([]), options: { systemLogs: root } })
  return main
})

describe("/logs/", () => {
  it.live("O8: serves files and lists directories", () =>
    Effect.gen(function*() {
      const port = yield* node
      const file = yield* ask(port, "/logs/pods/a%20b/0.log")
      assert.deepStrictEqual([file.status, file.body], [200, "hello\n"])
      assert.strictEqual(file.headers["content-type"], "text/plain; charset=utf-8")
      assert.strictEqual((yield* ask(port, "/logs/syslog")).body.length, 200_000)
      const list = yield* ask(port, "/logs/")
      assert.include(list.body, "<a href=\"%3Cb%3E\">&lt;b&gt;</a>")
      assert.deepInclude([list.headers["content-type"]], "text/html; charset=utf-8")
      assert.strictEqual((yield* ask(port, "/logs/pods")).headers.location, "pods/")
    }))

  it.live("O8: follows links that stay inside, as /var/log/containers is made of", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* ask(yield* node, "/logs/containers/a.log")).body, "hello\n")
    }))

  it.live("O8: nothing outside can be had, by link or by path", () =>
    Effect.gen(function*() {
      const port = yield* node
      const paths = [
        "escape",
        "etc/passwd",
        "etc/",
        "loop",
        "none",
        "../secret",
        "..%2fsecret",
        "%2e%2e/secret",
        "pods/../../secret",
        "....//secret",
        "..\\secret",
        "/etc/passwd",
        "%00",
        "a%0d%0aX: y"
      ]
      for (const name of paths) {
        const { body, status } = yield* ask(port, `/logs/${name.replaceAll(" ", "%20")}`)
        assert.include([301, 400, 404, 500], status, name)
        assert.notInclude(body, "secret", name)
        assert.notInclude(body, "root:", name)
      }
    }))
})

describe("/checkpoint", () => {
  const asked: Array<string> = []
  const begin = start({
    model: model([runningPod("a")]),
    options: { checkpoints: "/tmp/kubeffect-checkpoints" },
    cri: {
      checkpointContainer: ({ containerId, location, timeout }) =>
        Effect.sync(() => {
          asked.push(`${containerId} ${location} ${timeout}`)
          return { $typeName: "runtime.v1.CheckpointContainerResponse" }
        })
    }
  })

  it.live("O9: asks the runtime for a file whose name says what and when", () =>
    Effect.gen(function*() {
      const { main } = yield* begin
      const { body, status } = yield* ask(main, "/checkpoint/ns/a/c?timeout=5", { method: "POST" })
      assert.strictEqual(status, 200)
      const [location] = (JSON.parse(body) as { items: [string] }).items
      assert.match(location, /^\/tmp\/kubeffect-checkpoints\/checkpoint-a_ns-c-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\.tar$/)
      assert.deepStrictEqual(asked, [`a-c ${location} 5`])
    }))

  it.live.each([
    { at: "ns/none/c", want: [404, "pod does not exist"] },
    { at: "ns/a/none", want: [404, "container none does not exist"] },
    { at: "ns/a/c?timeout=soon", want: [404, "cannot parse value of timeout parameter"] }
  ])("O9: $at is refused", ({ at, want }) =>
    Effect.gen(function*() {
      const { main } = yield* begin
      const { body, status } = yield* ask(main, `/checkpoint/${at}`, { method: "POST" })
      assert.deepStrictEqual([status, body], want)
    }))
})

describe("/statusz and /flagz", () => {
  it.live("O1: say what runs, and how it was started", () =>
    Effect.gen(function*() {
      const zpages = { version: "1.2.3", flags: { v: "2", config: "/etc/k" } }
      const { main } = yield* start({ model: model([pod("a")]), options: { zpages } })
      assert.include((yield* ask(main, "/statusz")).body, "Binary version: 1.2.3")
      assert.include((yield* ask(main, "/flagz")).body, "config=/etc/k\nv=2\n")
    }))
})
