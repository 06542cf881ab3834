/** Credentials that plugins of the node know: asked once, shared, and kept as long as they say (parity N6). */
import { Clock, Context, Deferred, Effect, Layer, Metric, Option, Result } from "effect"
import {
  type AccountShown,
  annotationsShown,
  cacheKeys,
  cachePlace,
  type CredentialAnswer,
  type CredentialRequest,
  echoesToken,
  entriesOf,
  sharedRun
} from "../../domain/images/credentialAnswers.ts"
import { concerns, type CredentialProvider, type TokenAttributes } from "../../domain/images/credentialProviders.ts"
import { type ImageName, repositoryOf } from "../../domain/images/imageName.ts"
import type { KeyringEntry } from "../../domain/images/pullSecrets.ts"
import { isObject } from "../../domain/k8s/json.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import { serviceAccounts } from "../../domain/k8s/resources.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import { type CredentialPluginError, CredentialPlugins } from "../../layers/credentials/CredentialPlugins.ts"
import { refreshAtMs, requestToken } from "../volumes/ServiceAccountTokens.ts"

export class PluginCredentials extends Context.Service<PluginCredentials, {
  /** Of all plugins that the image concerns, in their order. One that fails adds nothing, and says so in the log. */
  readonly forImage: (pod: Pod, name: ImageName) => Effect.Effect<ReadonlyArray<KeyringEntry>>
}>()("kubeffect/programs/images/PluginCredentials") {}

const errors = Metric.counter("kubelet_credential_provider_plugin_errors_total", {
  description: "Number of errors from credential provider plugin",
  incremental: true
})
const durations = Metric.histogram("kubelet_credential_provider_plugin_duration", {
  description: "Duration of execution in seconds for credential provider plugin",
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
})

/** What the API server gives when nothing is asked for. */
const tokenSeconds = 3600

/** Something that is good until a time. What is over goes when something new comes. */
class Kept<A> {
  readonly #all = new Map<string, { readonly value: A; readonly untilMs: number }>()

  get(key: string, nowMs: number): A | undefined {
    const found = this.#all.get(key)
    return found !== undefined && nowMs <= found.untilMs ? found.value : undefined
  }

