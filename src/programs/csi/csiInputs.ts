/** What a driver is told beyond the volume itself: rules of its CSIDriver object, secrets, tokens of the pod. */
import { Effect } from "effect"
import {
  type DriverRules,
  driverRules,
  type IssuedToken,
  podInfo,
  tokensKey,
  tokensText
} from "../../domain/csi/driverRules.ts"
import type { LifecycleMode } from "../../domain/csi/driverRules.ts"
import { decodeCsiDriver, decodeSecret } from "../../domain/k8s/decode.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import { csiDrivers, secrets } from "../../domain/k8s/resources.ts"
import { formatTime } from "../../domain/k8s/time.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import { requestToken } from "../volumes/ServiceAccountTokens.ts"
import { refuse } from "../volumes/VolumeError.ts"

/** A cached answer will do: these objects hardly ever change. */
export const readRules = Effect.fn("csi.readRules")(function*(driver: string) {
  const api = yield* KubeApi
  const object = yield* api.get(csiDrivers, { name: driver }, { resourceVersion: "0" }).pipe(
    Effect.catchReason("ApiError", "NotFound", () => Effect.succeed(undefined))
  )
  return driverRules(object === undefined ? undefined : yield* Effect.fromResult(decodeCsiDriver(object)))
})

/** Base64 as the API has it, to text as gRPC has it. */
const textOf = (base64: string): string =>
  new TextDecoder().decode(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)))

export interface SecretReference {
  readonly name?: string | undefined
  readonly namespace?: string | undefined
}

export const readSecret = Effect.fn("csi.readSecret")(function*(reference: SecretReference | undefined) {
  const { name = "", namespace = "" } = reference ?? {}
  if (name === "") return {}
  const api = yield* KubeApi
  const object = yield* api.get(secrets, { namespace, name }).pipe(
    Effect.mapError((error) =>
      refuse(`failed to find the secret ${name} in the namespace ${namespace} with error: ${error.detail}`)
    )
  )
  const { data = {} } = yield* Effect.fromResult(decodeSecret(object))
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, textOf(value)]))
})

const defaultTokenSeconds = 3600

const issueTokens = Effect.fnUntraced(function*(rules: DriverRules, pod: Pod) {
  const issued = yield* Effect.forEach(
    rules.tokenRequests,
    Effect.fnUntraced(function*({ audience, expirationSeconds = defaultTokenSeconds }) {
      const { expiresAtMs, token } = yield* requestToken(pod, { audience, expirationSeconds })
      return { audience, token, expirationTimestamp: formatTime(expiresAtMs) } satisfies IssuedToken
    })
  )
  return issued.length === 0 ? {} : { [tokensKey]: tokensText(issued) }
})

/** What the driver learns of the pod: in the volume's attributes, and tokens among its secrets where it says so. */
export const readPodInputs = Effect.fn("csi.readPodInputs")(
  function*(rules: DriverRules, pod: Pod, mode: LifecycleMode) {
    const tokens = yield* issueTokens(rules, pod)
    const info = podInfo(rules, pod, mode)
    return rules.tokensInSecrets
      ? { attributes: info, secrets: tokens }
      : { attributes: { ...info, ...tokens }, secrets: {} }
  }
)
