import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, PubSub, Queue } from "effect"
import { systemOomVictim } from "../../../src/domain/node/oomKill.ts"
import type { KernelLogLine } from "../../../src/layers/host/KernelLog.ts"
import * as KernelLogMemory from "../../../src/layers/host/KernelLogMemory.ts"
import { EventRecorder } from "../../../src/programs/events/EventRecorder.ts"
import { systemOom } from "../../../src/programs/node/systemOom.ts"

const global =
  "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/user.slice,task=stress,pid=12,uid=0"
const limited =
  "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/kubepods/pod1,task_memcg=/kubepods/pod1/c,task=app,pid=13,uid=0"

describe("B14: system OOM", () => {
  it.each([
    { line: global, want: { process: "stress", pid: 12 }, why: "the machine ran out" },
    { line: limited, want: undefined, why: "a container met its limit" },
    { line: "eth0: link up", want: undefined, why: "something else" }
  ])("$why", ({ line, want }) => assert.deepStrictEqual(systemOomVictim(line), want))

  it.effect("becomes an event of the node", () =>
    Effect.gen(function*() {
      const log = yield* PubSub.unbounded<KernelLogLine>()
      const told = yield* Queue.unbounded<string>()
      const recorder = Layer.mock(EventRecorder)({
        recordNode: ({ message, reason }) => Effect.asVoid(Queue.offer(told, `${reason} ${message}`))
      })
      yield* Effect.forkScoped(systemOom.pipe(Effect.provide(Layer.merge(recorder, KernelLogMemory.layer(log)))))
      yield* Effect.repeat(Effect.yieldNow, { times: 50 })
      for (const [sequence, text] of [limited, global].entries()) {
        yield* PubSub.publish(log, { sequence, timestampUs: 0, text })
      }
      assert.strictEqual(yield* Queue.take(told), "SystemOOM System OOM encountered, victim process: stress, pid: 12")
    }))
})
