/** What the contract does not ask of a real runtime: scripts, virtual time, restarts of the agent, inspection. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Layer, Queue, Random, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { NamespaceMode } from "../../../../src/gen/cri/api_pb.ts"
import { ContainerState, Cri, GrpcCode, PodSandboxState } from "../../../../src/layers/cri/Cri.ts"
import * as CriSim from "../../../../src/layers/cri/CriSim.ts"
import { type RuntimeEvent, RuntimeEvents } from "../../../../src/layers/cri/RuntimeEvents.ts"
import { HostFiles } from "../../../../src/layers/host/HostFiles.ts"
import * as HostFilesMemory from "../../../../src/layers/host/HostFilesMemory.ts"

const image = "docker.io/library/busybox:1.29"

const node = (options: Partial<CriSim.SimOptions> = {}) => {
  const host = new HostFilesMemory.MemoryHost()
  const runtime = CriSim.make({ images: [image], ...options })
  const layer = CriSim.layer(runtime).pipe(Layer.provideMerge(HostFilesMemory.layer(host)))
  return { host, runtime, layer }
}

/** Lets virtual time pass in small steps, so that fibers get their turn. */
const pass = (ms: number) => Effect.repeat(TestClock.adjust(Math.max(1, ms / 20)), { times: 19 })

/** A call, and the time it takes. */
const done = <A, E, R>(call: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(call, { startImmediately: true })
    for (let steps = 0; fiber.pollUnsafe() === undefined && steps < 5000; steps += 1) yield* TestClock.adjust(10)
    return yield* Fiber.join(fiber)
  })

const config = (name: string, uid = name) => ({
  metadata: { name, namespace: "ns", uid, attempt: 0 },
  logDirectory: "/logs",
  labels: { "io.kubernetes.pod.uid": uid },
  annotations: { role: name },
  linux: { securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER } } }
})

const sandbox = (name = "pod") =>
  Effect.gen(function*() {
    return (yield* done((yield* Cri).runPodSandbox({ config: config(name) }))).podSandboxId
  })

interface ContainerOptions {
  readonly name?: string
  readonly command?: ReadonlyArray<string>
  readonly memoryLimitInBytes?: bigint
  readonly mounts?: ReadonlyArray<{ readonly containerPath: string; readonly hostPath: string }>
}

const container = Effect.fnUntraced(function*(podSandboxId: string, options: ContainerOptions = {}) {
  const cri = yield* Cri
  const { command = [], memoryLimitInBytes = 0n, mounts = [], name = "main" } = options
  const { containerId } = yield* done(cri.createContainer({
    podSandboxId,
    config: {
      metadata: { name, attempt: 0 },
      image: { image, userSpecifiedImage: "busybox:1.29" },
      command: [...command],
      mounts: [...mounts],
      logPath: `${name}.log`,
      linux: {
        resources: { memoryLimitInBytes },
        securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER } }
      }
    }
  }))
  yield* done(cri.startContainer({ containerId }))
  return containerId
})

const states = new Map<number, string>([
  [ContainerState.CONTAINER_CREATED, "CREATED"],
  [ContainerState.CONTAINER_RUNNING, "RUNNING"],
  [ContainerState.CONTAINER_EXITED, "EXITED"]
])

const status = Effect.fnUntraced(function*(containerId: string) {
  const { status } = yield* (yield* Cri).containerStatus({ containerId })
  assert(status !== undefined)
  return {
    state: states.get(status.state),
    exitCode: status.exitCode,
    reason: status.reason,
    ranMs: Number(status.finishedAt - status.startedAt) / 1e6
  }
})

const logs = (name = "main") =>
  Effect.gen(function*() {
    const text = yield* (yield* HostFiles).readText(`/logs/${name}.log`)
    return text.trimEnd().split("\n").map((line) => line.split(" ").slice(1).join(" "))
  })

const prepare = Effect.gen(function*() {
  yield* TestClock.setTime(Date.parse("2026-01-01T00:00:00Z"))
  yield* (yield* HostFiles).makeDirectory("/logs", { recursive: true })
})

const on = <A, E>(
  options: Partial<CriSim.SimOptions>,
  body: (world: ReturnType<typeof node>) => Effect.Effect<A, E, Cri | RuntimeEvents | HostFiles | Scope.Scope>
) =>
  Effect.suspend(() => {
    const world = node(options)
    return Effect.andThen(prepare, body(world)).pipe(Effect.provide(world.layer), Effect.scoped)
  })

const script = (workload: ReturnType<CriSim.SimOptions["workloads"]>) => ({ workloads: () => workload })

