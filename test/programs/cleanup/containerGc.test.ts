import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import { collectContainers, containerGc } from "../../../src/programs/cleanup/containerGc.ts"
import { PodRegistry } from "../../../src/programs/pods/PodRegistry.ts"
import * as CleanupNode from "../../fixture/cleanupNode.ts"

type Node = Effect.Success<ReturnType<typeof CleanupNode.make>>

const images = ["registry.k8s.io/pause:3.10", "docker.io/library/busybox:1.29"]

const onNode = <A, E>(
  test: (node: Node) => Effect.Effect<A, E, Effect.Services<typeof collectContainers> | Cri>,
  settings: Parameters<typeof CleanupNode.make>[0] = {}
) =>
  Effect.gen(function*() {
    const node = yield* CleanupNode.make({ runtime: { images }, ...settings })
    return yield* Effect.provideContext(test(node), node.context)
  })

/** Runs the container `times` times; each ends. */
const crash = Effect.fnUntraced(function*(
  inside: Effect.Success<ReturnType<typeof CleanupNode.sandbox>>,
  times: number
) {
  const ids: Array<string> = []
  for (let attempt = 0; attempt < times; attempt++) {
    ids.push(yield* CleanupNode.container(inside, attempt, `echo run ${attempt}; exit 1`))
    yield* TestClock.adjust("1 second")
  }
  return ids
})

describe("dead containers", () => {
  it.effect("G3: of a crashing container the newest record and its log stay, with the one that runs", () =>
    onNode(({ host, runtime }) =>
      Effect.gen(function*() {
        yield* (yield* PodRegistry).replace("api", [CleanupNode.podNamed("web")])
        const inside = yield* CleanupNode.sandbox("web")
        const ids = yield* crash(inside, 3)
        const running = yield* CleanupNode.container(inside, 3)
        host.write(`${CleanupNode.logFolder("web")}/c/0.log.20261101-101500.gz`, "old")
        yield* collectContainers
        assert.deepStrictEqual([...runtime.containers.keys()], [ids[2], running])
        const logs = [...host.at(`${CleanupNode.logFolder("web")}/c`).inode.entries.keys()].sort()
        assert.deepStrictEqual(logs, ["2.log", "3.log"])
      })
    ))

  it.effect("G3/C3: of a pod that no source names everything dead goes, once all sources were heard", () =>
    onNode(({ host, runtime }) =>
      Effect.gen(function*() {
        const registry = yield* PodRegistry
        const inside = yield* CleanupNode.sandbox("gone")
        yield* crash(inside, 2)
        yield* (yield* Cri).stopPodSandbox({ podSandboxId: inside.id })
        yield* collectContainers
        assert.deepStrictEqual([runtime.containers.size, runtime.sandboxes.size], [1, 1])
        assert.isTrue(host.exists(CleanupNode.logFolder("gone")))
        yield* registry.replace("api", [])
        yield* collectContainers
        assert.deepStrictEqual([runtime.containers.size, runtime.sandboxes.size], [0, 0])
        assert.isFalse(host.exists(CleanupNode.logFolder("gone")))
      })
    ))

  it.effect("G3: a sandbox that was replaced goes with its last container", () =>
    onNode(({ runtime }) =>
      Effect.gen(function*() {
        const cri = yield* Cri
        yield* (yield* PodRegistry).replace("api", [CleanupNode.podNamed("web")])
        const old = yield* CleanupNode.sandbox("web")
        yield* CleanupNode.container(old, 0)
        yield* cri.stopPodSandbox({ podSandboxId: old.id })
        yield* TestClock.adjust("1 second")
        const fresh = yield* CleanupNode.sandbox("web", 1)
        yield* collectContainers
        assert.deepStrictEqual([...runtime.sandboxes.keys()], [old.id, fresh.id])
        yield* CleanupNode.container(fresh, 1, "exit 1")
        yield* TestClock.adjust("1 second")
        yield* collectContainers
        assert.deepStrictEqual([...runtime.sandboxes.keys()], [fresh.id])
      })
    ))

  it.effect("G3: what has no pod's label is not the agent's", () =>
    onNode(({ runtime }) =>
      Effect.gen(function*() {
        const cri = yield* Cri
        yield* (yield* PodRegistry).replace("api", [])
        const config = { metadata: { name: "foreign", namespace: "x", uid: "f", attempt: 0 } }
        const { podSandboxId } = yield* cri.runPodSandbox({ config })
        yield* cri.stopPodSandbox({ podSandboxId })
        yield* collectContainers
        assert.strictEqual(runtime.sandboxes.size, 1)
      })
    ))

  it.effect("G3: a round in which nothing has to go lists sandboxes and containers once", () =>
    onNode(({ runtime }) =>
      Effect.gen(function*() {
        yield* (yield* PodRegistry).replace("api", [CleanupNode.podNamed("web")])
        yield* CleanupNode.container(yield* CleanupNode.sandbox("web"), 0)
        runtime.calls.length = 0
        yield* collectContainers
        assert.deepStrictEqual(runtime.calls.map(({ method }) => method), ["ListPodSandbox", "ListContainers"])
      }), { runtime: { images, recordCalls: true } }))

  it.effect("G3: runs every minute, and says of a failure on the node why", () =>
    Effect.gen(function*() {
      const node = yield* CleanupNode.make({ settings: { podLogsDir: "/file" }, runtime: { images } })
      node.host.write("/file", "")
      yield* Effect.provideContext(Effect.forkChild(containerGc), node.context)
      yield* TestClock.adjust("1 minute")
      const events = yield* node.events
      assert.strictEqual(events.length, 2)
      assert.match(events[0] ?? "", /^ContainerGCFailed: readdir \/file: /)
    }))
})

