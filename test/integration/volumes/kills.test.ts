import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { buildSync } from "esbuild"
import { spawn } from "node:child_process"
import { randomInt } from "node:crypto"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { sweepStages } from "../../../src/programs/csi/sweepStages.ts"
import * as DriverProcess from "../../fixture/csi/DriverProcess.ts"
import { eventually } from "../../fixture/node/TestNode.ts"
import { mountsBelow, scratch } from "./ground.ts"
import { comeUp, makeObjects, pod, worldOn } from "./victim.ts"

const kills = 50
/** A life of the pod's volumes takes about this long, so that kills fall anywhere in it. */
const lifeMs = 250

/** Starts the process, lets it live for so long after it has begun, and kills it as nothing else can. */
const killAfter = (program: string, place: { readonly root: string; readonly socket: string }, ms: number) =>
  Effect.promise(() =>
    new Promise<void>((resolve, reject) => {
      const child = spawn(process.execPath, [program, place.root, place.socket], {
        stdio: ["ignore", "pipe", "inherit"],
        // A process that lives for a moment should not spend it reading its program.
        env: { ...process.env, NODE_COMPILE_CACHE: `${place.root}/../compiled` }
      })
      child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), ms))
      child.once(
        "exit",
        (code, signal) =>
          signal === "SIGKILL" ? resolve() : reject(new Error(`the victim ended by itself with ${code}`))
      )
    })
  )

describe("crash-only: kill -9 on real mounts", () => {
  it.live(
    `${kills} random kills, local volumes and a driver's: mounted at most once, then up and gone without a trace`,
    () =>
      Effect.gen(function*() {
        const dir = yield* scratch
        const root = `${dir}/root`
        const program = `${dir}/victim.mjs`
        const socket = `${dir}/csi.sock`
        const driver = yield* DriverProcess.make({ folder: dir, socket, registrationSocket: `${dir}/reg.sock` })
        yield* driver.start
        buildSync({
          entryPoints: [new URL("victimMain.ts", import.meta.url).pathname],
          outfile: program,
          bundle: true,
          platform: "node",
          format: "esm",
          banner: {
            js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
          },
          logLevel: "error"
        })
        const delays = Array.from({ length: kills }, () => randomInt(lifeMs))
        for (const ms of delays) {
          yield* killAfter(program, { root, socket }, ms)
          const mounts = mountsBelow(root)
          assert.strictEqual(new Set(mounts).size, mounts.length, `mounted twice after ${delays}: ${mounts.join(" ")}`)
        }
        const { client, start } = yield* worldOn(root, socket)
        yield* makeObjects(client)
        const agent = yield* start()
        const bound = yield* comeUp(agent)
        const at = `${root}/pods/u1/volumes`
        assert.strictEqual(readFileSync(bound.get(2) ?? "", "utf8"), "1")
        assert.strictEqual(readFileSync(`${at}/kubernetes.io~secret/s/k`, "utf8"), "hush")
        assert.strictEqual(statSync(`${at}/kubernetes.io~empty-dir/d`).mode & 0o7777, 0o2777)
        assert.lengthOf(readdirSync(`${at}/kubernetes.io~configmap/c`).filter((name) => name.startsWith("..")), 2)
        for (const name of ["pv-k", "i"]) assert.include(mountsBelow(root), `${at}/kubernetes.io~csi/${name}/mount`)
        // Two in memory, the stage and two volumes of the driver, three subpaths.
        assert.lengthOf(mountsBelow(root), 8)
        yield* agent.volumes.release(pod.metadata.uid)
        // What was staged for a pod that is gone is looked for now and then.
        yield* Effect.forkScoped(Effect.provide(sweepStages, agent.context))
        const staged = `${root}/plugins/kubernetes.io/csi/${driver.name}`
        yield* eventually(Effect.sync(() => assert.deepStrictEqual(existsSync(staged) ? readdirSync(staged) : [], [])))
        yield* agent.stop
        assert.deepStrictEqual(readdirSync(`${root}/pods/u1`), [])
        assert.isEmpty(mountsBelow(root))
      }).pipe(Effect.scoped),
    300_000
  )
})
