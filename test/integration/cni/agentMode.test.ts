/** Pods' networks made by the agent, behind the shim. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { eventually, TestNode } from "../../fixture/node/TestNode.ts"
import { ground, held, Plugins } from "./NetworkGround.ts"
import { deleteAll, eventsOf, field, networkSuite, nodeIsReady, podWith, ready, under } from "./nodeNetworkSuite.ts"

const networks = "k8s.v1.cni.cncf.io/networks"
const status = ".metadata.annotations.k8s\\.v1\\.cni\\.cncf\\.io/network-status"

/** What the agent has on record. */
/** Not what is just being written: a record gets its name when it is whole. */
const recordsOf = (folder: string) =>
  readdirSync(join(folder, "kubelet/network/pods")).filter((name) => name.endsWith(".json"))

layer(under("agent"), { timeout: "120 seconds", excludeTestServices: true })("a node, agent mode", (it) => {
  networkSuite("agent", it)

  it.effect("two networks in one pod, with the address asked for, and the status annotation", () =>
    Effect.gen(function*() {
      const node = yield* TestNode
      const third = /\.(\d+)$/.exec((yield* ground).prefix)?.[1]
      const wanted = `10.98.${third}.77`
      yield* node.apply(
        podWith("two", { [networks]: JSON.stringify([{ name: "extra", interface: "data0", ips: [`${wanted}/24`] }]) }),
        podWith("short", { [networks]: "extra" })
      )
      yield* ready("two")
      yield* ready("short")
      assert.include(yield* node.ok("exec", "two", "--", "ip", "addr", "show", "data0"), `inet ${wanted}/24`)
      assert.include(yield* node.ok("exec", "short", "--", "ip", "addr", "show", "net1"), `inet 10.98.${third}.`)
      yield* node.ok("exec", "short", "--", "ping", "-c", "1", "-W", "3", wanted)
      const told = yield* eventually(
        Effect.tap(field("pod", "two", status), (text) => Effect.sync(() => assert.notStrictEqual(text, "")))
      )
      const [first, second] = JSON.parse(told)
      assert.deepInclude(first, { interface: "eth0", default: true })
      assert.strictEqual(first.ips.join(" "), yield* field("pod", "two", ".status.podIPs[*].ip"))
      assert.deepInclude(second, { name: "default/extra", interface: "data0", ips: [wanted] })
      yield* deleteAll
    }))

  it.effect("a network that does not exist is told, and the pod starts when it is there", () =>
    Effect.gen(function*() {
      const node = yield* TestNode
      yield* node.apply(podWith("lost", { [networks]: "nowhere" }))
      const told = yield* eventually(
        Effect.tap(eventsOf("lost"), (text) => Effect.sync(() => assert.include(text, "FailedCreatePodSandBox")))
      )
      assert.include(told, "there is no NetworkAttachmentDefinition default/nowhere that this node can read")
      yield* deleteAll
    }))

  it.effect("each fault of a plugin is told with plugin and file, leaves no address, and heals", () =>
    Effect.gen(function*() {
      const node = yield* TestNode
      const plugins = yield* Plugins
      const { confDir } = yield* ground
      const faults = [
        { name: "garbage", script: "$REAL >/dev/null; echo no json", says: "its output cannot be read: it is no JSON" },
        {
          name: "refuses",
          script: "echo '{\"cniVersion\":\"0.4.0\",\"code\":100,\"msg\":\"out of luck\"}'; exit 1",
          says: "plugin portmap: out of luck (code 100)"
        },
        { name: "killed", script: "kill -9 $$", says: "plugin portmap: was killed before it had ended" }
      ]
      for (const { name, says, script } of faults) {
        // DEL works, so that what ADD has done can be undone.
        yield* plugins.replace("portmap", `[ "$CNI_COMMAND" = DEL ] && exec $REAL\n${script}`)
        yield* node.apply(podWith(name))
        const told = yield* eventually(
          Effect.tap(eventsOf(name), (text) => Effect.sync(() => assert.include(text, says)))
        )
        assert.include(told, `${confDir}/10-kubeffect.conflist`)
        yield* eventually(Effect.map(held, ({ leases }) => assert.deepStrictEqual(leases, [])))
        yield* plugins.restore("portmap")
        yield* ready(name, 60)
        assert.strictEqual((yield* held).leases.length, 2)
        yield* deleteAll
      }
    }))

  it.effect("DEL is tried until it is done: what the other plugins hold is returned at once, the rest later", () =>
    Effect.gen(function*() {
      const node = yield* TestNode
      const plugins = yield* Plugins
      yield* node.apply(podWith("sticky"))
      yield* ready("sticky")
      yield* plugins.replace("portmap", "[ \"$CNI_COMMAND\" = DEL ] && exit 1; exec $REAL")
      yield* node.ok("delete", "pod", "sticky", "--wait=false", "--grace-period=1")
      yield* eventually(Effect.map(held, ({ leases }) => assert.deepStrictEqual(leases, [])))
      assert.strictEqual(recordsOf(node.folder).length, 1)
      yield* plugins.restore("portmap")
      yield* deleteAll
    }))

  it.effect("kill -9 of the agent during ADD: the shim waits, the next agent finishes, nothing is left", () =>
    Effect.gen(function*() {
      const node = yield* TestNode
      const plugins = yield* Plugins
      yield* plugins.replace("portmap", "[ \"$CNI_COMMAND\" = ADD ] && sleep 2; exec $REAL")
      yield* node.apply(podWith("crash-add"))
      yield* eventually(Effect.map(held, ({ leases }) => assert.strictEqual(leases.length, 2)))
      yield* node.kill("SIGKILL")
      yield* plugins.restore("portmap")
      yield* node.start
      yield* ready("crash-add", 60)
      yield* eventually(
        Effect.map(held, ({ leases, ports }) => assert.deepStrictEqual([leases.length, ports.length], [2, 1]))
      )
      yield* deleteAll
    }))

  it.effect("kill -9 of the agent during DEL: the next agent finishes it", () =>
    Effect.gen(function*() {
      const node = yield* TestNode
      const plugins = yield* Plugins
      yield* node.apply(podWith("crash-del"))
      yield* ready("crash-del")
      yield* plugins.replace("bridge", "[ \"$CNI_COMMAND\" = DEL ] && echo x > $0.began && sleep 30; exec $REAL")
      yield* node.ok("delete", "pod", "crash-del", "--wait=false", "--grace-period=1")
      yield* eventually(Effect.sync(() => assert.include(plugins.list(), "bridge.began")))
      yield* node.kill("SIGKILL")
      yield* plugins.restore("bridge")
      yield* node.start
      yield* nodeIsReady
      yield* deleteAll
    }))
})
