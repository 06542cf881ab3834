/**
 * Certificates of pods: asked of the signer that the pod names, held in memory only, and renewed when the signer said
 * (parity I9). A signer's refusal is final; all else is tried again.
 */
import { Clock, Context, Data, Effect, Layer, Random, Result, Stream } from "effect"
import { Lookup } from "../../domain/config/lookups.ts"
import { decodePodCertificateRequest } from "../../domain/k8s/decode.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import { nodes, podCertificateRequests, serviceAccounts } from "../../domain/k8s/resources.ts"
import {
  answerOf,
  CertificateAnswer,
  certificateRequest,
  type CertificateWish,
  type HeldCertificate,
  wishKey
} from "../../domain/volumes/podCertificates.ts"
import { KubeApi, type KubeObject } from "../../layers/api/KubeApi.ts"
import { PodKeys } from "../../layers/certificates/PodKeys.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { Change, reflect } from "../api/reflector.ts"
import * as Renewals from "./Renewals.ts"
import { serviceAccountOf } from "./ServiceAccountTokens.ts"
import { refuse } from "./VolumeError.ts"

export class PodCertificates
  extends Context.Service<PodCertificates, Renewals.Renewals<CertificateWish, HeldCertificate>>()(
    "kubeffect/programs/volumes/PodCertificates"
  )
{}

class Refused extends Data.TaggedError("Refused")<{ readonly message: string }> {}

/** A request that nobody answers for so long was forgotten, or deleted unseen. */
const patienceMs = 600_000
/** Pods that began together do not renew together. */
const maxJitterMs = 300_000

const uidOf = ({ metadata }: KubeObject): string => metadata.uid ?? ""

/** What the change says of the one request. */
const ofRequest = (change: Change, name: string): ReadonlyArray<KubeObject> => {
  const isIt = ({ metadata }: KubeObject) => metadata.name === name
  return Change.$match(change, {
    Snapshot: ({ objects }) => objects.filter(isIt),
    Upsert: ({ object }) => [object].filter(isIt),
    Remove: () => []
  })
}

/** Nodes may watch the requests that are theirs. */
const untilAnswered = Effect.fnUntraced(function*(namespace: string, name: string) {
  const { nodeName } = yield* AgentConfig
  const answers = reflect(podCertificateRequests, { namespace, fieldSelector: `spec.nodeName=${nodeName}` }).pipe(
    Stream.mapEffect((change) =>
      Effect.map(Clock.currentTimeMillis, (nowMs) =>
        ofRequest(change, name).flatMap((object) => {
          const decoded = decodePodCertificateRequest(object)
          return Result.isSuccess(decoded) ? [answerOf(decoded.success, nowMs)] : []
        }))
    ),
    Stream.filter((all) => all.some(({ _tag }) => _tag !== "Pending")),
    Stream.take(1),
    Stream.runCollect
  )
  const [[answer = CertificateAnswer.Pending()] = []] = yield* Effect.timeoutOrElse(answers, {
    duration: patienceMs,
    orElse: () => Effect.fail(refuse(`PodCertificateRequest ${namespace}/${name} was not answered`))
  })
  return answer
})

/** One certificate with a key of its own. */
const issue = Effect.fn("PodCertificates.issue")(function*(pod: Pod, wish: CertificateWish) {
  const api = yield* KubeApi
  const keys = yield* PodKeys
  const { nodeName } = yield* AgentConfig
  const { namespace, uid } = pod.metadata
  const account = serviceAccountOf(pod)
  const serviceAccount = { name: account, uid: uidOf(yield* api.get(serviceAccounts, { namespace, name: account })) }
  const node = { name: nodeName, uid: uidOf(yield* api.get(nodes, { name: nodeName })) }
  const { privateKey, proof, publicKey } = yield* keys.make(wish.keyType ?? "", uid)
  const made = yield* api.create(
    podCertificateRequests,
    certificateRequest(wish, { pod, serviceAccount, node, publicKey, proof })
  )
  const answer = yield* untilAnswered(namespace, made.metadata.name ?? "")
  if (answer._tag === "Refused") return yield* new Refused({ message: answer.message })
  if (answer._tag === "Pending") return yield* refuse("the watch of requests ended")
  const { beginRefreshAtMs, chain } = answer
  return { key: privateKey, chain, beginRefreshAtMs } satisfies HeldCertificate
})

const make = Renewals.make({
  kind: "certificate",
  keyOf: wishKey,
  issue,
  restMs: ({ beginRefreshAtMs }, nowMs) =>
    Effect.map(Random.nextIntBetween(0, maxJitterMs), (jitterMs) => Math.max(0, beginRefreshAtMs - nowMs) + jitterMs),
  // Whether an old one still serves is for those to say who are shown it.
  isValid: () => true,
  failureText: ({ message }) => message,
  isFinal: ({ _tag }) => _tag === "Refused"
})

/** With the feature off, and on a node without an API server. */
const absent = PodCertificates.of({
  want: () => Effect.void,
  drop: () => Effect.void,
  held: () => Effect.succeed(Lookup.Failed({ message: "PodCertificate projection is not enabled on this node" })),
  changed: Effect.never
})

export const layer: Layer.Layer<PodCertificates, never, AgentConfig | KubeApi | PodKeys> = Layer.effect(
  PodCertificates,
  Effect.gen(function*() {
    const { podCertificates, standalone } = yield* AgentConfig
    return standalone || !podCertificates ? absent : yield* make
  })
)
