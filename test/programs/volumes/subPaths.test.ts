import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import { podWith } from "../../domain/volumes/pods.ts"
import { listing, make, makeConfigMap, root, untilReady } from "./world.ts"

const volume = `${root}/pods/u1/volumes/kubernetes.io~empty-dir/v`
const place = `${root}/pods/u1/volume-subpaths/v/c`
const pod: Pod = podWith([{ name: "v", emptyDir: {} }])
const container = pod.spec.containers[0] ?? { name: "c" }

const ready = Effect.gen(function*() {
  const world = yield* make
  const agent = yield* world.start()
  yield* untilReady(agent, pod)
  const bind = (path: string) => agent.volumes.subPaths(pod, container, new Map([[0, path]]))
  return { ...world, agent, bind }
})

describe("I11: subpaths", () => {
  it.effect("golden: emptydir-kinds: missing directories are made as open as the volume, and bound in place", () =>
    Effect.gen(function*() {
      const { bind, host } = yield* ready
      const bound = yield* bind("x/y")
      assert.deepStrictEqual([...bound], [[0, `${place}/0`]])
      assert.deepStrictEqual(listing(host, volume), [`d 777 ${volume}`, `d 777 ${volume}/x`, `d 777 ${volume}/x/y`])
      host.write(`${place}/0/f`, "1")
      assert.strictEqual(host.readText(`${volume}/x/y/f`), "1")
    }))

  it.effect("a container that starts again gets the same place, mounted once", () =>
    Effect.gen(function*() {
      const { bind, host } = yield* ready
      yield* bind("x")
      yield* bind("x")
      assert.lengthOf(host.mountPoints().filter((point) => point === `${place}/0`), 1)
    }))

  it.effect("what is bound to a file that was replaced is bound anew", () =>
    Effect.gen(function*() {
      const { bind, host } = yield* ready
      host.write(`${volume}/f`, "old")
      yield* bind("f")
      host.removeFile(`${volume}/f`)
      host.write(`${volume}/f`, "new")
      assert.strictEqual(host.readText(`${place}/0`), "old")
      yield* bind("f")
      assert.strictEqual(host.readText(`${place}/0`), "new")
      assert.lengthOf(host.mountPoints().filter((point) => point === `${place}/0`), 1)
    }))

  it.effect("golden: configmap-volume: a key is reached through the links of the volume", () =>
    Effect.gen(function*() {
      const { client, host, start } = yield* make
      yield* makeConfigMap(client, "m", { a: "1" })
      const one = podWith([{ name: "v", configMap: { name: "m" } }])
      const agent = yield* start()
      yield* untilReady(agent, one)
      const bound = yield* agent.volumes.subPaths(one, container, new Map([[0, "a"]]))
      assert.strictEqual(host.readText(bound.get(0) ?? ""), "1")
    }))

  it.effect("a link that stays in the volume is followed", () =>
    Effect.gen(function*() {
      const { bind, host } = yield* ready
      host.makeDirectories(`${volume}/real`)
      host.create(`${volume}/alias`, { type: "symlink", mode: 0o777, target: "real" })
      yield* bind("alias/new")
      assert.isTrue(host.exists(`${volume}/real/new`))
    }))

  const escapes = [
    { why: "an absolute link to the node's files", target: "/etc", path: "l" },
    { why: "a relative link out of the volume", target: "../../../../../etc", path: "l" },
    { why: "a directory to be made behind a link", target: "/etc", path: "l/new" },
    { why: "a link to the volume's own neighbours", target: "..", path: "l" },
    { why: "a link that leads nowhere, which making would make real", target: "/etc/nothing", path: "l" },
    { why: "a path that climbs", target: "x", path: "../w" }
  ]
  it.effect.each(escapes)("is refused: $why", ({ path, target }) =>
    Effect.gen(function*() {
      const { bind, host } = yield* ready
      host.makeDirectories("/var/lib/etc")
      host.makeDirectories("/etc")
      host.write("/etc/shadow", "root")
      host.create(`${volume}/l`, { type: "symlink", mode: 0o777, target })
      const before = listing(host, "/etc")
      const error = yield* Effect.flip(bind(path))
      assert.include(error.message, "failed to prepare subPath for volumeMount \"v\" of container \"c\"")
      assert.deepStrictEqual(listing(host, "/etc"), before)
      assert.isFalse(host.mountPoints().some((point) => point.startsWith(place)))
    }))

  it.effect("all are unmounted before the volumes they are made of", () =>
    Effect.gen(function*() {
      const { agent, bind, host } = yield* ready
      yield* bind("x/y")
      yield* agent.volumes.release("u1")
      assert.lengthOf(host.table.mounts, 1)
      assert.deepStrictEqual(listing(host, `${root}/pods/u1`).slice(1), [])
    }))

  it.effect("a volume that is not there cannot be taken a part of", () =>
    Effect.gen(function*() {
      const { start } = yield* make
      const agent = yield* start()
      const error = yield* Effect.flip(agent.volumes.subPaths(pod, container, new Map([[0, "x"]])))
      assert.include(error.message, "volume \"v\" is not mounted")
    }))
})
