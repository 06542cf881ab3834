/**
 * Certificates of pods: asked of the signer that the pod names, held in memory only, and renewed when the signer said
 * (parity I9). A signer's refusal is final; all else is tried again.
 */
import { Clock, Context, Data, Effect, FiberMap, Layer, Random, Result, Stream } from "effect"
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
import * as KeyedMailbox from "../KeyedMailbox.ts"
import { serviceAccountOf } from "./ServiceAccountTokens.ts"
import { refuse } from "./VolumeError.ts"

export class PodCertificates extends Context.Service<PodCertificates, {
  /** Holds these certificates for the pod from now on, and no others; repeatable. Returns at once. */
  readonly want: (pod: Pod, wishes: ReadonlyArray<CertificateWish>) => Effect.Effect<void>
  readonly drop: (uid: string) => Effect.Effect<void>
  /** What is held now; `undefined` until the signer has answered once. */
  readonly held: (uid: string, wish: CertificateWish) => Effect.Effect<Lookup<HeldCertificate> | undefined>
  /** UIDs of pods whose certificates changed. One consumer. */
  readonly changed: Effect.Effect<ReadonlyArray<string>>
}>()("kubeffect/programs/volumes/PodCertificates") {}

class Refused extends Data.TaggedError("Refused")<{ readonly message: string }> {}

/** A request that nobody answers for so long was forgotten, or deleted unseen. */
const patienceMs = 600_000
/** Pods that began together do not renew together. */
const maxJitterMs = 300_000
const firstRetryMs = 500
const maxRetryMs = 30_000

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

type Holder = Map<string, Lookup<HeldCertificate>>

/** Keeps one certificate fresh, until its signer refuses one. */
const keepFresh = Effect.fnUntraced(
  function*(pod: Pod, wish: CertificateWish, held: Holder, tell: Effect.Effect<void>) {
    const key = wishKey(pod.metadata.uid, wish)
    let failures = 0
    while (true) {
      const answer = yield* Effect.result(issue(pod, wish))
      if (Result.isSuccess(answer)) {
        failures = 0
        held.set(key, Lookup.Found({ value: answer.success }))
        yield* tell
        const now = yield* Clock.currentTimeMillis
        yield* Effect.sleep(
          Math.max(0, answer.success.beginRefreshAtMs - now) + (yield* Random.nextIntBetween(0, maxJitterMs))
        )
        continue
      }
      const { failure } = answer
      yield* Effect.logWarning(`no certificate for ${pod.metadata.namespace}/${pod.metadata.name}`, failure)
      if (failure._tag === "Refused" || held.get(key)?._tag !== "Found") {
        held.set(key, Lookup.Failed({ message: failure.message }))
        yield* tell
      }
      if (failure._tag === "Refused") return
      failures += 1
      yield* Effect.sleep(Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 20)))
    }
  }
)

const make = Effect.gen(function*() {
  const needs = yield* Effect.context<AgentConfig | KubeApi | PodKeys>()
  const mailbox = yield* KeyedMailbox.make
  const fibers = yield* FiberMap.make<string, void>()
  const held: Holder = new Map()
  const byPod = new Map<string, ReadonlySet<string>>()

  const retain = Effect.fnUntraced(function*(uid: string, keys: ReadonlySet<string>) {
    const gone = [...byPod.get(uid) ?? []].filter((key) => !keys.has(key))
    if (keys.size === 0) byPod.delete(uid)
    else byPod.set(uid, keys)
    for (const key of gone) {
      yield* FiberMap.remove(fibers, key)
      held.delete(key)
    }
  })

  return PodCertificates.of({
    want: Effect.fnUntraced(function*(pod: Pod, wishes: ReadonlyArray<CertificateWish>) {
      const { uid } = pod.metadata
      const known = byPod.get(uid)
      yield* retain(uid, new Set(wishes.map((wish) => wishKey(uid, wish))))
      for (const wish of wishes) {
        // One that was refused is not asked for again.
        if (known?.has(wishKey(uid, wish)) === true) continue
        const keep = keepFresh(pod, wish, held, mailbox.offer(uid)).pipe(Effect.provideContext(needs))
        yield* FiberMap.run(fibers, wishKey(uid, wish), keep, { onlyIfMissing: true })
      }
    }),
    drop: (uid) => retain(uid, new Set()),
    held: (uid, wish) => Effect.sync(() => held.get(wishKey(uid, wish))),
    changed: mailbox.takeAll
  })
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
