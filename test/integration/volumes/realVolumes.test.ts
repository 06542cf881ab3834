import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { spawn } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { configMaps } from "../../../src/domain/k8s/resources.ts"
import { podWith } from "../../domain/volumes/pods.ts"
import { createPod, makeConfigMap, makeOn, makeSecret } from "../../programs/volumes/world.ts"
import { mountsBelow, realHost, scratch } from "./ground.ts"

const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8)

/** Real time passes here, within a bound. */
const until = <E>(check: Effect.Effect<boolean, E>) =>
  check.pipe(
    Effect.flatMap((done) => (done ? Effect.void : Effect.fail("not yet"))),
    Effect.retry({ times: 2000, schedule: Schedule.spaced(5) })
  )

const setup = Effect.gen(function*() {
  const dir = yield* scratch
  const root = `${dir}/root`
  const world = yield* makeOn({ layer: realHost, root })
  const agent = yield* world.start()
  yield* Effect.addFinalizer(() => agent.stop)
  const ready = (pod: Parameters<typeof agent.volumes.want>[0]) =>
    Effect.andThen(
      agent.volumes.want(pod),
      until(Effect.map(agent.volumes.state(pod.metadata.uid), (view) => view.ready))
    )
  const volume = (plugin: string, name: string, uid = "u1") =>
    `${root}/pods/${uid}/volumes/kubernetes.io~${plugin}/${name}`
  return { ...world, agent, dir, ready, root, volume }
})

