/** What only a real containerd shows: crashes of the daemon, what reaches a container, credentials. */
import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Fiber, Queue, Schedule, Stream } from "effect"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { CgroupDriver, ContainerState, Cri, MountPropagation } from "../../../src/layers/cri/Cri.ts"
import { type RuntimeEvent, RuntimeEvents } from "../../../src/layers/cri/RuntimeEvents.ts"
import { created, eventually, exited, image, sandbox, started, statusOf } from "../../contract/cri/scenario.ts"
import { TestContainerd } from "../../fixture/containerd/TestContainerd.ts"
import * as TestRegistry from "../../fixture/containerd/TestRegistry.ts"
import * as CriHost from "./CriHost.ts"

layer(CriHost.layer, { excludeTestServices: true, timeout: "120 seconds" })("Cri on containerd", (it) => {
  it.effect("A18: the cgroup driver is asked for; containerd before 2.0 does not say", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const { runtimeVersion } = yield* cri.version({})
      const driver = cri.runtimeConfig({}).pipe(
        Effect.map(({ linux }) => linux?.cgroupDriver),
        Effect.catchReason("CriError", "Unimplemented", (reason) => Effect.succeed(reason._tag))
      )
      const old = runtimeVersion.startsWith("1.")
      assert.strictEqual(yield* driver, old ? "Unimplemented" : CgroupDriver.CGROUPFS)
    }))

  it.effect("interrupting an exec ends its process in the container", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const containerId = yield* started(yield* sandbox())
      const processes = Effect.map(
        cri.execSync({ containerId, cmd: ["ps", "-o", "args"], timeout: 5n }),
        ({ stdout }) => Buffer.from(stdout).toString()
      )
      const call = yield* Effect.forkChild(cri.execSync({ containerId, cmd: ["sleep", "4321"] }))
      yield* eventually(processes, (text) => text.includes("sleep 4321"))
      yield* Fiber.interrupt(call)
      const left = yield* eventually(processes, (text) => !text.includes("sleep 4321"))
      assert.notInclude(left, "sleep 4321")
    }))

  it.effect("environment, working directory, mounts and user reach the process", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const { directory } = yield* TestContainerd
      const host = yield* CriHost.folder("mounted")
      yield* Effect.promise(async () => {
        await mkdir(join(directory, "mounted"), { recursive: true })
        await writeFile(join(host, "file"), "from the host")
      })
      const inside = yield* sandbox()
      const { containerId } = yield* cri.createContainer({
        podSandboxId: inside.id,
        sandboxConfig: inside.config,
        config: {
          metadata: { name: "main" },
          image: { image },
          command: ["sh", "-c"],
          args: ["sleep 100"],
          workingDir: "/data",
          envs: [{ key: "GREETING", value: Buffer.from("hello") }],
          mounts: [{
            hostPath: host,
            containerPath: "/data",
            readonly: true,
            propagation: MountPropagation.PROPAGATION_PRIVATE
          }],
          linux: { securityContext: { runAsUser: { value: 65534n }, runAsGroup: { value: 65534n } } }
        }
      })
      yield* cri.startContainer({ containerId })
      const script = "echo $GREETING $(pwd) $(cat file) $(id -u); touch file 2>/dev/null || echo read-only"
      const { stdout } = yield* cri.execSync({ containerId, cmd: ["sh", "-c", script], timeout: 5n })
      assert.strictEqual(Buffer.from(stdout).toString(), "hello /data from the host 65534\nread-only\n")
    }))

  it.effect("a sandbox ends on SIGTERM: stopping it does not take a grace period", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const { id } = yield* sandbox()
      const before = yield* Clock.currentTimeMillis
      yield* cri.stopPodSandbox({ podSandboxId: id })
      assert.isBelow((yield* Clock.currentTimeMillis) - before, 3000)
    }))

  it.effect("a daemon that is killed and started again has its containers running, and is found by itself", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const containerd = yield* TestContainerd
      const { events, source } = yield* RuntimeEvents
      const seen = yield* Queue.unbounded<RuntimeEvent>()
      yield* Effect.forkScoped(Stream.runForEach(events, (event) => Queue.offer(seen, event)))
      const unknown = Effect.repeat(Queue.take(seen), { until: ({ kind }) => kind === "Unknown" })
      yield* unknown
      const inside = yield* sandbox()
      const containerId = yield* started(inside)
      const short = yield* started(inside, { name: "short", script: "sleep 1; exit 9" })

      yield* containerd.kill
      yield* eventually(source, (current) => current === "none")
      // A call that the dying connection still took is Uncertain; those after it never leave.
      const error = yield* eventually(Effect.flip(cri.version({})), ({ reason }) => reason._tag === "Retryable")
      assert.strictEqual(error.reason._tag, "Retryable")
      yield* containerd.start
      const before = yield* Clock.currentTimeMillis
      yield* Effect.retry(cri.version({}), Schedule.spaced("20 millis").pipe(Schedule.upTo({ duration: "10 seconds" })))
      assert.isBelow((yield* Clock.currentTimeMillis) - before, 2000)

      assert.strictEqual((yield* statusOf(containerId)).state, ContainerState.CONTAINER_RUNNING)
      assert.strictEqual((yield* exited(short)).exitCode, 9)
      yield* Effect.timeout(unknown, "10 seconds")
      yield* cri.stopContainer({ containerId, timeout: 10n })
      yield* Effect.repeat(Queue.take(seen), {
        until: (event) => event.kind === "Stopped" && event.containerId === containerId
      }).pipe(Effect.timeout("10 seconds"))
    }))

  it.effect("N1: a registry with credentials refuses a pull without them", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const registry = yield* TestRegistry.make({ credentials: true })
      const spec = { image: yield* registry.push("private:1") }
      const refused = yield* Effect.flip(cri.pullImage({ image: spec }))
      assert.match(refused.detail, /authorization failed|401 Unauthorized/)
      const wrong = yield* Effect.flip(
        cri.pullImage({ image: spec, auth: { ...TestRegistry.user, password: "wrong" } })
      )
      assert.match(wrong.detail, /authorization failed|401 Unauthorized/)
      const { imageRef } = yield* cri.pullImage({ image: spec, auth: TestRegistry.user })
      yield* cri.removeImage({ image: { image: imageRef } })
    }))

  it.effect("one folder of logs holds each attempt of a container", () =>
    Effect.gen(function*() {
      const inside = yield* sandbox()
      const first = yield* statusOf(yield* created(inside, { attempt: 0 }))
      const second = yield* statusOf(yield* created(inside, { attempt: 1 }))
      assert.notStrictEqual(first.logPath, second.logPath)
    }))
})
