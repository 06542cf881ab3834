/** The contract of runtime events. */
import { assert } from "@effect/vitest"
import { Effect, Queue, Stream } from "effect"
import { ContainerState } from "../../../src/layers/cri/Cri.ts"
import { type RuntimeEvent, RuntimeEvents } from "../../../src/layers/cri/RuntimeEvents.ts"
import { type ContractTests, eventually, sandbox, started, statusOf } from "./scenario.ts"

export const eventContract = (it: ContractTests) => {
  it.effect("G2: events: a new subscription says Unknown, and has a source from then on", () =>
    Effect.gen(function*() {
      const next = yield* subscribed
      assert.strictEqual((yield* next(({ kind }) => kind === "Unknown")).containerId, "")
      assert.notStrictEqual(yield* (yield* RuntimeEvents).source, "none")
    }))

  it.effect("G2: events: tell of the start and of the end of a container", () =>
    Effect.gen(function*() {
      const next = yield* subscribed
      yield* next(({ kind }) => kind === "Unknown")
      const inside = yield* sandbox()
      const containerId = yield* started(inside, { script: "exit 3" })
      const of = (kind: RuntimeEvent["kind"]) => (event: RuntimeEvent) =>
        event.containerId === containerId && event.kind === kind
      yield* next(of("Started"))
      const stopped = yield* next(of("Stopped"))
      assert.strictEqual(stopped.exitCode, 3)
      // Where the CRI does not tell itself, it notes the end a moment after the event.
      yield* eventually(statusOf(containerId), ({ state }) => state === ContainerState.CONTAINER_EXITED)
    }))
}

/** Subscribes; each call of the result waits for the next event that the predicate wants, and drops those before it. */
const subscribed = Effect.gen(function*() {
  const { events } = yield* RuntimeEvents
  const seen = yield* Queue.unbounded<RuntimeEvent>()
  yield* Effect.forkScoped(Stream.runForEach(events, (event) => Queue.offer(seen, event)))
  return (wanted: (event: RuntimeEvent) => boolean) =>
    Effect.repeat(Queue.take(seen), { until: wanted }).pipe(Effect.timeout("10 seconds"))
})
