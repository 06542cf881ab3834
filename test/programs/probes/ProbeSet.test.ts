import { create } from "@bufbuild/protobuf"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Metric, Ref } from "effect"
import { TestClock } from "effect/testing"
import { Retryable } from "../../../src/domain/failure.ts"
import type { Container, Probe } from "../../../src/domain/k8s/container.ts"
import type { ObservedContainer } from "../../../src/domain/pod/model.ts"
import { ExecSyncResponseSchema } from "../../../src/gen/cri/api_pb.ts"
import { Cri, CriError, GrpcCode } from "../../../src/layers/cri/Cri.ts"
import { Prober, type ProbeReply } from "../../../src/layers/probes/Prober.ts"
import { EventRecorder } from "../../../src/programs/events/EventRecorder.ts"
import { NodeState } from "../../../src/programs/node/NodeState.ts"
import * as PodRegistry from "../../../src/programs/pods/PodRegistry.ts"
import * as ProbeSet from "../../../src/programs/probes/ProbeSet.ts"
import { container, exited, observed, podOf, record, sandbox, t0 } from "../../domain/pod/fixtures.ts"

const ok: ProbeReply = { result: "success", output: "fine" }
const bad: ProbeReply = { result: "failure", output: "HTTP probe failed with statuscode: 500" }

/** Probes are told apart by their path. */
const http = (path: string, fields: Partial<Probe> = {}): Probe => ({ httpGet: { port: 80, path }, ...fields })

interface World {
  readonly set: ProbeSet.ProbeSet["Service"]
  readonly registry: PodRegistry.PodRegistry["Service"]
  /** The answers from now on, by path; what has none hangs. */
  readonly answer: (path: string, reply: ProbeReply | "hang") => Effect.Effect<void>
  /** `<seconds since t0> <what was tried>` */
  readonly tries: Effect.Effect<ReadonlyArray<string>>
  readonly events: Effect.Effect<ReadonlyArray<string>>
}

type Exec = (request: { readonly cmd?: ReadonlyArray<string>; readonly timeout?: bigint }) => Effect.Effect<
  { readonly exitCode: number; readonly stdout?: string; readonly stderr?: string },
  CriError
>

/** The agent begins at t0, unless `agentAgeMs` says that it has been there for longer. */
const inWorld = <A, E>(
  test: (world: World) => Effect.Effect<A, E>,
  options: { readonly exec?: Exec; readonly agentAgeMs?: number } = {}
) =>
  Effect.gen(function*() {
    const tries = yield* Ref.make<ReadonlyArray<string>>([])
    const events = yield* Ref.make<ReadonlyArray<string>>([])
    const exec: Exec = options.exec ?? (() => Effect.succeed({ exitCode: 0 }))
    const answers = new Map<string, ProbeReply | "hang">()
    const note = (what: string) =>
      Effect.flatMap(
        Clock.currentTimeMillis,
        (now) => Ref.update(tries, (all) => [...all, `${(now - t0) / 1000} ${what}`])
      )
    const prober = Layer.mock(Prober)({
      http: ({ host, path }) =>
        Effect.gen(function*() {
          yield* note(`${host}${path}`)
          const answer = answers.get(path) ?? "hang"
          return answer === "hang" ? yield* Effect.never : answer
        })
    })
    const cri = Layer.mock(Cri)({
      execSync: (request) =>
        Effect.gen(function*() {
          yield* note(`exec ${request.containerId} ${request.cmd?.join(" ")} ${request.timeout}`)
          const { exitCode, stderr = "", stdout = "" } = yield* exec({
            cmd: request.cmd ?? [],
            timeout: request.timeout ?? 0n
          })
          const bytes = (text: string) => new TextEncoder().encode(text)
          return create(ExecSyncResponseSchema, { exitCode, stdout: bytes(stdout), stderr: bytes(stderr) })
        })
    })
    const recorder = Layer.mock(EventRecorder)({
      recordPod: (_, { message, reason }) => Ref.update(events, (all) => [...all, `${reason}: ${message}`])
    })
    const node = Layer.mock(NodeState)({ ips: Effect.succeed(["192.168.0.2"]) })
    yield* TestClock.setTime(t0 - (options.agentAgeMs ?? 0))
    const run = Effect.gen(function*() {
      const set = yield* ProbeSet.ProbeSet
      const registry = yield* PodRegistry.PodRegistry
      yield* TestClock.setTime(t0)
      return yield* test({
        set,
        registry,
        answer: (path, reply) => Effect.sync(() => void answers.set(path, reply)),
        tries: Ref.get(tries),
        events: Ref.get(events)
      })
    })
    return yield* run.pipe(
      Effect.provide(
        ProbeSet.layer.pipe(
          Layer.provideMerge(PodRegistry.layer(["api"])),
          Layer.provide([prober, cri, recorder, node])
        )
      )
    )
  }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))