describe("volumes on real mounts", () => {
  it.live("every local kind: modes, owners, file systems, links; and nothing left at the end", () =>
    Effect.gen(function*() {
      const { agent, client, dir, ready, root, volume } = yield* setup
      yield* makeSecret(client, "s", { key: "hush" })
      yield* makeConfigMap(client, "m", { a: "1" })
      mkdirSync(`${dir}/data`)
      writeFileSync(`${dir}/data/f`, "1")
      const pod = yield* createPod(
        client,
        podWith([
          { name: "d", emptyDir: {} },
          { name: "m", emptyDir: { medium: "Memory", sizeLimit: "8Mi" } },
          { name: "s", secret: { secretName: "s", defaultMode: 0o400 } },
          { name: "c", configMap: { name: "m", defaultMode: 0o640 } },
          { name: "h", hostPath: { path: `${dir}/data`, type: "Directory" } },
          {
            name: "p",
            projected: {
              sources: [
                { serviceAccountToken: { path: "token" } },
                { downwardAPI: { items: [{ path: "ns", fieldRef: { fieldPath: "metadata.namespace" } }] } }
              ]
            }
          }
        ], { securityContext: { fsGroup: 2000 } })
      )
      const { uid } = pod.metadata
      yield* ready(pod)
      const at = (plugin: string, name: string) => volume(plugin, name, uid)
      assert.strictEqual(mode(at("empty-dir", "d")), "2777")
      assert.strictEqual(statSync(at("empty-dir", "d")).gid, 2000)
      const table = readFileSync("/proc/self/mounts", "utf8")
      assert.match(table, new RegExp(`^tmpfs ${at("empty-dir", "m")} tmpfs rw,relatime,size=8192k,noswap`, "m"))
      assert.match(table, new RegExp(`^tmpfs ${at("secret", "s")} tmpfs `, "m"))
      assert.match(table, new RegExp(`^tmpfs ${at("projected", "p")} tmpfs `, "m"))
      assert.notInclude(table, at("configmap", "c"))
      assert.strictEqual(mode(`${at("secret", "s")}/key`), "440")
      assert.strictEqual(statSync(`${at("secret", "s")}/key`).gid, 2000)
      assert.strictEqual(readlinkSync(`${at("configmap", "c")}/a`), "..data/a")
      assert.strictEqual(readFileSync(`${at("projected", "p")}/ns`, "utf8"), "default")
      assert.strictEqual(mode(`${at("projected", "p")}/token`), "640", "I7: 0600 and the group's bits")
      yield* agent.volumes.release(uid)
      assert.deepStrictEqual(readdirSync(`${root}/pods/${uid}`), [])
      assert.isEmpty(mountsBelow(root))
      assert.strictEqual(readFileSync(`${dir}/data/f`, "utf8"), "1")
    }).pipe(Effect.scoped))

  it.live("I3: huge pages are a file system of their own, of the size the pod asks for", () =>
    Effect.gen(function*() {
      const { agent, ready, root, volume } = yield* setup
      const [container = { name: "c" }] = podWith([]).spec.containers
      const resources = { requests: { "hugepages-2Mi": "4Mi" }, limits: { "hugepages-2Mi": "4Mi" } }
      const mounts = [{ name: "h", mountPath: "/h" }]
      yield* ready(podWith([{ name: "h", emptyDir: { medium: "HugePages" } }], {
        containers: [{ ...container, resources, volumeMounts: mounts }]
      }))
      const table = readFileSync("/proc/self/mounts", "utf8")
      assert.match(table, new RegExp(`^nodev ${volume("empty-dir", "h")} hugetlbfs rw,relatime,pagesize=2M`, "m"))
      yield* agent.volumes.release("u1")
      assert.isEmpty(mountsBelow(root))
    }).pipe(Effect.scoped))

  it.live("I6: a change is in the files within a second, and a reader never sees a torn state", () =>
    Effect.gen(function*() {
      const { client, ready, volume } = yield* setup
      yield* makeConfigMap(client, "m", { a: "0", b: "0" })
      yield* ready(podWith([{ name: "c", configMap: { name: "m" } }]))
      const at = volume("configmap", "c")
      // Follows ..data once and reads both files there; a directory that was removed meanwhile is no answer.
      const script =
        "n=0; while [ $n -lt 2000 ]; do n=$((n+1)); d=$(readlink ..data) || exit 2; a=$(cat $d/a 2>/dev/null) && b=$(cat $d/b 2>/dev/null)" +
        " && { [ \"$a\" = \"$b\" ] || { echo torn $a $b; exit 1; }; }; [ -e a ] || exit 3; done"
      const reader = spawn("sh", ["-c", script], { cwd: at })
      const ended = new Promise<number | null>((resolve) => reader.on("exit", resolve))
      for (let round = 1; round <= 60; round++) {
        const before = Date.now()
        yield* client.patch(configMaps, { namespace: "default", name: "m" }, {
          type: "merge",
          body: { data: { a: String(round), b: String(round) } }
        })
        yield* until(Effect.sync(() => readFileSync(`${at}/a`, "utf8") === String(round)))
        assert.isBelow(Date.now() - before, 1000)
      }
      reader.kill("SIGTERM")
      const code = yield* Effect.promise(() => ended)
      assert.include([0, null], code)
    }).pipe(Effect.scoped))

  it.live("I11: real links are resolved, kept inside, and refused outside", () =>
    Effect.gen(function*() {
      const { agent, client, dir, ready, root, volume } = yield* setup
      yield* makeConfigMap(client, "m", { a: "1" })
      const pod = podWith([{ name: "d", emptyDir: {} }, { name: "c", configMap: { name: "m" } }])
      const container = pod.spec.containers[0] ?? { name: "c" }
      yield* ready(pod)
      const bound = yield* agent.volumes.subPaths(pod, container, new Map([[0, "x/y"], [1, "a"]]))
      assert.strictEqual(readFileSync(bound.get(1) ?? "", "utf8"), "1")
      writeFileSync(`${bound.get(0)}/f`, "1")
      assert.strictEqual(readFileSync(`${volume("empty-dir", "d")}/x/y/f`, "utf8"), "1")
      assert.strictEqual(mode(`${volume("empty-dir", "d")}/x`), "777")
      mkdirSync(`${dir}/outside`)
      symlinkSync(`${dir}/outside`, `${volume("empty-dir", "d")}/out`)
      for (const path of ["out", "out/new", "x/../../../../../../outside"]) {
        const error = yield* Effect.flip(agent.volumes.subPaths(pod, container, new Map([[0, path]])))
        assert.include(error.message, "failed to prepare subPath")
      }
      assert.isEmpty(readdirSync(`${dir}/outside`))
      yield* agent.volumes.release("u1")
      assert.isEmpty(mountsBelow(root))
    }).pipe(Effect.scoped))

  it.live("I11: a link swapped in while the subpath is being bound never leads out", () =>
    Effect.gen(function*() {
      const { agent, dir, ready, volume } = yield* setup
      const pod = podWith([{ name: "d", emptyDir: {} }])
      const container = pod.spec.containers[0] ?? { name: "c" }
      yield* ready(pod)
      mkdirSync(`${dir}/outside`)
      writeFileSync(`${dir}/outside/secret`, "1")
      const base = volume("empty-dir", "d")
      // As a container of the pod would: real directory and link change places as fast as they can.
      const swap =
        `mkdir real; ln -s ${dir}/outside link; while :; do mv -T real x 2>/dev/null; mv -T link real; mv -T real link; mv -T x real; done`
      const attacker = spawn("sh", ["-c", swap], { cwd: base })
      const ended = new Promise<void>((resolve) => attacker.on("exit", () => resolve()))
      yield* Effect.addFinalizer(() =>
        Effect.andThen(Effect.sync(() => attacker.kill("SIGKILL")), Effect.promise(() => ended))
      )
      yield* until(Effect.sync(() => existsSync(`${base}/link`) || existsSync(`${base}/real`)))
      let bindings = 0
      for (let round = 0; round < 60; round++) {
        const outcome = yield* Effect.result(agent.volumes.subPaths(pod, container, new Map([[0, "real"]])))
        if (outcome._tag === "Failure") continue
        bindings += 1
        assert.isFalse(existsSync(`${outcome.success.get(0)}/secret`), "the node's file is in the container")
      }
      assert.isAbove(bindings, 0)
    }).pipe(Effect.scoped))
})