  put(key: string, value: A, untilMs: number, nowMs: number): void {
    for (const [old, one] of this.#all) if (one.untilMs < nowMs) this.#all.delete(old)
    this.#all.set(key, { value, untilMs })
  }
}

type Answered = Deferred.Deferred<CredentialAnswer, CredentialPluginError>

const measured = ({ name }: CredentialProvider, ask: Effect.Effect<CredentialAnswer, CredentialPluginError>) =>
  Effect.flatMap(Clock.currentTimeMillis, (begunMs) =>
    ask.pipe(
      Effect.tapError(() => Metric.update(Metric.withAttributes(errors, { plugin_name: name }), 1)),
      Effect.ensuring(
        Effect.flatMap(Clock.currentTimeMillis, (endedMs) =>
          Metric.update(Metric.withAttributes(durations, { plugin_name: name }), (endedMs - begunMs) / 1000))
      )
    ))

/** The pod's service account, as far as the plugin wants to see it; none when the plugin is not to be asked. */
const makeAccounts = Effect.gen(function*() {
  const api = yield* KubeApi
  const tokens = new Kept<string>()

  const tokenOf = Effect.fnUntraced(function*(pod: Pod, audience: string) {
    const now = yield* Clock.currentTimeMillis
    const key = `${pod.metadata.uid}/${audience}`
    const old = tokens.get(key, now)
    if (old !== undefined) return old
    const { expiresAtMs, token } = yield* requestToken(pod, { audience, expirationSeconds: tokenSeconds })
    tokens.put(key, token, refreshAtMs(now, expiresAtMs, 0), now)
    return token
  }, Effect.provideService(KubeApi, api))

  return Effect.fnUntraced(
    function*(pod: Pod, wanted: TokenAttributes) {
      const { namespace } = pod.metadata
      const { serviceAccountName: name = "" } = pod.spec
      if (name === "") {
        return wanted.requireServiceAccount ? Option.none<AccountShown | undefined>() : Option.some(undefined)
      }
      const account = yield* api.get(serviceAccounts, { namespace, name })
      const found = account.metadata["annotations"]
      const all = isObject(found) ? found : {}
      const texts = Object.fromEntries(Object.entries(all).map(([key, value]) => [key, String(value)]))
      const annotations = annotationsShown(wanted, texts)
      if (Result.isFailure(annotations)) {
        yield* Effect.logDebug(`required annotation ${annotations.failure} not found at ${namespace}/${name}`)
        return Option.none<AccountShown | undefined>()
      }
      const shown: AccountShown = {
        coordinates: { uid: account.metadata.uid ?? "", namespace, name },
        token: yield* tokenOf(pod, wanted.audience),
        annotations: annotations.success
      }
      return Option.some<AccountShown | undefined>(shown)
    }
  )
})

export const layer: Layer.Layer<PluginCredentials, never, CredentialPlugins | KubeApi> = Layer.effect(
  PluginCredentials,
  Effect.gen(function*() {
    const plugins = yield* CredentialPlugins
    const accountOf = yield* makeAccounts
    const scope = yield* Effect.scope
    const kept = new Kept<CredentialAnswer>()
    const running = new Map<string, Answered>()

    /** A run belongs to nobody's pod: whoever else waits for it must get its answer when the first one is deleted. */
    const begin = (key: string, provider: CredentialProvider, request: CredentialRequest) =>
      Effect.suspend(() => {
        const answered: Answered = Deferred.makeUnsafe()
        running.set(key, answered)
        return measured(provider, plugins.ask(provider, request)).pipe(
          Effect.ensuring(Effect.sync(() => running.delete(key))),
          Deferred.into(answered),
          Effect.forkIn(scope),
          Effect.as(answered)
        )
        // Who is deleted in the middle of this must not leave an entry that nobody will ever answer.
      }).pipe(Effect.uninterruptible)

    const run = (provider: CredentialProvider, request: CredentialRequest) =>
      Effect.suspend(() => {
        const key = sharedRun(provider, request)
        const shared = running.get(key)
        const answered = shared === undefined ? begin(key, provider, request) : Effect.succeed(shared)
        return Effect.flatMap(answered, Deferred.await)
      })

    const answerOf = Effect.fnUntraced(function*(provider: CredentialProvider, request: CredentialRequest) {
      const now = yield* Clock.currentTimeMillis
      const place = provider.name
      for (const key of cacheKeys(provider, request)) {
        const old = kept.get(`${place}/${key}`, now)
        if (old !== undefined) return old
      }
      const answer = yield* run(provider, request)
      if (echoesToken(provider, request, answer)) {
        yield* Effect.logError(
          `credential provider plugin ${place} returned the service account token as the password for image ` +
            `${request.image}, which is not allowed when service account cache type is not set to 'Token'`
        )
        return undefined
      }
      const cached = cachePlace(provider, request, answer, now)
      if (cached !== undefined) kept.put(`${place}/${cached.key}`, answer, cached.untilMs, now)
      return answer
    })

    const entries = Effect.fnUntraced(
      function*(provider: CredentialProvider, pod: Pod, image: string) {
        const account = provider.token === undefined
          ? Option.some(undefined)
          : yield* accountOf(pod, provider.token)
        if (Option.isNone(account)) return []
        const request = account.value === undefined ? { image } : { image, account: account.value }
        const answer = yield* answerOf(provider, request)
        return answer === undefined ? [] : entriesOf(answer, account.value)
      },
      (effect, { name }) =>
        Effect.catch(
          effect,
          (error) => Effect.as(Effect.logError(`no credentials from the credential provider plugin ${name}`, error), [])
        )
    )

    return PluginCredentials.of({
      forImage: (pod, name) =>
        Effect.forEach(
          plugins.providers.filter((provider) => concerns(provider, name)),
          (provider) => entries(provider, pod, repositoryOf(name)),
          { concurrency: "unbounded" }
        ).pipe(Effect.map((all) => all.flat()))
    })
  })
)
