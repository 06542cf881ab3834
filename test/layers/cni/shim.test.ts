/** The shim plugin and the socket it comes to: real program, real socket. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Queue, Scope } from "effect"
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { shimProgram, shimSourceSha256 } from "../../../src/domain/cni/shimProgram.ts"
import { type ShimRequest, success } from "../../../src/domain/cni/shimRequest.ts"
import { ShimServer } from "../../../src/layers/cni/ShimServer.ts"
import * as ShimServerLive from "../../../src/layers/cni/ShimServerLive.ts"

const installed = (settings: { readonly waitMs: number; readonly quickMs: number }) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(join(tmpdir(), "kubeffect-shim-"))
      const socketPath = join(folder, "run/cni.sock")
      const program = join(folder, "kubeffect")
      const bytes = shimProgram(process.arch, { socketPath, ...settings })
      writeFileSync(program, bytes ?? "", { mode: 0o755 })
      return { folder, socketPath, program }
    }),
    ({ folder }) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )

const env = {
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/run/netns/x",
  CNI_IFNAME: "eth0",
  CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAME=web",
  CNI_PATH: "/opt/cni/bin",
  OTHER: "not sent"
}
const config = {
  cniVersion: "0.4.0",
  name: "n",
  type: "kubeffect",
  runtimeConfig: { portMappings: [{ hostPort: 80 }] }
}

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly ms: number
}

/** Runs the shim; interruption kills it, as runtimes do. */
const runShim = (program: string, more: Readonly<Record<string, string>> = {}, input = JSON.stringify(config)) =>
  Effect.callback<Ended>((resume) => {
    const begun = performance.now()
    const child = spawn(program, [], { env: { ...env, ...more }, stdio: ["pipe", "pipe", "inherit"] })
    let stdout = ""
    child.stdout.on("data", (part) => stdout += part)
    child.on("close", (code) => resume(Effect.succeed({ code, stdout, ms: performance.now() - begun })))
    child.stdin.end(input)
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

/** A server in a scope of its own, so that it can go away. */
const serving = (socketPath: string, handle: Parameters<ShimServer["Service"]["serve"]>[0]) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const { serve } = yield* ShimServer
    yield* Scope.provide(serve(handle) as Effect.Effect<void, unknown, Scope.Scope>, scope)
    return { stop: Scope.close(scope, yield* Effect.exit(Effect.void)) }
  }).pipe(Effect.provide(ShimServerLive.layer(socketPath), { local: true }))

