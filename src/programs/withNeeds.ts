/**
 * Gives an effect the services that its maker held, as `Effect.provideContext` does, but keeps of the caller only what log
 * lines and traces take along. The services stay in the one map that all share; `provideContext` copies that map for every
 * fiber, and the copies would be a good part of what a pod at rest holds.
 */
import { Context, Effect, References, Tracer } from "effect"

const takeAlong = <R, I, S>(needs: Context.Context<R>, caller: Context.Context<never>, key: Context.Key<I, S>) => {
  const value = Context.getOrUndefined(caller, key)
  return value === undefined ? needs : Context.add(needs, key, value)
}

export const withNeeds =
  <R>(needs: Context.Context<R>) => <A, E>(self: Effect.Effect<A, E, NoInfer<R>>): Effect.Effect<A, E> =>
    Effect.updateContext(
      self,
      (caller: Context.Context<never>) =>
        takeAlong(takeAlong(needs, caller, Tracer.ParentSpan), caller, References.CurrentLogAnnotations)
    )