describe("CriSim: scripts", () => {
  it.effect("a script says when it ends, how, and what it prints until then", () =>
    on(
      script({
        runMs: 60_000,
        exitCode: 4,
        terminationMessage: "because",
        output: [{ atMs: 0, text: "up" }, { atMs: 30_000, text: "warn", stream: "stderr" }, {
          atMs: 90_000,
          text: "no"
        }]
      }),
      () =>
        Effect.gen(function*() {
          const mounts = [{ containerPath: "/dev/termination-log", hostPath: "/message" }]
          const id = yield* container(yield* sandbox(), { mounts })
          assert.deepStrictEqual(yield* logs(), ["stdout F up"])
          yield* pass(45_000)
          assert.deepStrictEqual(yield* logs(), ["stdout F up", "stderr F warn"])
          assert.strictEqual((yield* status(id)).state, "RUNNING")
          yield* pass(45_000)
          assert.deepStrictEqual(yield* status(id), { state: "EXITED", exitCode: 4, reason: "Error", ranMs: 60_000 })
          assert.deepStrictEqual(yield* logs(), ["stdout F up", "stderr F warn"])
          assert.strictEqual(yield* (yield* HostFiles).readText("/message"), "because")
        })
    ))

  it.effect("workloads are chosen by pod, container, attempt and image", () => {
    const asked: Array<unknown> = []
    const workloads: CriSim.SimOptions["workloads"] = (workload) => {
      asked.push(workload)
      return undefined
    }
    return on({ workloads }, () =>
      Effect.gen(function*() {
        yield* container(yield* sandbox("web"), { name: "app", command: ["sleep", "1"] })
        assert.deepStrictEqual(asked, [{
          image: "busybox:1.29",
          podName: "web",
          podNamespace: "ns",
          podAnnotations: { role: "web" },
          containerName: "app",
          attempt: 0,
          command: ["sleep", "1"]
        }])
      }))
  })

  it.effect("a script may refuse to start, or take its time", () =>
    on(
      script({ startError: `exec: "x": executable file not found in $PATH`, startDelayMs: 3000 }),
      () =>
        Effect.gen(function*() {
          const before = yield* Clock.currentTimeMillis
          const error = yield* Effect.flip(container(yield* sandbox()))
          assert.include(
            error.detail,
            `unable to start container process: exec: "x": executable file not found in $PATH`
          )
          assert.isAtLeast((yield* Clock.currentTimeMillis) - before, 3000)
        })
    ))

  it.effect("a script answers commands; hanging ones meet their deadline", () =>
    on(
      script({
        exec: ([command], { ageMs }) =>
          command === "check"
            ? { exitCode: ageMs > 10_000 ? 0 : 1, stdout: "checked" }
            : command === "hang"
            ? { tookMs: Infinity }
            : undefined
      }),
      () =>
        Effect.gen(function*() {
          const cri = yield* Cri
          const containerId = yield* container(yield* sandbox())
          const check = done(cri.execSync({ containerId, cmd: ["check"], timeout: 1n }))
          assert.strictEqual((yield* check).exitCode, 1)
          yield* pass(10_000)
          assert.strictEqual((yield* check).exitCode, 0)
          const hung = yield* Effect.flip(done(cri.execSync({ containerId, cmd: ["hang"], timeout: 2n })))
          assert.strictEqual(hung.reason._tag, "Uncertain")
          const other = yield* done(cri.execSync({ containerId, cmd: ["sh", "-c", "exit 6"], timeout: 1n }))
          assert.strictEqual(other.exitCode, 6)
        })
    ))

  it.effect("H4: a script answers on the network of its sandbox, while it runs", () =>
    on(
      {
        workloads: ({ containerName }) =>
          containerName === "web"
            ? { network: ({ port }, { ageMs }) => ({ listening: port === 80, status: ageMs > 5000 ? 200 : 503 }) }
            : undefined
      },
      ({ runtime }) =>
        Effect.gen(function*() {
          const cri = yield* Cri
          const podSandboxId = yield* sandbox()
          const ip = (yield* cri.podSandboxStatus({ podSandboxId })).status?.network?.ip ?? ""
          const ask = (port: number, host = ip) =>
            Effect.map(Clock.currentTimeMillis, (now) => runtime.network(host, { kind: "tcp", port })(now))
          assert.deepStrictEqual(yield* ask(80), { listening: false })
          const containerId = yield* container(podSandboxId, { name: "web" })
          assert.deepStrictEqual(yield* ask(80), { listening: true, status: 503 })
          yield* pass(6000)
          assert.deepStrictEqual(yield* ask(80), { listening: true, status: 200 })
          assert.deepStrictEqual(yield* ask(81), { listening: false })
          yield* container(podSandboxId, { name: "any", command: ["/usr/bin/some-server"] })
          assert.deepStrictEqual(yield* ask(81), { listening: true }, "a server that nobody described")
          yield* done(cri.stopContainer({ containerId, timeout: 30n }))
          assert.deepStrictEqual(yield* ask(80), { listening: true })
          assert.strictEqual(yield* ask(80, "10.9.9.9"), undefined)
          yield* done(cri.stopPodSandbox({ podSandboxId }))
          assert.strictEqual(yield* ask(80), undefined)
        })
    ))

  it.effect("files that a process makes are there for its probes", () =>
    on({}, () =>
      Effect.gen(function*() {
        const cri = yield* Cri
        const command = ["sh", "-c", "touch /tmp/healthy; sleep 30; rm -f /tmp/healthy; sleep 600"]
        const containerId = yield* container(yield* sandbox(), { command })
        const probe = Effect.map(
          done(cri.execSync({ containerId, cmd: ["cat", "/tmp/healthy"], timeout: 1n })),
          ({ exitCode }) => exitCode
        )
        assert.strictEqual(yield* probe, 0)
        yield* pass(31_000)
        assert.strictEqual(yield* probe, 1)
      })))
})

