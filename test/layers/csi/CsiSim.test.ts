import { Effect, Layer } from "effect"
import * as CsiSim from "../../../src/layers/csi/CsiSim.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import * as MountsMemory from "../../../src/layers/host/MountsMemory.ts"
import { csiContract, DriverUnderTest } from "../../contract/CsiContract.ts"

const under = Layer.unwrap(Effect.sync(() => {
  const host = new HostFilesMemory.MemoryHost()
  for (const folder of ["/backing", "/test"]) host.makeDirectories(folder)
  const driver = CsiSim.makeDriver({
    name: "folders.example.com",
    nodeId: "node-7",
    maxVolumes: 0,
    topology: {},
    abilities: ["STAGE_UNSTAGE_VOLUME", "GET_VOLUME_STATS"],
    backing: "/backing"
  })
  const drivers = new Map([["/csi.sock", driver]])
  const handle = Layer.succeed(
    DriverUnderTest,
    DriverUnderTest.of({
      endpoint: "/csi.sock",
      folder: "/test",
      misbehave: (faults) =>
        Effect.sync(() => {
          driver.faults.clear()
          for (const [method, fault] of Object.entries(faults)) driver.faults.set(method, fault)
        }),
      revive: Effect.sync(() => drivers.set("/csi.sock", driver))
    })
  )
  return Layer.merge(CsiSim.layer(drivers), handle).pipe(
    Layer.provideMerge(Layer.merge(HostFilesMemory.layer(host), MountsMemory.layer(host)))
  )
}))

csiContract("simulated", under)