const withProbes = (probes: Partial<Container>) => podOf({ containers: [container("c", probes)] })
const running = (fields: Partial<ObservedContainer> = {}) => observed([record("c", fields)])

describe("a probe's life", () => {
  it.effect("H1/H8: readiness is tried at once and every period; a verdict wakes the pod", () =>
    inWorld(({ answer, set, tries }) =>
      Effect.gen(function*() {
        yield* answer("/ready", ok)
        yield* set.reconcile(withProbes({ readinessProbe: http("/ready") }), running(), false)
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* set.changed, ["u1"])
        assert.deepStrictEqual(yield* set.verdicts("u1"), { "c-0": { readiness: "success" } })
        yield* TestClock.adjust(20_000)
        assert.deepStrictEqual(yield* tries, ["0 10.0.0.7/ready", "10 10.0.0.7/ready", "20 10.0.0.7/ready"])
      })
    ))

  it.effect("H2/H3: liveness fails after three in a row, says so each time, and then rests", () =>
    inWorld(({ answer, events, set, tries }) =>
      Effect.gen(function*() {
        yield* answer("/live", bad)
        yield* set.reconcile(withProbes({ livenessProbe: http("/live") }), running(), false)
        yield* TestClock.adjust(29_000)
        assert.deepStrictEqual(yield* set.verdicts("u1"), { "c-0": {} })
        yield* TestClock.adjust(1_000)
        assert.deepStrictEqual(yield* set.verdicts("u1"), { "c-0": { liveness: "failure" } })
        yield* TestClock.adjust(100_000)
        assert.deepStrictEqual(yield* tries, ["10 10.0.0.7/live", "20 10.0.0.7/live", "30 10.0.0.7/live"])
        const want = "Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 500"
        assert.deepStrictEqual(yield* events, [want, want, want])
      })
    ))

  it.effect("H3: a new container begins anew; the verdict on the old one stays as long as its record", () =>
    inWorld(({ answer, set }) =>
      Effect.gen(function*() {
        const pod = withProbes({ livenessProbe: http("/live") })
        yield* answer("/live", bad)
        yield* set.reconcile(pod, running(), false)
        yield* TestClock.adjust(30_000)
        const fresh = record("c", { restartCount: 1, startedAtMs: t0 + 30_000 })
        yield* set.reconcile(pod, observed([fresh, exited("c", 137)]), false)
        assert.deepStrictEqual(yield* set.verdicts("u1"), { "c-0": { liveness: "failure" }, "c-1": {} })
        yield* answer("/live", ok)
        yield* set.reconcile(pod, observed([fresh]), false)
        yield* TestClock.adjust(10_000)
        assert.deepStrictEqual(yield* set.verdicts("u1"), { "c-1": { liveness: "success" } })
      })
    ))

  it.effect("H8: the other probes wait for the startup probe and begin the moment it succeeds", () =>
    inWorld(({ answer, set, tries }) =>
      Effect.gen(function*() {
        const probes = { startupProbe: http("/up"), readinessProbe: http("/ready"), livenessProbe: http("/live") }
        yield* answer("/up", bad)
        yield* answer("/ready", ok)
        yield* answer("/live", ok)
        yield* set.reconcile(withProbes(probes), running(), false)
        yield* TestClock.adjust(5_000)
        yield* answer("/up", ok)
        yield* TestClock.adjust(10_000)
        assert.deepStrictEqual(yield* set.verdicts("u1"), {
          "c-0": { startup: "success", readiness: "success", liveness: "success" }
        })
        assert.deepStrictEqual(yield* tries, [
          "1 10.0.0.7/up",
          "11 10.0.0.7/up",
          "11 10.0.0.7/ready",
          "11 10.0.0.7/live"
        ])
      })
    ))

  it.effect("H3: a container that exits is probed no more", () =>
    inWorld(({ answer, set, tries }) =>
      Effect.gen(function*() {
        const pod = withProbes({ readinessProbe: http("/ready") })
        yield* answer("/ready", ok)
        yield* set.reconcile(pod, running(), false)
        yield* TestClock.adjust(1)
        yield* set.reconcile(pod, observed([exited("c", 0)]), false)
        yield* TestClock.adjust(60_000)
        assert.strictEqual((yield* tries).length, 1)
      })
    ))

  it.effect("C13: a terminating pod keeps its readiness probe and loses the others", () =>
    inWorld(({ answer, set, tries }) =>
      Effect.gen(function*() {
        const pod = withProbes({ readinessProbe: http("/ready"), livenessProbe: http("/live") })
        yield* answer("/ready", ok)
        yield* answer("/live", ok)
        yield* set.reconcile(pod, running(), false)
        yield* TestClock.adjust(15_000)
        yield* set.reconcile(pod, running(), true)
        yield* TestClock.adjust(10_000)
        assert.deepStrictEqual((yield* tries).slice(3), ["20 10.0.0.7/ready"])
      })
    ))

  it.effect("H2: a probe that hangs holds up no other", () =>
    inWorld(({ answer, set, tries }) =>
      Effect.gen(function*() {
        const pod = withProbes({ readinessProbe: http("/hangs"), livenessProbe: http("/live") })
        yield* answer("/live", ok)
        yield* set.reconcile(pod, running(), false)
        yield* TestClock.adjust(20_000)
        assert.deepStrictEqual(yield* tries, ["0 10.0.0.7/hangs", "10 10.0.0.7/live", "20 10.0.0.7/live"])
      })
    ))
})