describe("CriSim: memory", () => {
  const mebibyte = 2n ** 20n

  it.effect("D9: a process that takes more than its limit is killed for it", () =>
    on({}, () =>
      Effect.gen(function*() {
        const id = yield* container(yield* sandbox(), {
          command: ["sh", "-c", "tail /dev/zero"],
          memoryLimitInBytes: 24n * mebibyte
        })
        yield* pass(1000)
        const { exitCode, reason, state } = yield* status(id)
        assert.deepStrictEqual({ exitCode, reason, state }, { exitCode: 137, reason: "OOMKilled", state: "EXITED" })
      })))

  it.effect("growth shows in the figures, and a raised limit gives it more time", () =>
    on(script({ memoryBytes: 10 * 2 ** 20, memoryGrowthBytes: 2 ** 20 }), () =>
      Effect.gen(function*() {
        const cri = yield* Cri
        const containerId = yield* container(yield* sandbox(), { memoryLimitInBytes: 40n * mebibyte })
        yield* pass(20_000)
        const { stats } = yield* cri.containerStats({ containerId })
        const mib = Number(stats?.memory?.workingSetBytes?.value) / 2 ** 20
        assert.isTrue(mib >= 29 && mib <= 31, `${mib} MiB`)
        yield* done(cri.updateContainerResources({ containerId, linux: { memoryLimitInBytes: 100n * mebibyte } }))
        yield* pass(30_000)
        assert.strictEqual((yield* status(containerId)).state, "RUNNING")
        yield* pass(60_000)
        assert.strictEqual((yield* status(containerId)).reason, "OOMKilled")
      })))
})

