/** Shows every pod of the API server when it changes, a line each time that its line changes. */
import { Effect, Option, Result, Schedule, Stream } from "effect"
import { decodePod } from "../../domain/k8s/decode.ts"
import { pods } from "../../domain/k8s/resources.ts"
import { KubeApi, type KubeObject } from "../../layers/api/KubeApi.ts"
import { podLine } from "./podLine.ts"

/** Never ends; a broken watch is taken up again. */
export const followPods = (show: (line: string) => Effect.Effect<void>) =>
  Effect.suspend(() => {
    const shown = new Map<string, string>()
    return follow(shown, show).pipe(
      Effect.catch((error) => Effect.logDebug("following pods failed", error)),
      Effect.repeat(Schedule.spaced("1 second"))
    )
  })

const follow = Effect.fnUntraced(function*(shown: Map<string, string>, show: (line: string) => Effect.Effect<void>) {
  const api = yield* KubeApi
  const seen = (object: KubeObject, gone: boolean) => {
    const decoded = Result.getSuccess(decodePod(object))
    return Option.isNone(decoded) ? Effect.void : Effect.suspend(() => {
      const pod = decoded.value
      const line = gone ? `${pod.metadata.namespace}/${pod.metadata.name}  gone` : podLine(pod)
      if (shown.get(pod.metadata.uid) === line) return Effect.void
      if (gone) shown.delete(pod.metadata.uid)
      else shown.set(pod.metadata.uid, line)
      return show(line)
    })
  }
  const listed = yield* api.list(pods)
  yield* Effect.forEach(listed.items, (item) => seen(item, false), { discard: true })
  yield* Stream.runForEach(
    api.watch(pods, { resourceVersion: listed.resourceVersion }),
    (event) => event.type === "BOOKMARK" ? Effect.void : seen(event.object, event.type === "DELETED")
  )
})
