import { Effect, Layer } from "effect"
import { mkdirSync } from "node:fs"
import * as CsiLive from "../../../src/layers/csi/CsiLive.ts"
import { csiContract, DriverUnderTest } from "../../contract/CsiContract.ts"
import * as DriverProcess from "../../fixture/csi/DriverProcess.ts"
import { realHost, scratch } from "../volumes/ground.ts"

const handle = Layer.effect(
  DriverUnderTest,
  Effect.gen(function*() {
    const dir = yield* scratch
    const socket = `${dir}/csi.sock`
    const driver = yield* DriverProcess.make({ folder: dir, socket, registrationSocket: `${dir}/reg.sock` })
    yield* driver.start
    mkdirSync(`${dir}/test`)
    return DriverUnderTest.of({
      endpoint: socket,
      folder: `${dir}/test`,
      misbehave: driver.misbehave,
      revive: Effect.andThen(driver.kill, driver.start)
    })
  })
)

csiContract("a process behind its socket", Layer.mergeAll(CsiLive.layer(), handle, realHost))
