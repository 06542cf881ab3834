/** What happens to a node at one time, rather than to its calls: crashes, kills, restarts, and their end. */
import { Clock, Effect } from "effect"
import { between, type Dice, pick } from "../domain/chaos/dice.ts"
import type { Fault } from "../domain/chaos/fault.ts"
import { at } from "../domain/k8s/json.ts"
import * as resources from "../domain/k8s/resources.ts"
import type { SimNode } from "./SimNode.ts"
import type { World } from "./World.ts"

const runningContainers = ({ runtime }: SimNode) =>
  [...runtime.containers.values()].filter(({ state }) => state === "Running")

const chooseFrom = <A>(dice: Dice, [first, ...rest]: ReadonlyArray<A>): A | undefined =>
  first === undefined ? undefined : pick(dice, [first, ...rest])

/** Containers whose ends are told by statuses: somebody who tidies up by hand takes their records for rubbish. */
const toldEnds = (world: World): ReadonlySet<string> =>
  new Set(
    world.api.objects(resources.pods).flatMap((pod) =>
      ["initContainerStatuses", "containerStatuses"].flatMap((kind) => {
        const statuses = at(pod, "status", kind)
        return (Array.isArray(statuses) ? statuses : []).flatMap((status) =>
          [at(status, "state", "terminated", "containerID"), at(status, "lastState", "terminated", "containerID")]
            .map((id) => String(id ?? "").replace("containerd://", ""))
        )
      })
    )
  )

/** From what a time server puts right to what a person does. */
const jumpMs = (dice: Dice): number => pick(dice, [between(dice, 500, 5000), between(dice, 5000, 600_000)])

const struck = (world: World, node: SimNode, fault: Fault & { readonly _tag: "Blow" }, dice: Dice) =>
  Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    switch (fault.name) {
      case "agent-crash":
        yield* node.crash
        yield* Effect.sleep(fault.forMs)
        return yield* node.start
      case "machine-reboot":
        yield* node.reboot
        yield* Effect.sleep(fault.forMs)
        return yield* node.start
      case "api-restart":
        return yield* world.api.closeWatches
      case "api-compaction":
        yield* world.api.compact
        return yield* world.api.closeWatches
      case "clock-back":
        return node.jumpClock(-jumpMs(dice))
      case "clock-forward":
        return node.jumpClock(jumpMs(dice))
      case "container-killed":
      case "container-oom": {
        const victim = chooseFrom(dice, runningContainers(node))
        const reason = fault.name === "container-oom" ? { reason: "OOMKilled" } : {}
        if (victim !== undefined) node.runtime.exit(victim, now, { exitCode: 137, ...reason })
        return
      }
      case "records-pruned": {
        const told = toldEnds(world)
        for (const record of node.runtime.containers.values()) {
          if (record.state === "Exited" && told.has(record.id)) node.runtime.forgetContainer(record, now)
        }
        return
      }
      case "sandbox-lost": {
        const victim = chooseFrom(dice, [...node.runtime.sandboxes.values()].filter(({ ready }) => ready))
        if (victim !== undefined) node.runtime.stopSandbox(victim, now)
        return
      }
      case "network-not-ready":
        node.runtime.conditions.network = "made up: not ready"
        yield* Effect.sleep(fault.forMs)
        node.runtime.conditions.network = undefined
        return
      case "runtime-not-ready":
        node.runtime.conditions.runtime = "made up: not ready"
        yield* Effect.sleep(fault.forMs)
        node.runtime.conditions.runtime = undefined
        return
    }
  })

/** Waits for the time of a blow; other faults strike by themselves. */
export const strikeBlow = Effect.fnUntraced(function*(world: World, fault: Fault, dice: Dice) {
  if (fault._tag !== "Blow") return
  yield* Effect.sleep(fault.atMs)
  const node = world.node(fault.node)
  world.trace.add({
    atMs: (yield* Clock.currentTimeMillis) - world.startMs,
    where: node.name,
    what: `fault ${fault.name}`,
    about: ""
  })
  yield* struck(world, node, fault, dice)
})
