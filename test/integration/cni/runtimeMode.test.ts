/** Pods' networks made by containerd, and what the agent says of them. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { renameSync, writeFileSync } from "node:fs"
import { eventually, TestNode } from "../../fixture/node/TestNode.ts"
import { ground, Plugins } from "./NetworkGround.ts"
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
})
