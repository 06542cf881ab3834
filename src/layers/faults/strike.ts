/** Lets a fault's verdict come over one call or one stream, in the errors of the service it belongs to. */
import { Clock, Effect, Stream } from "effect"
import type { Failing, OutsideCall, Verdict } from "../../domain/chaos/fault.ts"
import type { Faults } from "./Faults.ts"

export interface Blame<E> {
  /** The service's error for a call that failed so. */
  readonly errorOf: (how: Failing, call: OutsideCall) => E
  /** When a caller stops waiting for an answer that does not come. */
  readonly deadlineMs: number
}

export const strikeCall = <A, E, R>(
  faults: Faults["Service"],
  call: OutsideCall,
  effect: Effect.Effect<A, E, R>,
  { deadlineMs, errorOf }: Blame<NoInfer<E>>
): Effect.Effect<A, E, R> => {
  const { clock } = faults
  const outside = clock === undefined ? effect : Effect.provideService(effect, Clock.Clock, clock)
  return Effect.flatMap(faults.verdict(call), (verdict): Effect.Effect<A, E, R> => {
    switch (verdict._tag) {
      case "Pass":
      case "Repeat":
      case "Swap":
      case "Stall":
      case "Stale":
        return Effect.tap(outside, () => faults.returned(call))
      case "Delay":
        return Effect.andThen(Effect.sleep(verdict.ms), outside)
      case "Fail":
        return Effect.fail(errorOf(verdict.how, call))
      case "LoseReply":
        return Effect.andThen(Effect.exit(outside), Effect.fail(errorOf("lost", call)))
      case "Hang":
        return Number.isFinite(deadlineMs)
          ? Effect.andThen(Effect.sleep(deadlineMs), Effect.fail(errorOf("timeout", call)))
          : Effect.never
    }
  })
}

/** Things of a stream are struck one by one: late, twice, not at all, or the stream ends with an error instead. */
export const strikeStream = <A, E, R>(
  faults: Faults["Service"],
  call: OutsideCall,
  stream: Stream.Stream<A, E, R>,
  blame: Blame<NoInfer<E>>
): Stream.Stream<A, E, R> => {
  const each: OutsideCall = { ...call, method: `${call.method} event` }
  const { clock } = faults
  const outside = clock === undefined ? stream : Stream.provideService(stream, Clock.Clock, clock)
  // What waits for the next thing; one that is the last of all is lost.
  let held: ReadonlyArray<A> = []
  const told = (item: A): Stream.Stream<A, E> =>
    Stream.unwrap(Effect.map(faults.verdict(each), (verdict): Stream.Stream<A, E> => {
      if (verdict._tag === "Swap" && held.length === 0) {
        held = [item]
        return Stream.empty
      }
      const late = held
      held = []
      return Stream.concat(toldBy(verdict, item), Stream.fromIterable(late))
    }))
  const toldBy = (verdict: Verdict, item: A): Stream.Stream<A, E> => {
    switch (verdict._tag) {
      case "Pass":
      case "Hang":
      case "Swap":
      case "Stall":
      case "Stale":
        return Stream.succeed(item)
      case "Delay":
        return Stream.fromEffect(Effect.delay(Effect.succeed(item), verdict.ms))
      case "Repeat":
        return Stream.make(item, item)
      case "LoseReply":
        return Stream.empty
      case "Fail":
        return verdict.how === "lost" ? Stream.empty : Stream.fail(blame.errorOf(verdict.how, each))
    }
  }
  const open: Effect.Effect<Stream.Stream<A, E, R>, E> = Effect.succeed(Stream.flatMap(outside, told))
  return Stream.unwrap(Effect.map(faults.verdict(call), (verdict): Stream.Stream<A, E, R> =>
    verdict._tag === "Stall"
      // As a client ends a watch that has outlived the time it asked for: no error, the next one goes on from there.
      ? Stream.fromEffectDrain(Effect.sleep(verdict.ms))
      : Stream.unwrap(strikeCall({ ...faults, verdict: () => Effect.succeed(verdict) }, call, open, blame))))
}

/** The service with a fault before each of its calls; `each` knows targets, errors and deadlines. */
export const strikeEvery = <S extends object>(
  service: S,
  each: (
    method: string,
    args: ReadonlyArray<unknown>,
    effect: Effect.Effect<unknown, unknown, unknown>
  ) => Effect.Effect<unknown, unknown, unknown>
): S => {
  const struck = Object.entries(service).map(([method, member]: [string, unknown]) => {
    if (Effect.isEffect(member)) return [method, each(method, [], member)]
    if (typeof member !== "function") return [method, member]
    return [method, (...args: ReadonlyArray<unknown>) => {
      const answer: unknown = member(...args)
      return Effect.isEffect(answer) ? each(method, args, answer) : answer
    }]
  })
  // Same names, same arguments, same results: TypeScript cannot follow it through the entries.
  return Object.fromEntries(struck) as S
}
