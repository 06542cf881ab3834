import { Layer } from "effect"
import * as SystemdSim from "../../../src/layers/systemd/SystemdSim.ts"
import { systemdContract, SystemdGround } from "../../contract/SystemdContract.ts"

const handle = SystemdSim.makeHandle()

systemdContract(
  "sim",
  Layer.merge(
    SystemdSim.layer(handle),
    Layer.succeed(SystemdGround, SystemdGround.of({ properties: (unit) => handle.units.get(unit) }))
  )
)
