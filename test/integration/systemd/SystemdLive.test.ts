/** systemd over a real bus: a `dbus-daemon` checks every message that goes through it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Systemd } from "../../../src/layers/systemd/Systemd.ts"
import * as SystemdLive from "../../../src/layers/systemd/SystemdLive.ts"
import { systemdContract, SystemdGround } from "../../contract/SystemdContract.ts"
import * as FakeSystemd from "../../fixture/systemd/FakeSystemd.ts"

systemdContract(
  "over a dbus-daemon",
  Layer.unwrap(Effect.map(FakeSystemd.make, ({ socketPath, units }) =>
    Layer.merge(
      SystemdLive.layer({ socketPath }),
      Layer.succeed(SystemdGround, SystemdGround.of({ properties: (unit) => units.get(unit) }))
    )))
)

describe("Systemd: live", () => {
  it.effect("without a bus the error says so, and that it may be tried again", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip((yield* Systemd).version)
      assert.strictEqual(error.reason._tag, "Retryable")
      assert.include(error.message, "/no/such/bus")
    }).pipe(Effect.provide(SystemdLive.layer({ socketPath: "/no/such/bus", privatePath: "/no/such/systemd" }))))
})
