/** CSI drivers over gRPC on their unix sockets. */
import { Effect, Layer } from "effect"
import { Identity, Node } from "../../gen/csi/csi_pb.ts"
import { type ClientSettings, openChannel } from "../grpc/connect.ts"
import { callTimeoutMs, toCsiError } from "./callTraits.ts"
import { Csi, type CsiError } from "./Csi.ts"

export interface CsiLiveOptions {
  /** How long a call may take; two minutes when absent. */
  readonly timeoutMs?: number
}

export const layer = (options: CsiLiveOptions = {}): Layer.Layer<Csi> =>
  Layer.succeed(
    Csi,
    Csi.of({
      open: Effect.fn("Csi.open")(function*(endpoint: string) {
        const channel = yield* openChannel({ address: endpoint })
        const settings: ClientSettings<CsiError> = {
          name: "Csi",
          timeoutMs: () => options.timeoutMs ?? callTimeoutMs,
          mapError: toCsiError
        }
        return { ...channel.client(Identity, settings), ...channel.client(Node, settings) }
      })
    })
  )
