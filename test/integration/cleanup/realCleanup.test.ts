/** Rotation and collection on a private containerd and a real disk: no line of a log is lost, nothing in use goes. */
import { NodeFileSystem } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer, Schedule } from "effect"
import { gunzipSync } from "node:zlib"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import * as CompressionLive from "../../../src/layers/host/CompressionLive.ts"
import { HostFiles } from "../../../src/layers/host/HostFiles.ts"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import { collectContainers } from "../../../src/programs/cleanup/containerGc.ts"
import * as ImageGc from "../../../src/programs/cleanup/ImageGc.ts"
import { logRotationLoop } from "../../../src/programs/cleanup/logRotation.ts"
import * as PodRegistry from "../../../src/programs/pods/PodRegistry.ts"
import * as RuntimeView from "../../../src/programs/runtime/RuntimeView.ts"
import * as TerminationMessages from "../../../src/programs/runtime/TerminationMessages.ts"
import { agentConfig } from "../../fixture/agentSettings.ts"
import * as TestContainerd from "../../fixture/containerd/TestContainerd.ts"

const settings = {
  containerLogMaxSizeBytes: 20_000,
  containerLogMaxFiles: 100,
  containerLogMonitorIntervalMs: 100,
  imageMinimumGcAgeMs: 0,
  // The disk of the machine may be as full as it likes.
  imageGcHighPercent: 100
}

/** The agent's folders, in a directory of the test's own. */
const config = Layer.unwrap(Effect.gen(function*() {
  const root = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
  return agentConfig({ ...settings, podLogsDir: `${root}/pods`, containerLogsDir: `${root}/containers`, rootDir: root })
})).pipe(Layer.provide(NodeFileSystem.layer))

const under = Layer.merge(ImageGc.layer, RuntimeView.layer).pipe(
  Layer.provide(TerminationMessages.layer),
  Layer.provideMerge(TestContainerd.cri),
  Layer.provideMerge(Layer.mergeAll(
    TestContainerd.layer,
    HostFilesLive.layer,
    CompressionLive.layer,
    PodRegistry.layer(["api"]),
    config
  ))
)

const eventually = <A, E, R>(look: Effect.Effect<A, E, R>, holds: (seen: A) => boolean) =>
  Effect.repeat(look, {
    schedule: Schedule.spaced("50 millis").pipe(Schedule.upTo({ duration: "30 seconds" })),
    until: holds
  })

const sandbox = Effect.fnUntraced(function*(name: string) {
  const cri = yield* Cri
  const files = yield* HostFiles
  const { cgroup, directory } = yield* TestContainerd.TestContainerd
  const logDirectory = `${directory}/logs/default_${name}_uid-${name}`
  yield* files.makeDirectory(`${logDirectory}/c`, { recursive: true })
  const config = {
    metadata: { name, namespace: "default", uid: `uid-${name}`, attempt: 0 },
    logDirectory,
    labels: { "io.kubernetes.pod.uid": `uid-${name}` },
    linux: { cgroupParent: `${cgroup}/${name}` }
  }
  const { podSandboxId } = yield* Effect.acquireRelease(
    cri.runPodSandbox({ config }),
    ({ podSandboxId: id }) =>
      Effect.orDie(Effect.andThen(cri.stopPodSandbox({ podSandboxId: id }), cri.removePodSandbox({ podSandboxId: id })))
  )
  return { id: podSandboxId, config, logs: `${logDirectory}/c` }
})

const container = Effect.fnUntraced(
  function*(inside: Effect.Success<ReturnType<typeof sandbox>>, attempt: number, script: string) {
    const cri = yield* Cri
    const { containerId } = yield* cri.createContainer({
      podSandboxId: inside.id,
      sandboxConfig: inside.config,
      config: {
        metadata: { name: "c", attempt },
        image: { image: TestContainerd.busyboxImageName },
        command: ["sh", "-c", script],
        labels: inside.config.labels,
        logPath: `c/${attempt}.log`,
        linux: {}
      }
    })
    yield* cri.startContainer({ containerId })
    return containerId
  }
)

layer(under, { excludeTestServices: true, timeout: "120 seconds" })("on a real runtime", (it) => {
  it.effect("G6: over many rotations every line is in exactly one file, in order", () =>
    Effect.gen(function*() {
      const files = yield* HostFiles
      const inside = yield* sandbox("chatty")
      const count = 4000
      yield* container(
        inside,
        0,
        `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo line $i; [ $((i % 100)) -eq 0 ] && sleep 0.2; done; ` +
          "while true; do sleep 1; done"
      )
      // As the pod's worker does.
      const view = yield* RuntimeView.RuntimeView
      yield* Effect.andThen(view.relist, view.observe("uid-chatty"))
      yield* Effect.forkScoped(logRotationLoop)
      const read = Effect.gen(function*() {
        const names = (yield* files.readDirectory(inside.logs)).filter((name) => !name.endsWith(".tmp"))
        // The live log is the newest, though its name comes first.
        const texts = yield* Effect.forEach([...names.filter((name) => name !== "0.log"), "0.log"], (name) =>
          Effect.map(files.readFile(`${inside.logs}/${name}`), (bytes) =>
            name.endsWith(".gz") ? gunzipSync(bytes).toString() : Buffer.from(bytes).toString()))
        return { names, text: texts.join("") }
      })
      // While a file takes another's place a look may miss it or see it twice; at rest it may not.
      const rest = yield* eventually(
        Effect.orElseSucceed(read, () => ({ names: [], text: "" })),
        ({ text }) =>
          text.endsWith(`line ${count}\n`) && text.split("\n").length === count + 1
      )
      assert.deepStrictEqual(
        rest.text.trimEnd().split("\n").map((line) =>
          Number(line.split(" ").at(-1))
        ),
        Array.from({ length: count }, (_, index) => index + 1)
      )
      assert.isAtLeast(rest.names.filter((name) => name.endsWith(".gz")).length, 2)
    }))

  it.effect("G3: dead containers go with their logs, but the newest", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const files = yield* HostFiles
      const registry = yield* PodRegistry.PodRegistry
      yield* registry.replace("api", [{
        metadata: { name: "crashing", namespace: "default", uid: "uid-crashing" },
        spec: { containers: [{ name: "c" }] }
      }])
      const inside = yield* sandbox("crashing")
      for (const attempt of [0, 1, 2]) {
        const containerId = yield* container(inside, attempt, "exit 1")
        yield* eventually(cri.containerStatus({ containerId }), ({ status }) => (status?.finishedAt ?? 0n) > 0n)
      }
      yield* collectContainers
      const left = yield* cri.listContainers({ filter: { podSandboxId: inside.id } })
      assert.deepStrictEqual(left.containers.map(({ metadata }) => metadata?.attempt), [2])
      assert.deepStrictEqual(yield* files.readDirectory(inside.logs), ["2.log"])
    }))

  it.effect("G4: images of containers and sandboxes stay, though this runtime pins none", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const images = yield* ImageGc.ImageGc
      const inside = yield* sandbox("using")
      yield* container(inside, 0, "sleep 1000")
      const before = yield* cri.listImages({})
      yield* images.collect
      yield* images.removeUnused
      const after = yield* cri.listImages({})
      assert.deepStrictEqual(after.images.map(({ id }) => id).sort(), before.images.map(({ id }) => id).sort())
    }))
})
