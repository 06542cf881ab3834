/** Certificate signing requests: those of kubelets are approved and signed by the server itself, others when approved. */
import { Effect, Option } from "effect"
import { at, numberOf, objectOf, objectsOf, put, textOf, textsOf } from "../../../domain/k8s/json.ts"
import type { KubeObject } from "../KubeApi.ts"
import type { Authority } from "./authority.ts"
import type { ApiKind } from "./kinds.ts"
import { kubeObject, type State, timestamp } from "./state.ts"

const client = "kubernetes.io/kube-apiserver-client"
const approvedUnasked: ReadonlySet<string> = new Set([`${client}-kubelet`, "kubernetes.io/kubelet-serving"])
const signers: ReadonlySet<string> = new Set([...approvedUnasked, client])

const hasCondition = (request: KubeObject, type: string): boolean =>
  objectsOf(at(request, "status", "conditions")).some((one) => one["type"] === type)

const withCondition = (
  state: State,
  request: KubeObject,
  type: string,
  reason: string,
  message: string
): KubeObject => {
  const now = timestamp(state)
  const condition = { type, status: "True", reason, message, lastUpdateTime: now, lastTransitionTime: now }
  const status = objectOf(request["status"])
  return kubeObject(put(request, "status", { ...status, conditions: [...objectsOf(status["conditions"]), condition] }))
}

const approved = (state: State, request: KubeObject): KubeObject =>
  hasCondition(request, "Approved") || hasCondition(request, "Denied") ||
    !approvedUnasked.has(textOf(at(request, "spec", "signerName")))
    ? request
    : withCondition(
      state,
      request,
      "Approved",
      "AutoApproved",
      "Auto approving kubelet certificate after SubjectAccessReview."
    )

const isDue = (request: KubeObject): boolean =>
  hasCondition(request, "Approved") && !hasCondition(request, "Failed") &&
  textOf(at(request, "status", "certificate")) === "" && signers.has(textOf(at(request, "spec", "signerName")))

const signed = (state: State, request: KubeObject, authority: Authority) => {
  const spec = objectOf(request["spec"])
  const pem = Buffer.from(textOf(spec["request"]), "base64").toString()
  const seconds = numberOf(spec["expirationSeconds"])
  const lifeMs = seconds > 0 ? seconds * 1000 : state.settings.certificateLifeMs
  return authority.sign(pem, textsOf(spec["usages"]), lifeMs, state.settings.certificateBackdateMs).pipe(
    Effect.map((certificate) => {
      const encoded = Buffer.from(certificate).toString("base64")
      return kubeObject(put(request, "status", { ...objectOf(request["status"]), certificate: encoded }))
    }),
    Effect.catch((error) =>
      Effect.succeed(withCondition(state, request, "Failed", "SignerValidationFailure", error.message))
    )
  )
}

/** Approves and signs a request as far as it may be; stores what has changed. */
export const signRequest = Effect.fnUntraced(function*(
  state: State,
  kind: ApiKind,
  request: KubeObject,
  authority: Effect.Effect<Authority>
) {
  const ready = approved(state, request)
  const current = ready === request ? request : state.store.put(kind, ready)
  if (!isDue(current)) return
  const done = yield* signed(state, current, yield* authority)
  const now = Option.fromNullishOr(state.store.get(kind, "", current.metadata.name ?? ""))
  // Deleted or decided otherwise meanwhile: what was signed is of no use.
  if (Option.exists(now, (one) => one === current)) state.store.put(kind, done)
})