describe("CriSim: time and restarts", () => {
  it.effect("outlives the agent: what was due happens at its own time, while nobody looks", () =>
    Effect.gen(function*() {
      const world = node()
      const run = <A, E>(body: Effect.Effect<A, E, Cri | RuntimeEvents | HostFiles>) =>
        Effect.provide(body, world.layer, { local: true })
      const ids = yield* run(Effect.gen(function*() {
        yield* prepare
        const podSandboxId = yield* sandbox()
        return {
          ended: yield* container(podSandboxId, {
            name: "ended",
            command: ["sh", "-c", "sleep 60; echo over; exit 3"]
          }),
          running: yield* container(podSandboxId, { name: "running" })
        }
      }))
      yield* TestClock.adjust(3_600_000)
      yield* run(Effect.gen(function*() {
        assert.deepStrictEqual(yield* status(ids.ended), {
          state: "EXITED",
          exitCode: 3,
          reason: "Error",
          ranMs: 60_000
        })
        assert.strictEqual((yield* status(ids.running)).state, "RUNNING")
        assert.deepStrictEqual(yield* logs("ended"), ["stdout F over"])
      }))
    }))

  it.effect("events come at the moment they tell of, to every subscriber", () =>
    on({}, () =>
      Effect.gen(function*() {
        const { events, source } = yield* RuntimeEvents
        assert.strictEqual(yield* source, "none")
        const seen: Array<Queue.Queue<RuntimeEvent>> = []
        for (let i = 0; i < 2; i += 1) {
          const queue = yield* Queue.unbounded<RuntimeEvent>()
          seen.push(queue)
          yield* Effect.forkScoped(Stream.runForEach(events, (event) => Queue.offer(queue, event)), {
            startImmediately: true
          })
        }
        const id = yield* container(yield* sandbox(), { command: ["sh", "-c", "sleep 5; exit 3"] })
        yield* pass(10_000)
        const { startedAt } = (yield* (yield* Cri).containerStatus({ containerId: id })).status ?? {}
        for (const queue of seen) {
          const all = yield* Queue.takeAll(queue)
          assert.deepStrictEqual(all.map(({ kind }) => kind), [
            "Unknown",
            "Created",
            "Started",
            "Created",
            "Started",
            "Stopped"
          ])
          const last = all.at(-1)
          assert.deepInclude(last, { containerId: id, podUid: "pod", exitCode: 3 })
          assert.strictEqual(last?.occurredAtMs, Number((startedAt ?? 0n) / 1_000_000n) + 5000)
        }
      })))

  it.effect("a stop that is interrupted has sent its signal, and kills nobody", () =>
    on({}, () =>
      Effect.gen(function*() {
        const cri = yield* Cri
        const containerId = yield* container(yield* sandbox(), { command: ["sleep", "infinity"] })
        const stop = yield* Effect.forkChild(cri.stopContainer({ containerId, timeout: 30n }), {
          startImmediately: true
        })
        yield* pass(5000)
        yield* Fiber.interrupt(stop)
        yield* pass(60_000)
        assert.strictEqual((yield* status(containerId)).state, "RUNNING")
        yield* done(cri.stopContainer({ containerId, timeout: 10n }))
        assert.deepInclude(yield* status(containerId), { state: "EXITED", exitCode: 137 })
      })))

  it.effect("an interrupted creation leaves no name behind", () =>
    on({}, () =>
      Effect.gen(function*() {
        const cri = yield* Cri
        const call = yield* Effect.forkChild(cri.runPodSandbox({ config: config("pod") }), { startImmediately: true })
        yield* TestClock.adjust(10)
        const taken = yield* Effect.flip(cri.runPodSandbox({ config: config("pod") }))
        assert.match(taken.detail, /^failed to reserve sandbox name "pod_ns_pod_0"/)
        yield* Fiber.interrupt(call)
        yield* sandbox()
        assert.strictEqual((yield* cri.listPodSandbox({})).items.length, 1)
      })))

  it.effect("a reboot leaves everything listed and nothing running", () =>
    on({}, ({ runtime }) =>
      Effect.gen(function*() {
        const cri = yield* Cri
        const id = yield* container(yield* sandbox())
        runtime.reboot(yield* Clock.currentTimeMillis)
        assert.deepInclude(yield* status(id), { state: "EXITED", exitCode: 255, reason: "Unknown" })
        assert.deepStrictEqual((yield* cri.listPodSandbox({})).items.map(({ state }) => state), [
          PodSandboxState.SANDBOX_NOTREADY
        ])
      })))

  it.effect("the same calls and dice give the same ids, addresses and times", () => {
    const once = on({}, () =>
      Effect.gen(function*() {
        const id = yield* container(yield* sandbox())
        const { items } = yield* (yield* Cri).listPodSandbox({})
        return JSON.stringify([id, items, yield* status(id)], (_, value) =>
          typeof value === "bigint" ? `${value}` : value)
      }))
    return Effect.gen(function*() {
      const seeded = Random.withSeed(once, "dice").pipe(Effect.provide(TestClock.layer(), { local: true }))
      assert.strictEqual(yield* seeded, yield* seeded)
    })
  })

  it.effect("ten thousand idle containers wake nobody up", () =>
    on({ latencies: instant }, ({ runtime }) =>
      Effect.gen(function*() {
        const cri = yield* Cri
        const { podSandboxId } = yield* cri.runPodSandbox({ config: config("pod") })
        for (let i = 0; i < 10_000; i += 1) {
          const { containerId } = yield* cri.createContainer({
            podSandboxId,
            config: {
              metadata: { name: `c${i}` },
              image: { image },
              command: ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.2; done"]
            }
          })
          yield* cri.startContainer({ containerId })
        }
        assert.strictEqual(runtime.nextAt, undefined)
      })))
})

const instant: CriSim.SimOptions["latencies"] = {
  ...CriSim.containerdLatencies,
  runPodSandbox: [0, 0],
  createContainer: [0, 0],
  startContainer: [0, 0]
}

