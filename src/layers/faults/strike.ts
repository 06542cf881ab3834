/** Lets a fault's verdict come over one call or one stream, in the errors of the service it belongs to. */
import { Array as Arr, Clock, Effect, Stream } from "effect"
import type { Failing, OutsideCall } from "../../domain/chaos/fault.ts"
import type { Faults, Ruling } from "./Faults.ts"

export interface Blame<E> {
  /** The service's error for a call that failed so. */
  readonly errorOf: (how: Failing, call: OutsideCall) => E
  /** When a caller stops waiting for an answer that does not come. */
  readonly deadlineMs: number
}

/** What becomes of the call when it has been ruled so. */
export const struckBy = <A, E, R>(
  faults: Faults["Service"],
  ruling: Ruling,
  call: OutsideCall,
  effect: Effect.Effect<A, E, R>,
  blame: Blame<NoInfer<E>>
): Effect.Effect<A, E, R> => {
  const { clock } = faults
  const outside = clock === undefined ? effect : Effect.provideService(effect, Clock.Clock, clock)
  switch (ruling._tag) {
    case "Gone":
      return Effect.interrupt
    case "Pass":
    case "Repeat":
    case "Swap":
    case "Stall":
    case "Stale":
      return Effect.flatMap(outside, (answer) => faults.returned(call) ? Effect.succeed(answer) : Effect.interrupt)
    case "Delay":
      return Effect.andThen(Effect.sleep(ruling.ms), outside)
    case "Fail":
      return Effect.fail(blame.errorOf(ruling.how, call))
    case "LoseReply":
      return Effect.andThen(Effect.exit(outside), Effect.fail(blame.errorOf("lost", call)))
    case "Hang":
      return Number.isFinite(blame.deadlineMs)
        ? Effect.andThen(Effect.sleep(blame.deadlineMs), Effect.fail(blame.errorOf("timeout", call)))
        : Effect.never
  }
}

export const strikeCall = <A, E, R>(
  faults: Faults["Service"],
  call: OutsideCall,
  effect: Effect.Effect<A, E, R>,
  blame: Blame<NoInfer<E>>
): Effect.Effect<A, E, R> => Effect.suspend(() => struckBy(faults, faults.verdict(call), call, effect, blame))

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
  const told = (item: A): Effect.Effect<ReadonlyArray<A>, E> => {
    const ruling = faults.verdict(each)
    if (ruling._tag === "Swap" && held.length === 0) {
      held = [item]
      return Effect.succeed([])
    }
    const late = held
    held = []
    const now = toldBy(ruling, item)
    return late.length === 0 ? now : Effect.map(now, (items) => [...items, ...late])
  }
  const toldBy = (ruling: Ruling, item: A): Effect.Effect<ReadonlyArray<A>, E> => {
    switch (ruling._tag) {
      case "Gone":
        return Effect.interrupt
      case "Pass":
      case "Hang":
      case "Swap":
      case "Stall":
      case "Stale":
        return Effect.succeed([item])
      case "Delay":
        return Effect.delay(Effect.succeed([item]), ruling.ms)
      case "Repeat":
        return Effect.succeed([item, item])
      case "LoseReply":
        return Effect.succeed([])
      case "Fail":
        return ruling.how === "lost" ? Effect.succeed([]) : Effect.fail(blame.errorOf(ruling.how, each))
    }
  }
  // Every event of the API and of the runtime comes by here: a stream for each would cost more than what it tells.
  const struck = outside.pipe(
    Stream.mapEffect(told),
    Stream.filter(Arr.isReadonlyArrayNonEmpty),
    Stream.mapArray(Arr.flatten)
  )
  const open: Effect.Effect<Stream.Stream<A, E, R>, E> = Effect.succeed(struck)
  return Stream.suspend(() => {
    const ruling = faults.verdict(call)
    return ruling._tag === "Stall"
      // As a client ends a watch that has outlived the time it asked for: no error, the next one goes on from there.
      ? Stream.fromEffectDrain(Effect.sleep(ruling.ms))
      : Stream.unwrap(struckBy(faults, ruling, call, open, blame))
  })
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
