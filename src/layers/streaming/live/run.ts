/** `/run` (O5): a command in a container, run to its end, its output in the answer. */
import { Effect } from "effect"
import type { CriError } from "../../cri/Cri.ts"
import type { ContainerTarget } from "../NodeReadModel.ts"
import { type NodeRequest, refuse, type ResponseRoute, route, text } from "./route.ts"
import type { StreamServices } from "./streamTarget.ts"

export const runRoutes = ({ cri, model }: StreamServices): ReadonlyArray<ResponseRoute> => {
  const run = Effect.fnUntraced(function*(target: ContainerTarget, { target: { query } }: NodeRequest) {
    const { containerId } = yield* model.findContainer(target).pipe(
      Effect.mapError((error) =>
        error.what === "pod"
          ? refuse(404, "pod does not exist")
          : refuse(500, `container not found (${JSON.stringify(target.container)})`)
      )
    )
    const cmd = (query.get("cmd") ?? "").split(" ")
    const { exitCode, stderr, stdout } = yield* cri.execSync({ containerId, cmd }).pipe(
      Effect.mapError((error: CriError) => refuse(500, error.detail))
    )
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
    return exitCode === 0
      ? text(decode(stdout) + decode(stderr), "application/json")
      : yield* refuse(500, `command '${cmd.join(" ")}' exited with ${exitCode}: ${decode(stderr)}`)
  })
  return [
    route(["POST"], "/run/{namespace}/{pod}/{container}", run),
    route(["POST"], "/run/{namespace}/{pod}/{uid}/{container}", run)
  ]
}