describe("CriSim: node", () => {
  it.effect("addresses come from the range, differ, go back with the sandbox, and run out", () =>
    on({ podCidrs: ["10.1.2.0/30", "fd00:1::/64"] }, () =>
      Effect.gen(function*() {
        const cri = yield* Cri
        const id = yield* sandbox("a")
        const { status } = yield* cri.podSandboxStatus({ podSandboxId: id })
        assert.strictEqual(status?.network?.ip, "10.1.2.2")
        assert.deepStrictEqual(status?.network?.additionalIps.map(({ ip }) => ip), ["fd00:1::2"])
        const error = yield* Effect.flip(sandbox("b"))
        assert.include(error.detail, "no IP addresses available in range set: 10.1.2.0/30")
        yield* done(cri.stopPodSandbox({ podSandboxId: id }))
        yield* sandbox("b")
      })))

  it.effect("on the host's network there is no address", () =>
    on({}, () =>
      Effect.gen(function*() {
        const cri = yield* Cri
        const linux = { securityContext: { namespaceOptions: { network: NamespaceMode.NODE } } }
        const { podSandboxId } = yield* done(cri.runPodSandbox({ config: { ...config("host"), linux } }))
        assert.strictEqual((yield* cri.podSandboxStatus({ podSandboxId })).status?.network?.ip, "")
      })))

  it.effect("conditions can be taken away", () =>
    on({}, ({ runtime }) =>
      Effect.gen(function*() {
        runtime.conditions.network = "cni plugin not initialized"
        const { status } = yield* (yield* Cri).status({})
        const network = status?.conditions.find(({ type }) => type === "NetworkReady")
        assert.deepInclude(network, {
          status: false,
          reason: "NetworkPluginNotReady",
          message: "cni plugin not initialized"
        })
      })))

  it.effect.each(
    [
      { answer: { _tag: "NotFound" }, code: GrpcCode.NotFound, detail: "r.io/a/b:1: not found" },
      { answer: { _tag: "Denied" }, code: GrpcCode.Unknown, detail: "pull access denied" },
      {
        answer: { _tag: "Unreachable" },
        code: GrpcCode.Unknown,
        detail: `failed to do request: Head "https://r.io/v2/a/b/manifests/1": dial tcp: lookup r.io: no such host`
      },
      { answer: { _tag: "Error", code: 14, detail: "as I say" }, code: 14, detail: "as I say" }
    ] as const
  )(
    "N1: a pull fails in containerd's words: $detail",
    ({ answer, code, detail }) =>
      on(
        { registry: (name) => name === image ? { _tag: "Image", sizeBytes: 1 } : answer },
        () =>
          Effect.gen(function*() {
            const error = yield* Effect.flip(done((yield* Cri).pullImage({ image: { image: "r.io/a/b:1" } })))
            assert.strictEqual(error.code, code)
            assert.include(error.detail, detail)
          })
      )
  )

  it.effect("a pull takes time by size; what is there is quick", () =>
    on({}, () =>
      Effect.gen(function*() {
        const cri = yield* Cri
        const pull = Effect.gen(function*() {
          const before = yield* Clock.currentTimeMillis
          yield* done(cri.pullImage({ image: { image: "nginx" } }))
          return (yield* Clock.currentTimeMillis) - before
        })
        const first = yield* pull
        const { image: found } = yield* cri.imageStatus({ image: { image: "docker.io/library/nginx:latest" } })
        const want = 250 + Number(found?.size) / 50_000
        assert.isTrue(first >= want * 0.79 && first <= want * 1.21 + 20, `${first} ms, want about ${want}`)
        assert.isAtMost(yield* pull, 310)
      })))

  it.effect("calls are recorded when asked for, in order", () =>
    on({ recordCalls: true }, ({ runtime }) =>
      Effect.gen(function*() {
        const id = yield* container(yield* sandbox())
        yield* done((yield* Cri).removeContainer({ containerId: id }))
        assert.deepStrictEqual(runtime.calls.map(({ method, target }) => [method, target]), [
          ["RunPodSandbox", "pod"],
          ["CreateContainer", "main"],
          ["StartContainer", id],
          ["RemoveContainer", id]
        ])
      })))

  it.effect("methods that this runtime has not are Unimplemented", () =>
    on({}, () =>
      Effect.gen(function*() {
        const cri = yield* Cri
        const error = yield* Effect.flip(cri.checkpointContainer({ containerId: "x" }))
        assert.strictEqual(error.reason._tag, "Unimplemented")
        const stream = yield* Effect.flip(Stream.runDrain(cri.streamContainers({})))
        assert.strictEqual(stream.reason._tag, "Unimplemented")
      })))

  it.effect("the layer takes its one fiber with it", () =>
    Effect.gen(function*() {
      const world = node()
      const scope = yield* Scope.make()
      yield* Layer.buildWithScope(world.layer, scope)
      yield* TestClock.adjust(1)
      assert.strictEqual(world.runtime.alarms.size, 1)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(world.runtime.alarms.size, 0)
    }))
})