describe("the shim plugin", () => {
  it("is made of the source beside it", () => {
    const source = readFileSync(join(import.meta.dirname, "../../../src/layers/cni/shim/shim.c"))
    assert.strictEqual(createHash("sha256").update(source).digest("hex"), shimSourceSha256)
  })

  it("has a program for each architecture, and none for a path that a socket cannot have", () => {
    const settings = { socketPath: "/run/x.sock", waitMs: 1, quickMs: 1 }
    for (const arch of ["x64", "amd64", "arm64", "aarch64"]) {
      assert.deepStrictEqual([...shimProgram(arch, settings)?.slice(0, 4) ?? []], [0x7f, 0x45, 0x4c, 0x46])
    }
    assert.isUndefined(shimProgram("riscv64", settings))
    assert.isUndefined(shimProgram("x64", { ...settings, socketPath: `/${"x".repeat(107)}` }))
  })

  it.live("hands over environment and configuration, and prints the answer", () =>
    Effect.gen(function*() {
      const { program, socketPath } = yield* installed({ waitMs: 5000, quickMs: 1000 })
      const seen = yield* Queue.unbounded<ShimRequest>()
      yield* serving(socketPath, (request) =>
        Effect.as(Queue.offer(seen, request), success({ ips: ["x".repeat(300_000)] })))
      const ended = yield* runShim(program)
      assert.strictEqual(ended.code, 0)
      assert.strictEqual(JSON.parse(ended.stdout).ips[0].length, 300_000)
      assert.deepStrictEqual(yield* Queue.take(seen), {
        verb: "ADD",
        attachment: {
          containerId: "c1",
          netns: "/run/netns/x",
          ifname: "eth0",
          args: [["IgnoreUnknown", "1"], ["K8S_POD_NAME", "web"]],
          capabilityArgs: { portMappings: [{ hostPort: 80 }] }
        },
        config,
        cniVersion: "0.4.0"
      })
      const large = yield* runShim(program, {}, JSON.stringify({ ...config, pad: "y".repeat(500_000) }))
      assert.strictEqual(large.code, 0)
    }).pipe(Effect.scoped))

  it.live("starts, asks and ends in less than 15 ms", () =>
    Effect.gen(function*() {
      const { program } = yield* installed({ waitMs: 0, quickMs: 0 })
      // Without an agent and without patience: what is left is the start and the end of a process.
      const times = Array.from({ length: 15 }, () => {
        const begun = performance.now()
        spawnSync(program, [], { env, input: "{}" })
        return performance.now() - begun
      }).sort((a, b) => a - b)
      assert.isBelow(times[7] ?? 0, 15)
    }).pipe(Effect.scoped))

  it.live("waits for an agent that is away", () =>
    Effect.gen(function*() {
      const { program, socketPath } = yield* installed({ waitMs: 10_000, quickMs: 1000 })
      const shim = yield* Effect.forkChild(runShim(program))
      yield* Effect.sleep(200)
      yield* serving(socketPath, () => Effect.succeed(success({ cniVersion: "0.4.0" })))
      assert.strictEqual((yield* Fiber.join(shim)).stdout, "{\"cniVersion\":\"0.4.0\"}")
    }).pipe(Effect.scoped))

  it.live("asks again when the agent went away over its request", () =>
    Effect.gen(function*() {
      const { program, socketPath } = yield* installed({ waitMs: 10_000, quickMs: 1000 })
      const asked = yield* Deferred.make<void>()
      const { stop } = yield* serving(
        socketPath,
        () => Effect.andThen(Deferred.succeed(asked, undefined), Effect.never)
      )
      const shim = yield* Effect.forkChild(runShim(program))
      yield* Deferred.await(asked)
      yield* stop
      yield* serving(socketPath, () => Effect.succeed({ exitCode: 7, output: "second" }))
      assert.deepInclude(yield* Fiber.join(shim), { code: 7, stdout: "second" })
    }).pipe(Effect.scoped))

  it.live("fails clearly at its deadline, which is shorter for STATUS", () =>
    Effect.gen(function*() {
      const { program, socketPath } = yield* installed({ waitMs: 400, quickMs: 60 })
      const away = yield* runShim(program)
      assert.strictEqual(away.code, 1)
      assert.isAbove(away.ms, 300)
      const error = JSON.parse(away.stdout)
      assert.deepInclude(error, { code: 11, msg: "kubeffect: the node agent is not running" })
      assert.include(error.details, socketPath)
      assert.isBelow((yield* runShim(program, { CNI_COMMAND: "STATUS" })).ms, 300)
      yield* serving(socketPath, () => Effect.never)
      const mute = yield* runShim(program)
      assert.strictEqual(JSON.parse(mute.stdout).msg, "kubeffect: the node agent did not answer")
    }).pipe(Effect.scoped))

  it.live("a shim that the runtime kills interrupts its request", () =>
    Effect.gen(function*() {
      const { program, socketPath } = yield* installed({ waitMs: 10_000, quickMs: 1000 })
      const asked = yield* Deferred.make<void>()
      const given = yield* Deferred.make<void>()
      yield* serving(socketPath, () =>
        Effect.andThen(Deferred.succeed(asked, undefined), Effect.never).pipe(
          Effect.onInterrupt(() => Deferred.succeed(given, undefined))
        ))
      const shim = yield* Effect.forkChild(runShim(program))
      yield* Deferred.await(asked)
      yield* Fiber.interrupt(shim)
      yield* Effect.timeout(Deferred.await(given), "5 seconds")
    }).pipe(Effect.scoped))
})