describe("an agent that starts among running containers", () => {
  const earlier = running({ startedAtMs: t0 - 3_600_000 })

  it.effect("C15: what had started is not asked again, and readiness is not judged before it was tried", () =>
    inWorld(({ answer, set, tries }) =>
      Effect.gen(function*() {
        const probes = { startupProbe: http("/up"), readinessProbe: http("/ready", { periodSeconds: 30 }) }
        const status = { containerStatuses: [{ name: "c", containerID: "containerd://c-0", started: true }] }
        yield* answer("/ready", ok)
        yield* set.reconcile({ ...withProbes(probes), status }, earlier, false)
        assert.deepStrictEqual(yield* set.verdicts("u1"), { "c-0": { startup: "success" } })
        yield* TestClock.adjust(30_000)
        assert.deepStrictEqual(yield* set.verdicts("u1"), { "c-0": { startup: "success", readiness: "success" } })
        assert.strictEqual((yield* tries).length, 1)
      })
    ))

  it.effect("C15: what had started of a static pod stands on its mirror", () =>
    inWorld(({ registry, set, tries }) =>
      Effect.gen(function*() {
        const status = { containerStatuses: [{ name: "c", containerID: "containerd://c-0", started: true }] }
        const pod = withProbes({ startupProbe: http("/up") })
        const annotations = { "kubernetes.io/config.mirror": "hash" }
        yield* registry.upsert("api", { ...pod, metadata: { ...pod.metadata, uid: "m", annotations }, status })
        yield* set.reconcile(pod, earlier, false)
        yield* TestClock.adjust(60_000)
        assert.deepStrictEqual(yield* set.verdicts("u1"), { "c-0": { startup: "success" } })
        assert.deepStrictEqual(yield* tries, [])
      })
    ))

  it.effect("H1: first runs are spread over a period", () =>
    inWorld(({ answer, set, tries }) =>
      Effect.gen(function*() {
        yield* answer("/ready", ok)
        const pod = withProbes({ readinessProbe: http("/ready") })
        for (let n = 0; n < 20; n++) {
          const seen = running({ id: `c-${n}`, startedAtMs: t0 - 3_600_000 })
          yield* set.reconcile({ ...pod, metadata: { ...pod.metadata, uid: `u${n}` } }, seen, false)
        }
        yield* TestClock.adjust(9_999)
        const times = (yield* tries).map((line) => Number(line.split(" ")[0]))
        assert.strictEqual(times.length, 20)
        for (const half of [times.filter((time) => time < 5), times.filter((time) => time >= 5)]) {
          assert.isAtLeast(half.length, 5)
        }
      })
    ))

  it.effect("H1: an agent that is older than the period tries at once", () =>
    inWorld(
      ({ answer, set, tries }) =>
        Effect.gen(function*() {
          yield* answer("/ready", ok)
          yield* set.reconcile(withProbes({ readinessProbe: http("/ready") }), earlier, false)
          yield* TestClock.adjust(1)
          assert.deepStrictEqual(yield* tries, ["0 10.0.0.7/ready"])
        }),
      { agentAgeMs: 10_000 }
    ))
})

