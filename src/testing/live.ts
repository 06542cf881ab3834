/** Plays a planned pod: makes it when its time comes, changes what it shows, moves or deletes it. */
import { Effect } from "effect"
import * as resources from "../domain/k8s/resources.ts"
import { csiDriverName } from "./SimNode.ts"
import { contentKey, type PlannedPod } from "./workload.ts"
import type * as World from "./World.ts"

/** What has to be there before nodes and pods. */
export const prepare = Effect.fnUntraced(function*({ client }: World.World, pods: ReadonlyArray<PlannedPod>) {
  yield* client.create(resources.csiDrivers, {
    metadata: { name: csiDriverName },
    spec: { attachRequired: false, volumeLifecycleModes: ["Persistent", "Ephemeral"] }
  })
  yield* Effect.forEach(pods, ({ contentAtMs, name }) =>
    contentAtMs === undefined
      ? Effect.void
      : client.create(resources.configMaps, {
        metadata: { namespace: "default", name },
        data: { [contentKey]: "0" }
      }), { discard: true })
})

const changeContent = ({ client }: World.World, name: string) => (atMs: number) =>
  Effect.sleep(atMs).pipe(
    Effect.andThen(client.patch(
      resources.configMaps,
      { namespace: "default", name },
      { type: "merge", body: { data: { [contentKey]: String(atMs) } } }
    ))
  )

/** Longer than any deletion may take. */
const goneWithinMs = 60 * 60_000

const move = Effect.fnUntraced(function*(world: World.World, planned: PlannedPod, nodeName: string) {
  const pod = world.pod(planned.name)
  yield* pod.remove()
  yield* pod.reaches("Gone", goneWithinMs)
  yield* world.createPod(planned.name, { ...planned.spec, nodeName })
})

export const live = Effect.fnUntraced(function*(world: World.World, planned: PlannedPod) {
  const { contentAtMs = [], createAtMs, name } = planned
  yield* Effect.forEach(contentAtMs, (atMs) => Effect.forkScoped(changeContent(world, name)(atMs)), { discard: true })
  yield* Effect.sleep(createAtMs)
  const pod = yield* world.createPod(name, planned.spec)
  if (planned.move !== undefined) {
    yield* Effect.sleep(planned.move.atMs - createAtMs)
    return yield* move(world, planned, planned.move.nodeName)
  }
  if (planned.remove === undefined) return
  yield* Effect.sleep(planned.remove.atMs - createAtMs)
  yield* Effect.ignore(pod.remove(planned.remove.graceSeconds))
})
