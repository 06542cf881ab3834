import { assert, it } from "@effect/vitest"
import { Context, Effect, References, Tracer } from "effect"
import { withNeeds } from "../../src/programs/withNeeds.ts"

class Greeting extends Context.Service<Greeting, string>()("test/Greeting") {}
class Other extends Context.Service<Other, string>()("test/Other") {}

const seen = Effect.gen(function*() {
  const context = yield* Effect.context<never>()
  return {
    greeting: yield* Greeting,
    annotations: yield* References.CurrentLogAnnotations,
    span: Context.getOrUndefined(context, Tracer.ParentSpan)?.spanId,
    other: Context.getOrUndefined(context, Other)
  }
})

const span = Tracer.externalSpan({ spanId: "1122334455667788", traceId: "00112233445566778899aabbccddeeff" })
const needs = Context.make(Greeting, "of the maker")

it.effect("gives what was held, and keeps the caller's log annotations and span, and nothing else of it", () =>
  Effect.gen(function*() {
    const found = yield* seen.pipe(
      withNeeds(needs),
      Effect.annotateLogs({ pod: "default/web" }),
      Effect.withParentSpan(span),
      Effect.provideService(Other, "of the caller"),
      Effect.provideService(Greeting, "of the caller")
    )
    assert.deepStrictEqual(found, {
      greeting: "of the maker",
      annotations: { pod: "default/web" },
      span: span.spanId,
      other: undefined
    })
  }))

it.effect("leaves the caller as it was", () =>
  Effect.gen(function*() {
    yield* withNeeds(needs)(Greeting)
    assert.strictEqual(yield* Greeting, "of the caller")
  }).pipe(Effect.provideService(Greeting, "of the caller")))