describe("tries and what users read of them", () => {
  const failing = (code: number, detail: string): Exec => () =>
    Effect.fail(
      new CriError({ op: "ExecSync", target: "c-0", reason: new Retryable({}), code, detail, cause: undefined })
    )
  const exec: Probe = { exec: { command: ["test", "-f", "$(FILE)"] }, timeoutSeconds: 3 }

  it.effect("H5: a command runs in the container with its timeout, variables with a value replaced", () =>
    inWorld(({ set, tries }) =>
      Effect.gen(function*() {
        const pod = podOf({
          containers: [container("c", { readinessProbe: exec, env: [{ name: "FILE", value: "/tmp/ok" }] })]
        })
        yield* set.reconcile(pod, running(), false)
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* tries, ["0 exec c-0 test -f /tmp/ok 3"])
        assert.deepStrictEqual(yield* set.verdicts("u1"), { "c-0": { readiness: "success" } })
      })
    ))

  it.effect.each<{ run: Exec; tries: number; event: string; verdict: "failure" | undefined; why: string }>([
    {
      run: () => Effect.succeed({ exitCode: 1, stdout: "out ", stderr: "err" }),
      tries: 1,
      event: "Unhealthy: Readiness probe failed: out err",
      verdict: "failure",
      why: "a command that fails is a failure with its output"
    },
    {
      run: () => Effect.succeed({ exitCode: 1, stdout: "x".repeat(20_000) }),
      tries: 1,
      event: `Unhealthy: Readiness probe failed: ${"x".repeat(1024)}`,
      verdict: "failure",
      why: "an event is no log"
    },
    {
      run: failing(GrpcCode.DeadlineExceeded, "context deadline exceeded"),
      tries: 1,
      event: "Unhealthy: Readiness probe failed: command timed out: \"test -f $(FILE)\" timed out after 3s",
      verdict: "failure",
      why: "a command that takes too long is a failure (KEP-1972)"
    },
    {
      run: failing(GrpcCode.Unknown, "no such container"),
      tries: 3,
      event: "Unhealthy: Readiness probe errored: no such container",
      verdict: undefined,
      why: "what cannot be tried is tried three times, and counts neither way"
    }
  ])("H2/H5: $why", ({ event, run, tries: wanted, verdict }) =>
    inWorld(
      ({ events, set, tries }) =>
        Effect.gen(function*() {
          const readinessProbe: Probe = { ...exec, failureThreshold: 1 }
          yield* set.reconcile(withProbes({ readinessProbe }), running(), false)
          yield* TestClock.adjust(1)
          assert.strictEqual((yield* tries).length, wanted)
          assert.deepStrictEqual(yield* events, [event])
          assert.strictEqual((yield* set.verdicts("u1"))["c-0"]?.readiness, verdict)
        }),
      { exec: run }
    ))

  it.effect("H4: a redirect to another host is told, and is a success", () =>
    inWorld(({ answer, events, set }) =>
      Effect.gen(function*() {
        yield* answer("/ready", { result: "warning", output: "Probe terminated redirects, Response body: x" })
        yield* set.reconcile(withProbes({ readinessProbe: http("/ready") }), running(), false)
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* events, [
          "ProbeWarning: Readiness probe warning: Probe terminated redirects, Response body: x"
        ])
        assert.strictEqual((yield* set.verdicts("u1"))["c-0"]?.readiness, "success")
      })
    ))

  it.effect("H4: pods on the host's network are probed at the node's address", () =>
    inWorld(({ answer, set, tries }) =>
      Effect.gen(function*() {
        const pod = podOf({ hostNetwork: true, containers: [container("c", { readinessProbe: http("/ready") })] })
        yield* answer("/ready", ok)
        yield* set.reconcile(pod, observed([record("c")], [sandbox({ ips: [], hostNetwork: true })]), false)
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* tries, ["0 192.168.0.2/ready"])
      })
    ))

  it.effect.each([
    { probe: http("/ready"), ips: [], want: "the pod has no IP" },
    {
      probe: { tcpSocket: { port: "web" } },
      ips: ["10.0.0.7"],
      want: "couldn't find port: \"web\" in container c"
    },
    { probe: {}, ips: ["10.0.0.7"], want: "missing probe handler" }
  ])(
    "H7: a probe that makes no sense says so: $want",
    ({ ips, probe, want }) =>
      inWorld(({ events, set }) =>
        Effect.gen(function*() {
          yield* set.reconcile(
            withProbes({ readinessProbe: probe }),
            observed([record("c")], [sandbox({ ips })]),
            false
          )
          yield* TestClock.adjust(1)
          assert.deepStrictEqual(yield* events, [`Unhealthy: Readiness probe errored: ${want}`])
        })
      )
  )

  it.effect("H4: an address that comes after the first run is used by the next", () =>
    inWorld(({ answer, set, tries }) =>
      Effect.gen(function*() {
        const pod = withProbes({ readinessProbe: http("/ready") })
        yield* answer("/ready", ok)
        yield* set.reconcile(pod, observed([record("c")], [sandbox({ ips: [] })]), false)
        yield* TestClock.adjust(1)
        yield* set.reconcile(pod, running(), false)
        yield* TestClock.adjust(10_000)
        assert.deepStrictEqual(yield* tries, ["10 10.0.0.7/ready"])
      })
    ))
})

