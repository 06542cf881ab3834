/** `/checkpoint` (O9): has the runtime write the state of a running container to a file, to look into it elsewhere. */
import { Clock, Effect, Option } from "effect"
import { formatTime } from "../../../domain/k8s/time.ts"
import type { ContainerTarget } from "../NodeReadModel.ts"
import type { LogServices } from "./containerLogs.ts"
import { containersOf } from "./podContainers.ts"
import { json, type NodeRequest, refuse, type ResponseRoute, route } from "./route.ts"

export const checkpointRoute = ({ cri, files, model }: LogServices, directory: string): ResponseRoute =>
  route(
    ["POST"],
    "/checkpoint/{namespace}/{pod}/{container}",
    Effect.fnUntraced(function*(target: ContainerTarget, { target: { query } }: NodeRequest) {
      const { container, namespace, pod: name } = target
      const pod = (yield* model.pods).find(({ metadata }) => metadata.name === name && metadata.namespace === namespace)
      if (pod === undefined) {
        return yield* refuse(404, "pod does not exist")
      }
      if (containersOf(pod).every((declared) => declared.name !== container)) {
        return yield* refuse(404, `container ${container} does not exist`)
      }
      const given = query.getAll("timeout").at(-1)
      if (given !== undefined && !/^[+-]?\d{1,18}$/.test(given)) {
        return yield* refuse(404, "cannot parse value of timeout parameter")
      }
      const failed = (why: string) => refuse(500, `checkpointing of ${namespace}/${name}/${container} failed (${why})`)
      const { containerId } = yield* model.findContainer(target).pipe(
        Effect.mapError(() => failed(`container ${container} not found`))
      )
      const time = formatTime(yield* Clock.currentTimeMillis)
      const location = `${directory}/checkpoint-${name}_${namespace}-${container}-${time}.tar`
      const timeout = Option.fromUndefinedOr(given)
      yield* files.makeDirectory(directory, { mode: 0o750, recursive: true }).pipe(
        Effect.mapError((error) => failed(error.message))
      )
      yield* cri.checkpointContainer({
        containerId,
        location,
        timeout: BigInt(Option.getOrElse(timeout, () => "0"))
      }).pipe(Effect.mapError(({ detail }) => failed(detail)))
      return json({ items: [location] })
    })
  )
