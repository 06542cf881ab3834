/** Pods' networks made by containerd, and what the agent says of them. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { TestContainerd } from "../../fixture/containerd/TestContainerd.ts"
import { eventually, TestNode } from "../../fixture/node/TestNode.ts"
import { ground, held, Plugins } from "./NetworkGround.ts"
import { deleteAll, eventsOf, field, networkSuite, nodeIsReady, podWith, ready, under } from "./nodeNetworkSuite.ts"

const readyMessage = field("node", "n1", ".status.conditions[?(@.type==\"Ready\")].message")

layer(under("runtime"), { timeout: "120 seconds", excludeTestServices: true })("a node, runtime mode", (it) => {
  networkSuite("runtime", it)

  it.effect("B6: a configuration that cannot be read is named in the node's Ready message", () =>
    Effect.gen(function*() {
      const { confDir } = yield* ground
      writeFileSync(`${confDir}/00-bad.conflist`, "{ nothing")
      yield* eventually(Effect.map(readyMessage, (text) => assert.include(text, `${confDir}/00-bad.conflist`)))
      assert.strictEqual(yield* field("node", "n1", ".status.conditions[?(@.type==\"Ready\")].status"), "False")
      renameSync(`${confDir}/00-bad.conflist`, `${confDir}/bad.off`)
      yield* nodeIsReady
    }))

  it.effect("a plugin that is missing is named by the node, and by the events of the pods that want it", () =>
    Effect.gen(function*() {
      const node = yield* TestNode
      const plugins = yield* Plugins
      const { confDir } = yield* ground
      yield* plugins.remove("portmap")
      yield* eventually(
        Effect.map(
          readyMessage,
          (text) =>
            assert.include(text, `plugin portmap, which ${confDir}/10-kubeffect.conflist needs, is not installed`)
        )
      )
      yield* node.apply(podWith("early"))
      const told = yield* eventually(
        Effect.tap(eventsOf("early"), (text) => Effect.sync(() => assert.include(text, "FailedCreatePodSandBox")))
      )
      assert.include(told, `install plugin portmap into ${plugins.folder} or correct ${confDir}/10-kubeffect.conflist`)
      yield* plugins.restore("portmap")
      yield* nodeIsReady
      yield* ready("early", 60)
      yield* deleteAll
    }))

  it.effect("an exhausted range is told with the range and the file, and pods start when there is room", () =>
    Effect.gen(function*() {
      const node = yield* TestNode
      const { confDir } = yield* ground
      const file = `${confDir}/10-kubeffect.conflist`
      const whole = readFileSync(file, "utf8")
      const config = JSON.parse(whole)
      const [[range]] = config.plugins[0].ipam.ranges
      const base = range.subnet.replace("0/24", "")
      config.plugins[0].ipam.ranges = [[{ ...range, rangeStart: `${base}200`, rangeEnd: `${base}200` }]]
      writeFileSync(file, JSON.stringify(config))
      yield* node.apply(podWith("first"))
      yield* ready("first", 60)
      yield* node.apply(podWith("second"))
      const told = yield* eventually(
        Effect.tap(eventsOf("second"), (text) => Effect.sync(() => assert.include(text, "no IP addresses available")))
      )
      assert.include(told, `all addresses ${base}200-${base}200 of plugin bridge are taken`)
      assert.include(told, file)
      yield* node.ok("delete", "pod", "first", "--timeout=60s")
      yield* ready("second", 60)
      writeFileSync(file, whole)
      yield* deleteAll
    }))

  it.effect("kill -9 of the runtime during ADD: the pod gets one address, and nothing is left of the first", () =>
    Effect.gen(function*() {
      const node = yield* TestNode
      const plugins = yield* Plugins
      const daemon = yield* TestContainerd
      yield* plugins.replace("portmap", "[ \"$CNI_COMMAND\" = ADD ] && sleep 2; exec $REAL")
      yield* node.apply(podWith("crash-add"))
      yield* eventually(Effect.map(held, ({ leases }) => assert.strictEqual(leases.length, 2)))
      yield* daemon.kill
      yield* plugins.restore("portmap")
      yield* daemon.start
      yield* ready("crash-add", 60)
      yield* deleteAll
    }))

  it.effect("kill -9 of the runtime during DEL: the address comes back all the same", () =>
    Effect.gen(function*() {
      const node = yield* TestNode
      const plugins = yield* Plugins
      const daemon = yield* TestContainerd
      yield* node.apply(podWith("crash-del"))
      yield* ready("crash-del", 60)
      yield* plugins.replace("bridge", "[ \"$CNI_COMMAND\" = DEL ] && echo x > $0.began && sleep 3; exec $REAL")
      yield* node.ok("delete", "pod", "crash-del", "--wait=false", "--grace-period=1")
      yield* eventually(Effect.sync(() => assert.include(plugins.list(), "bridge.began")))
      yield* daemon.kill
      yield* plugins.restore("bridge")
      yield* daemon.start
      yield* nodeIsReady
      yield* deleteAll
    }))

  it.effect("a plugin that breaks down, in whatever way, is named with its file; no address stays, and it heals", () =>
    Effect.gen(function*() {
      const node = yield* TestNode
      const plugins = yield* Plugins
      const { confDir } = yield* ground
      const faults = [
        { name: "garbage", script: "$REAL >/dev/null; echo no json" },
        { name: "refuses", script: "echo '{\"cniVersion\":\"0.4.0\",\"code\":100,\"msg\":\"no luck\"}'; exit 1" },
        { name: "killed", script: "kill -9 $$" }
      ]
      for (const { name, script } of faults) {
        yield* plugins.replace("portmap", `[ "$CNI_COMMAND" = DEL ] && exec $REAL\n${script}`)
        yield* node.apply(podWith(name))
        const told = yield* eventually(
          Effect.tap(eventsOf(name), (text) => Effect.sync(() => assert.include(text, "FailedCreatePodSandBox")))
        )
        assert.include(told, "portmap")
        assert.include(told, `${confDir}/10-kubeffect.conflist`)
        yield* plugins.restore("portmap")
        yield* ready(name, 60)
        yield* eventually(Effect.map(held, ({ leases }) => assert.strictEqual(leases.length, 2)))
        yield* deleteAll
      }
    }))
})
