import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { defaultNodeSettings as node } from "../../../../src/domain/config/nodeSettings.ts"
import type { Pod } from "../../../../src/domain/k8s/pod.ts"
import * as HostFilesMemory from "../../../../src/layers/host/HostFilesMemory.ts"
import { linkLegacyLog, makePodFolders } from "../../../../src/programs/pods/actions/podFolders.ts"

const pod: Pod = { metadata: { name: "web", namespace: "shop", uid: "uid-1" }, spec: { containers: [{ name: "c" }] } }

describe("folders of a pod", () => {
  it.effect("A16: they are there with the modes of the kubelet", () => {
    const host = new HostFilesMemory.MemoryHost()
    return Effect.gen(function*() {
      yield* makePodFolders(pod, node)
      yield* makePodFolders(pod, node)
      const modes = ["", "/volumes", "/plugins", "/containers"].map((below) =>
        host.at(`${node.rootDir}/pods/uid-1${below}`).inode.mode
      )
      assert.deepStrictEqual(modes, [0o750, 0o750, 0o750, 0o750])
      assert.strictEqual(host.at(`${node.podLogsDir}/shop_web_uid-1`).inode.mode, 0o755)
    }).pipe(Effect.provide(HostFilesMemory.layer(host)))
  })

  it.effect("D15: the folder of the links of logs is made when it is missing", () => {
    const host = new HostFilesMemory.MemoryHost()
    const folder = "/var/log/containers"
    const link = (containerId: string) =>
      linkLegacyLog(pod, { folder, logPath: `/logs/${containerId}`, container: "c", containerId })
    return Effect.gen(function*() {
      yield* link("one")
      assert.strictEqual(host.at(folder).inode.mode, 0o755)
      yield* link("two")
      assert.deepStrictEqual([...host.at(folder).inode.entries.keys()], [
        "web_shop_c-one.log",
        "web_shop_c-two.log"
      ])
      host.removeTree("/var/log")
      yield* link("three")
      assert.deepStrictEqual([...host.at(folder).inode.entries.keys()], ["web_shop_c-three.log"])
    }).pipe(Effect.provide(HostFilesMemory.layer(host)))
  })
})
