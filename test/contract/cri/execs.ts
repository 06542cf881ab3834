/** The contract of running commands in containers. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import { type ContractTests, created, exited, sandbox, started } from "./scenario.ts"

export const execContract = (it: ContractTests) => {
  it.effect("exec: gives both outputs and the exit code, whatever it is", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const containerId = yield* started(yield* sandbox())
      const said = yield* cri.execSync({ containerId, cmd: ["sh", "-c", "echo out"], timeout: 10n })
      assert.strictEqual(Buffer.from(said.stdout).toString(), "out\n")
      assert.strictEqual(said.stderr.length, 0)
      assert.strictEqual(said.exitCode, 0)
      const failed = yield* cri.execSync({ containerId, cmd: ["sh", "-c", "exit 7"], timeout: 10n })
      assert.strictEqual(failed.exitCode, 7)
      const complained = yield* cri.execSync({ containerId, cmd: ["sh", "-c", "echo err >&2"], timeout: 10n })
      assert.strictEqual(Buffer.from(complained.stderr).toString(), "err\n")
    }))

  it.effect("exec: one that takes too long fails as Uncertain", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const containerId = yield* started(yield* sandbox())
      const error = yield* Effect.flip(cri.execSync({ containerId, cmd: ["sh", "-c", "sleep 30"], timeout: 1n }))
      assert.strictEqual(error.reason._tag, "Uncertain")
      assert.match(error.detail, /timeout 1s exceeded/)
    }))

  it.effect("exec: a missing program is a failure that names it", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const containerId = yield* started(yield* sandbox())
      const error = yield* Effect.flip(cri.execSync({ containerId, cmd: ["/no/such/program"], timeout: 10n }))
      assert.match(error.detail, /\/no\/such\/program/)
    }))

  it.effect("exec: only in a running container", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const inside = yield* sandbox()
      const waiting = yield* created(inside, { name: "waiting" })
      const ended = yield* started(inside, { name: "ended", script: "exit 0" })
      yield* exited(ended)
      const cmd = ["sh", "-c", "exit 0"]
      for (const containerId of [waiting, ended]) {
        assert.strictEqual((yield* Effect.flip(cri.execSync({ containerId, cmd, timeout: 5n }))).target, containerId)
      }
      const never = yield* Effect.flip(cri.execSync({ containerId: "never", cmd, timeout: 5n }))
      assert.strictEqual(never.reason._tag, "NotFound")
    }))

  it.effect("exec, attach and port-forward: give the URL of a stream", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const inside = yield* sandbox()
      const containerId = yield* started(inside)
      const urls = [
        (yield* cri.exec({ containerId, cmd: ["sh"], stdout: true })).url,
        (yield* cri.attach({ containerId, stdout: true })).url,
        (yield* cri.portForward({ podSandboxId: inside.id, port: [80] })).url
      ]
      for (const url of urls) assert.match(url, /^https?:\/\/[^/]+\/[a-z]+/)
      assert.strictEqual(new Set(urls).size, 3)
    }))
}
