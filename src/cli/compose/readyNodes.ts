/** Waits for nodes to be Ready, by what the API server shows of them. */
import { Effect, Result, Schedule, Stream } from "effect"
import { decodeNode } from "../../domain/k8s/decode.ts"
import { nodes } from "../../domain/k8s/resources.ts"
import { KubeApi, type KubeObject, type Selection } from "../../layers/api/KubeApi.ts"

const isReady = (object: KubeObject): boolean =>
  (Result.getOrUndefined(decodeNode(object))?.status?.conditions ?? []).some(
    ({ status, type }) => type === "Ready" && status === "True"
  )

/** Ends when all of them have been seen Ready. */
export const readyNodes = Effect.fn("readyNodes")(function*(names: ReadonlySet<string>, selection: Selection = {}) {
  const api = yield* KubeApi
  const missing = new Set(names)
  const note = (object: KubeObject): boolean => {
    const { name = "" } = object.metadata
    if (missing.has(name) && isReady(object)) missing.delete(name)
    return missing.size === 0
  }
  const look = Effect.gen(function*() {
    const { items, resourceVersion } = yield* api.list(nodes, selection)
    const changes = Stream.map(api.watch(nodes, { ...selection, resourceVersion }), ({ object }) => object)
    yield* Stream.fromIterable(items).pipe(Stream.concat(changes), Stream.filter(note), Stream.runHead)
  })
  // A watch may end at any time, and a server may be away.
  yield* look.pipe(
    Effect.catch(() => Effect.sleep("1 second")),
    Effect.repeat({ schedule: Schedule.spaced("100 millis"), until: () => missing.size === 0 })
  )
})