describe("stray logs", () => {
  it.effect("G3/D15: folders of pods that are gone and links to nowhere go, all else stays", () =>
    onNode(({ host }) =>
      Effect.gen(function*() {
        yield* (yield* PodRegistry).replace("api", [CleanupNode.podNamed("web")])
        const inside = yield* CleanupNode.sandbox("web")
        const running = yield* CleanupNode.container(inside, 0)
        const log = `${CleanupNode.logFolder("web")}/c/0.log`
        host.makeDirectories("/var/log/pods/shop_old_uid-old/c")
        host.makeDirectories("/var/log/pods/lost+found")
        host.makeDirectories("/var/log/containers")
        const link = (name: string, target: string) =>
          host.create(`/var/log/containers/${name}`, { type: "symlink", mode: 0o777, target })
        link(`web_shop_c-${running}.log`, log)
        link("old_shop_c-abc.log", "/var/log/pods/shop_old_uid-old/c/0.log")
        host.write("/var/log/containers/README.log", "not a link")
        yield* collectContainers
        const entries = (path: string) => [...host.at(path).inode.entries.keys()].sort()
        assert.deepStrictEqual(entries("/var/log/pods"), ["lost+found", "shop_web_uid-web"])
        assert.deepStrictEqual(entries("/var/log/containers"), ["README.log", `web_shop_c-${running}.log`])
      })
    ))

  it.effect("D15: the link of a running container stays while its log is being moved aside", () =>
    onNode(({ host }) =>
      Effect.gen(function*() {
        yield* (yield* PodRegistry).replace("api", [CleanupNode.podNamed("web")])
        const running = yield* CleanupNode.container(yield* CleanupNode.sandbox("web"), 0)
        const log = `${CleanupNode.logFolder("web")}/c/0.log`
        const link = `/var/log/containers/web_shop_c-${running}.log`
        host.makeDirectories("/var/log/containers")
        host.create(link, { type: "symlink", mode: 0o777, target: log })
        host.rename(log, `${log}.20261101-101500`)
        yield* collectContainers
        assert.isTrue(host.table.find(link, false) !== undefined)
      })
    ))
})