describe("bookkeeping", () => {
  const series = Effect.map(
    Metric.snapshot,
    (all) =>
      all.filter(({ id }) => id.startsWith("prober_")).map(({ attributes, id }): Record<string, string> => ({
        id,
        ...attributes
      }))
  )

  it.effect("H7: runs are counted by result and timed, until the pod ends", () =>
    inWorld(({ answer, set }) =>
      Effect.gen(function*() {
        yield* answer("/ready", ok)
        yield* set.reconcile(withProbes({ readinessProbe: http("/ready") }), running(), false)
        yield* TestClock.adjust(1)
        const labels = { probe_type: "Readiness", container: "c", pod: "web", namespace: "default" }
        assert.deepStrictEqual(yield* series, [
          { id: "prober_probe_duration_seconds", ...labels },
          { id: "prober_probe_total", ...labels, pod_uid: "u1", result: "successful" }
        ])
        yield* set.stop("u1")
        assert.deepStrictEqual(yield* series, [])
        assert.deepStrictEqual(yield* set.verdicts("u1"), {})
      })
    ))

  it.effect("H7: the metrics of a container go on over its restarts", () =>
    inWorld(({ answer, set }) =>
      Effect.gen(function*() {
        const pod = withProbes({ readinessProbe: http("/ready") })
        const next = record("c", { restartCount: 1 })
        yield* answer("/ready", ok)
        yield* set.reconcile(pod, running(), false)
        yield* TestClock.adjust(1)
        yield* set.reconcile(pod, observed([next, exited("c", 1)]), false)
        yield* set.reconcile(pod, observed([next]), false)
        assert.strictEqual((yield* series).length, 2)
      })
    ))

  it.effect("H1: a thousand probes cost a thousand sleeps a period: none is woken to look whether it is due", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      let sleeps = 0
      const counting: Clock.Clock = {
        ...clock,
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
        currentTimeMillis: clock.currentTimeMillis,
        currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
        currentTimeNanos: clock.currentTimeNanos,
        sleep: (duration) => {
          sleeps++
          return clock.sleep(duration)
        }
      }
      yield* inWorld(({ answer, set, tries }) =>
        Effect.gen(function*() {
          yield* answer("/ready", ok)
          const pod = withProbes({ readinessProbe: http("/ready") })
          for (let n = 0; n < 1000; n++) {
            const uid = `u${n}`
            yield* set.reconcile({ ...pod, metadata: { ...pod.metadata, uid } }, running({ id: uid }), false)
          }
          yield* TestClock.adjust(60_000)
          assert.strictEqual((yield* tries).length, 7000)
          assert.strictEqual(sleeps, 8000)
        }), { agentAgeMs: 10_000 }).pipe(Effect.provideService(Clock.Clock, counting))
    }))
})
