/** Lets every invariant look on at a world; the first thing that is wrong is what a run is about. */
import type { Clock } from "effect"
import type { Fault } from "../domain/chaos/fault.ts"
import { decodePod } from "../domain/k8s/decode.ts"
import { at } from "../domain/k8s/json.ts"
import type { Pod } from "../domain/k8s/pod.ts"
import * as resources from "../domain/k8s/resources.ts"
import { invariants } from "./invariants/all.ts"
import type { Sight, Watching } from "./Watching.ts"
import { contentKey } from "./workload.ts"
import type * as World from "./World.ts"

export interface Violation {
  readonly invariant: string
  readonly message: string
  readonly atMs: number
}

export const watchWorld = (world: World.World, clock: Clock.Clock, faults: ReadonlyArray<Fault>) => {
  let violation: Violation | undefined
  const pods = new Map<string, Pod>()
  const nowMs = () => clock.currentTimeMillisUnsafe() - world.startMs
  const say = (invariant: string, message: string | undefined) => {
    if (message !== undefined) violation ??= { invariant, message, atMs: nowMs() }
  }
  const sight: Sight = {
    nodes: world.nodes,
    nowMs,
    worldMs: () => clock.currentTimeMillisUnsafe(),
    pod: (uid) => pods.get(uid),
    objects: () => world.api.objects(resources.pods),
    content: (name) =>
      at(world.api.objects(resources.configMaps).find((one) => one.metadata.name === name), "data", contentKey),
    faults
  }
  const watchings: ReadonlyArray<readonly [string, Watching]> = invariants.map((one) => [one.name, one.watch(sight)])
  world.onDefect((_, detail) => say("no-defect", detail))
  world.api.onChange(({ plural }, change) => {
    if (violation !== undefined) return
    if (plural === "nodes") return watchings.forEach(([name, watching]) => say(name, watching.node?.(change)))
    if (plural !== "pods") return
    const decoded = change.type === "ADDED" ? decodePod(change.object) : undefined
    if (decoded?._tag === "Success") pods.set(decoded.success.metadata.uid, decoded.success)
    for (const [name, watching] of watchings) say(name, watching.change?.(change))
  })
  for (const node of world.nodes) {
    node.runtime.listeners.add((happening) => {
      if (violation !== undefined) return
      for (const [name, watching] of watchings) say(name, watching.happening?.(node, happening))
    })
  }
  return {
    say,
    restless: () => watchings.map(([, watching]) => watching.atRest?.() ?? "").find((problem) => problem !== "") ?? "",
    atRest: () => watchings.forEach(([name, watching]) => say(name, watching.atRest?.())),
    atEnd: () => watchings.forEach(([name, watching]) => say(name, watching.atEnd?.())),
    found: () => violation
  }
}
