/** The contract, on networks that are played. */
import { Effect, Layer, Result } from "effect"
import { parseNetwork } from "../../../src/domain/cni/networkList.ts"
import * as CniSim from "../../../src/layers/cni/CniSim.ts"
import { cniContract, CniGround } from "../../contract/CniContract.ts"
import { bridgeNetwork } from "../../fixture/cni/bridgeNetwork.ts"

let count = 0

const ground = Layer.succeed(
  CniGround,
  CniGround.of({
    network: (size) =>
      Effect.sync(() => Result.getOrThrow(parseNetwork(bridgeNetwork({ name: `sim${count++}`, octet: 1, size })))),
    netns: Effect.sync(() => `/run/netns/sim${count++}`)
  })
)

cniContract("sim", Layer.merge(CniSim.layer(), ground))
