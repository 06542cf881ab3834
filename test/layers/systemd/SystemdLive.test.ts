import { Effect, Layer } from "effect"
import * as SystemdLive from "../../../src/layers/systemd/SystemdLive.ts"
import { systemdContract, SystemdGround } from "../../contract/SystemdContract.ts"
import * as FakeSystemd from "../../fixture/systemd/FakeSystemd.ts"

systemdContract(
  "by systemd's own socket, where there is no bus",
  Layer.unwrap(Effect.map(FakeSystemd.makePrivate, ({ privatePath, units }) =>
    Layer.merge(
      SystemdLive.layer({ socketPath: "/no/such/bus", privatePath }),
      Layer.succeed(SystemdGround, SystemdGround.of({ properties: (unit) => units.get(unit) }))
    )))
)
