/** Credential plugins that a test plays: a function for each provider. What each was asked is kept, in order. */
import { Effect, Layer } from "effect"
import { NotFound, Uncertain } from "../../domain/failure.ts"
import type { CredentialAnswer, CredentialRequest } from "../../domain/images/credentialAnswers.ts"
import type { CredentialProvider } from "../../domain/images/credentialProviders.ts"
import { CredentialPluginError, CredentialPlugins } from "./CredentialPlugins.ts"

export interface SimPlugin {
  readonly provider: CredentialProvider
  readonly answer: (request: CredentialRequest) => Effect.Effect<CredentialAnswer, CredentialPluginError>
  readonly asked: Array<CredentialRequest>
}

const runMs = 60_000

/** In the order in which the configuration would have them. */
export const layer = (plugins: ReadonlyArray<SimPlugin> = []): Layer.Layer<CredentialPlugins> =>
  Layer.succeed(
    CredentialPlugins,
    CredentialPlugins.of({
      providers: plugins.map(({ provider }) => provider),
      ask: ({ name }, request) =>
        Effect.suspend(() => {
          const failed = (reason: NotFound | Uncertain, problem: string) =>
            new CredentialPluginError({
              plugin: name,
              image: request.image,
              reason,
              detail: `error execing credential provider plugin ${name} for image ${request.image}: ${problem}`
            })
          const plugin = plugins.find(({ provider }) => provider.name === name)
          if (plugin === undefined) return Effect.fail(failed(new NotFound(), "no such program"))
          plugin.asked.push(request)
          return plugin.answer(request).pipe(
            Effect.timeoutOrElse({
              duration: runMs,
              orElse: () => Effect.fail(failed(new Uncertain(), `killed after ${runMs} ms`))
            })
          )
        })
    })
  )
