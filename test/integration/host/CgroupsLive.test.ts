import { Effect, Layer } from "effect"
import { spawn } from "node:child_process"
import * as CgroupsLive from "../../../src/layers/host/CgroupsLive.ts"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import * as ProcessesLive from "../../../src/layers/host/ProcessesLive.ts"
import { CgroupGround, hostCgroupsContract } from "../../contract/HostCgroupsContract.ts"

const ground = Layer.succeed(
  CgroupGround,
  CgroupGround.of({
    parent: `/kubeffect-test-${process.pid}`,
    spawn: Effect.acquireRelease(
      Effect.sync(() => spawn("sleep", ["600"], { stdio: "ignore" })),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    ).pipe(Effect.map((child) => child.pid ?? 0))
  })
)

const live = CgroupsLive.layer().pipe(Layer.provide(Layer.merge(HostFilesLive.layer, ProcessesLive.layer)))
hostCgroupsContract("live", Layer.merge(live, ground))
