/**
 * Builds layers as `Layer.build` does, each once, and then forgets how: a node keeps its services, and nothing of what
 * they were put together from. What was built first is closed last, so a layer outlives those that share it.
 */
import { type Context, Deferred, Effect, Layer, type Scope } from "effect"

const typeId = "~effect/Layer/MemoMap"

type Making<A, E> = Deferred.Deferred<Context.Context<A>, E>

export const buildOnce = <A, E, R>(
  layer: Layer.Layer<A, E, R>
): Effect.Effect<Context.Context<A>, E, R | Scope.Scope> =>
  Effect.suspend(() => {
    const all = new Map<unknown, unknown>()
    // What is found by a layer is what that layer makes; the type of a map cannot say it.
    const makingOf = <B, F, S>(one: Layer.Layer<B, F, S>) => all.get(one) as Making<B, F> | undefined
    const memoMap: Layer.MemoMap = {
      [typeId]: typeId,
      get: (one) => {
        const making = makingOf(one)
        return making === undefined ? undefined : Deferred.await(making)
      },
      getOrElseMemoize: <S, F, B>(
        one: Layer.Layer<B, F, S>,
        scope: Scope.Scope,
        build: (memoMap: Layer.MemoMap, scope: Scope.Scope) => Effect.Effect<Context.Context<B>, F, S>
      ) =>
        Effect.suspend(() => {
          const known = makingOf(one)
          if (known !== undefined) return Deferred.await(known)
          const making: Making<B, F> = Deferred.makeUnsafe()
          all.set(one, making)
          return Effect.onExit(build(memoMap, scope), (exit) => Deferred.done(making, exit))
        })
    }
    return Effect.flatMap(Effect.scope, (scope) => Layer.buildWithMemoMap(layer, memoMap, scope)).pipe(
      Effect.ensuring(Effect.sync(() => all.clear()))
    )
  })
