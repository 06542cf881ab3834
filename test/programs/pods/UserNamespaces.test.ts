/** Which host ids pods with a user namespace of their own get, and when they get none. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import * as ProcessesMemory from "../../../src/layers/host/ProcessesMemory.ts"
import * as UserNamespaces from "../../../src/programs/pods/UserNamespaces.ts"
import { RuntimeHealth } from "../../../src/programs/runtime/RuntimeHealth.ts"
import { podOf } from "../../domain/pod/fixtures.ts"
import { agentConfig } from "../../fixture/agentSettings.ts"

const pod = (uid: string) => podOf({ hostUsers: false }, { meta: { uid } })

const handlers = [
  { name: "", recursiveReadOnlyMounts: true, userNamespaces: true },
  { name: "old", recursiveReadOnlyMounts: false, userNamespaces: false }
]

/** A machine with folders for pods `a`, `b` and `c`; `subids` is what `getsubids` prints, by its arguments. */
const machine = (subids?: (args: string) => string) => {
  const host = new HostFilesMemory.MemoryHost()
  for (const uid of ["a", "b", "c"]) host.makeDirectories(`/var/lib/kubelet/pods/${uid}`)
  const programs = ProcessesMemory.makeHandle()
  if (subids !== undefined) {
    programs.programs.set("getsubids", ({ args }) =>
      Effect.sync(() => {
        const stdout = subids(args.join(" "))
        return { exitCode: stdout === "" ? 1 : 0, stdout, stderr: "" }
      }))
  }
  const health = Layer.mock(RuntimeHealth)({
    status: Effect.succeed({
      runtimeProblem: "",
      networkProblem: "",
      version: "containerd://2",
      handlers,
      supplementalGroupsPolicy: true
    })
  })
  const layer = Layer.fresh(UserNamespaces.layer).pipe(
    Layer.provide(Layer.mergeAll(
      agentConfig({ maxPods: 2 }),
      health,
      HostFilesMemory.layer(host),
      ProcessesMemory.layer(programs)
    ))
  )
  const ask = (uid: string, handler = "") =>
    Effect.gen(function*() {
      const namespaces = yield* UserNamespaces.UserNamespaces
      const mappings = yield* namespaces.mappingsOf(pod(uid), handler)
      return mappings?.uids[0]?.hostId
    }).pipe(Effect.provide(layer), Effect.catch((error) => Effect.succeed(error.message)))
  return { host, ask, layer }
}

describe("E13: user namespaces of pods", () => {
  it.effect("each pod has a block of its own, the same for each agent, until its folder is gone", () =>
    Effect.gen(function*() {
      const { ask, host } = machine()
      assert.deepStrictEqual([yield* ask("a"), yield* ask("b"), yield* ask("a")], [65_536, 131_072, 65_536])
      assert.strictEqual(yield* ask("c"), "could not find an empty slot to allocate a user namespace")
      assert.strictEqual(
        host.readText("/var/lib/kubelet/pods/a/userns"),
        "{\"uidMappings\":[{\"hostId\":65536,\"containerId\":0,\"length\":65536}]," +
          "\"gidMappings\":[{\"hostId\":65536,\"containerId\":0,\"length\":65536}]}"
      )
      host.removeTree("/var/lib/kubelet/pods/a")
      assert.strictEqual(yield* ask("c"), 65_536)
    }))

  it.effect("what the administrator has set aside is used", () =>
    Effect.gen(function*() {
      const { ask } = machine(() => "0: kubelet 1048576 131072\n")
      assert.strictEqual(yield* ask("a"), 1_048_576)
    }))

  it.effect("unless it is too little, or other groups than users", () =>
    Effect.gen(function*() {
      assert.match(String(yield* machine(() => "0: kubelet 65536 65536\n").ask("a")), /too few for 2 pods/)
      const unequal = machine((args) => `0: kubelet ${args === "kubelet" ? 65_536 : 131_072} 131072\n`)
      assert.match(String(yield* unequal.ask("a")), /other subordinate group ids/)
    }))

  it.effect("a runtime that has none is told of by its handler's name", () =>
    Effect.gen(function*() {
      const { ask } = machine()
      assert.strictEqual(
        yield* ask("a", "old"),
        "can't set hostUsers: false, RuntimeClass handler \"old\" does not support user namespaces"
      )
    }))

  it.effect("pods with the users of the host need none", () =>
    Effect.gen(function*() {
      const namespaces = yield* UserNamespaces.UserNamespaces
      assert.isUndefined(yield* namespaces.mappingsOf(podOf(), ""))
      assert.isUndefined(yield* namespaces.mappingsOf(podOf({ hostUsers: true }), ""))
    }).pipe(Effect.provide(machine().layer)))
})
