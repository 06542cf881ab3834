/** `kubeffect doctor network`, on a containerd with a network that works and one that does not. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { TestContainerd } from "../../fixture/containerd/TestContainerd.ts"
import { containerd, ground, Plugins, plugins } from "./NetworkGround.ts"

const doctor = (endpoint: string) =>
  spawnSync(join(import.meta.dirname, "../../../bin/kubeffect"), [
    "doctor",
    "network",
    `--container-runtime-endpoint=unix://${endpoint}`
  ], { encoding: "utf8", timeout: 60_000 })

layer(containerd.pipe(Layer.provideMerge(plugins)), { timeout: "120 seconds", excludeTestServices: true })(
  "kubeffect doctor network",
  (it) => {
    it.effect("tells what stands, and then what was broken", () =>
      Effect.gen(function*() {
        const { socket } = yield* TestContainerd
        const broken = yield* Plugins
        const { bridge, confDir } = yield* ground
        const well = doctor(socket)
        for (
          const line of [
            "ok   the runtime says NetworkReady",
            `ok   the runtime reads ${confDir} and has plugins in ${broken.folder}`,
            `bridge → portmap → bandwidth: the network of pods`,
            `note ${confDir}/50-extra.conflist`,
            "ok   plugin host-local speaks 0.1.0",
            `bridge ${bridge} is made with the first pod`
          ]
        ) assert.include(well.stdout, line)
        yield* broken.remove("host-local")
        const lacking = doctor(socket)
        assert.strictEqual(lacking.status, 1)
        assert.include(lacking.stdout, `BAD  plugin host-local, which ${confDir}/10-kubeffect.conflist needs`)
        yield* broken.restore("host-local")
        writeFileSync(`${confDir}/01-typo.conflist`, "{\"cniVersion\":\"1.0.0\",\"name\":\"typo\"")
        const typo = doctor(socket)
        assert.include(typo.stdout, `BAD  network configuration ${confDir}/01-typo.conflist: it is no JSON`)
        const nobody = doctor("/nowhere.sock")
        assert.strictEqual(nobody.status, 1)
        assert.include(nobody.stdout, "BAD  the runtime does not answer")
      }))
  }
)
