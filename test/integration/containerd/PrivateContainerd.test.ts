/** A private containerd leaves nothing behind, however it ends. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { networkInterfaces } from "node:os"
import { join } from "node:path"
import { describe } from "vitest"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import { eventually } from "../../contract/cri/scenario.ts"
import * as TestContainerd from "../../fixture/containerd/TestContainerd.ts"

/** Starts one with a pod in it. */
const withPod = Effect.gen(function*() {
  const cri = yield* Cri
  const containerd = yield* TestContainerd.TestContainerd
  const config = {
    metadata: { name: "left", namespace: "test", uid: "left" },
    logDirectory: containerd.directory,
    linux: { cgroupParent: `${containerd.cgroup}/pod` }
  }
  const { podSandboxId } = yield* cri.runPodSandbox({ config })
  const { containerId } = yield* cri.createContainer({
    podSandboxId,
    sandboxConfig: config,
    config: {
      metadata: { name: "c" },
      image: { image: TestContainerd.busyboxImageName },
      // The host's processes are its own: killing the sandbox would not end it.
      command: ["sh", "-c", "sleep 5432 & sleep 5432"],
      linux: { securityContext: { namespaceOptions: { pid: 2 } } }
    }
  })
  yield* cri.startContainer({ containerId })
  return containerd
})

interface Remains {
  readonly processes: ReadonlyArray<string>
  readonly mounts: ReadonlyArray<string>
  readonly cgroups: ReadonlyArray<string>
  readonly links: ReadonlyArray<string>
  readonly folder: boolean
}

/** What the host holds of an instance; `sleep 5432` runs in no container but ours. */
const remainsOf = (directory: string, cgroup: string): Remains => ({
  processes: readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    const path = join("/proc", pid, "cmdline")
    const args = existsSync(path) ? readFileSync(path, "utf8").replaceAll("\0", " ") : ""
    return args.includes(`${directory}/`) || args.startsWith("sleep 5432") ? [args] : []
  }),
  mounts: readFileSync("/proc/self/mountinfo", "utf8").split("\n").filter((line) => line.includes(`${directory}/`)),
  cgroups: readdirSync("/sys/fs/cgroup").map((name) => join("/sys/fs/cgroup", name, cgroup)).filter(existsSync),
  links: Object.keys(networkInterfaces()).filter((name) => name.startsWith(`kf${process.pid}-`)),
  folder: existsSync(directory)
})

const nothing: Remains = { processes: [], mounts: [], cgroups: [], links: [], folder: false }
const fixture = TestContainerd.cri.pipe(Layer.provideMerge(TestContainerd.layer))

describe("private containerd", () => {
  it.live("takes its pods down in order at the end of its scope", () =>
    Effect.gen(function*() {
      const { cgroup, directory } = yield* Effect.gen(function*() {
        const containerd = yield* withPod
        const remains = Effect.sync(() => remainsOf(containerd.directory, containerd.cgroup))
        // The daemon, a shim, and the two processes of the container.
        const before = yield* eventually(remains, ({ processes }) => processes.length === 4)
        assert.strictEqual(before.processes.length, 4)
        for (const kind of [before.mounts, before.cgroups, before.links]) assert.isNotEmpty(kind)
        return containerd
      }).pipe(Effect.provide(fixture))
      assert.deepEqual(remainsOf(directory, cgroup), nothing)
    }))

  it.live("takes them down by force when the daemon is dead", () =>
    Effect.gen(function*() {
      const { cgroup, directory } = yield* Effect.gen(function*() {
        const containerd = yield* withPod
        yield* containerd.kill
        assert.isNotEmpty(remainsOf(containerd.directory, containerd.cgroup).processes)
        return containerd
      }).pipe(Effect.provide(fixture))
      assert.deepEqual(remainsOf(directory, cgroup), nothing)
    }))
})
