/** What admission does to a new pod: service account, priority, runtime class, tolerations; and whom it turns away. */
import { Result } from "effect"
import {
  type JsonObject,
  objectOf,
  objectsOf,
  own,
  put,
  putObject,
  textOf,
  withDefaults
} from "../../../domain/k8s/json.ts"
import { mapContainers } from "../../../domain/k8s/podDefaults.ts"
import { runtimeClasses, serviceAccounts } from "../../../domain/k8s/resources.ts"
import { forbidden, type Refusal, type Subject } from "./refusal.ts"
import { priorityClasses } from "./resources.ts"
import { kindOf, newSuffix, type State } from "./state.ts"

type Admitted = Result.Result<JsonObject, Refusal>

interface Candidate {
  readonly subject: Subject
  readonly name: string
  readonly namespace: string
}

const mirror = "kubernetes.io/config.mirror"
const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"

/** Shared by all pods, as most have no others. */
const patience: ReadonlyArray<JsonObject> = ["not-ready", "unreachable"].map((name) => ({
  key: `node.kubernetes.io/${name}`,
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds: 300
}))

const tolerated = (spec: JsonObject): JsonObject => {
  const given = objectsOf(spec["tolerations"])
  if (given.length === 0) return put(spec, "tolerations", patience)
  const missing = patience.filter(({ key }) =>
    !given.some((one) =>
      (one["key"] === key || (textOf(one["key"]) === "" && one["operator"] === "Exists")) &&
      (own(one, "effect") === undefined || one["effect"] === "NoExecute")
    )
  )
  return missing.length === 0 ? spec : put(spec, "tolerations", [...given, ...missing])
}

const tokenVolume = (name: string): JsonObject => ({
  name,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
      {
        downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] }
      }
    ]
  }
})

const withToken = (state: State, spec: JsonObject): JsonObject => {
  const name = `kube-api-access-${newSuffix(state)}`
  const mounted = mapContainers(spec, (container) => {
    const mounts = objectsOf(container["volumeMounts"])
    if (mounts.some((mount) => mount["mountPath"] === tokenPath)) return container
    return put(container, "volumeMounts", [...mounts, { name, readOnly: true, mountPath: tokenPath }])
  })
  // Whoever mounts something of his own there in every container needs no token.
  return mounted === spec ? spec : put(mounted, "volumes", [...objectsOf(spec["volumes"]), tokenVolume(name)])
}

const withAccount = (state: State, { subject, name, namespace }: Candidate, spec: JsonObject): Admitted => {
  const account = textOf(spec["serviceAccountName"]) || "default"
  const named = put(put(spec, "serviceAccountName", account), "serviceAccount", account)
  const found = state.store.get(kindOf(state, serviceAccounts), namespace, account)
  if (found === undefined) {
    return Result.fail(forbidden(
      subject,
      name,
      `error looking up service account ${namespace}/${account}: serviceaccount "${account}" not found`
    ))
  }
  const pulled = objectsOf(named["imagePullSecrets"]).length === 0
    ? put(named, "imagePullSecrets", found["imagePullSecrets"])
    : named
  const mount = own(spec, "automountServiceAccountToken") ?? found["automountServiceAccountToken"]
  return Result.succeed(
    state.settings.mountServiceAccountTokens && mount !== false ? withToken(state, pulled) : pulled
  )
}

const withPriority = (state: State, { subject, name }: Candidate, spec: JsonObject): Admitted => {
  const className = textOf(spec["priorityClassName"])
  const found = className === "" ? undefined : state.store.get(kindOf(state, priorityClasses), "", className)
  if (className !== "" && found === undefined) {
    return Result.fail(forbidden(subject, name, `no PriorityClass with name ${className} was found`))
  }
  const priority = found === undefined ? 0 : found["value"]
  const given = own(spec, "priority")
  if (given !== undefined && given !== priority) {
    return Result.fail(forbidden(
      subject,
      name,
      `the integer value of priority (${
        String(given)
      }) must not be provided in pod spec; priority admission controller ` +
        `computed ${String(priority)} from the given PriorityClass name`
    ))
  }
  const policy = found?.["preemptionPolicy"] ?? "PreemptLowerPriority"
  return Result.succeed(withDefaults(spec, { priority, preemptionPolicy: policy }))
}

const withRuntime = (state: State, { subject, name }: Candidate, spec: JsonObject): Admitted => {
  const className = textOf(spec["runtimeClassName"])
  if (className === "") return Result.succeed(spec)
  const found = state.store.get(kindOf(state, runtimeClasses), "", className)
  if (found === undefined) {
    return Result.fail(forbidden(subject, name, `pod rejected: RuntimeClass "${className}" not found`))
  }
  const overhead = objectOf(found["overhead"])["podFixed"]
  const selector = objectOf(found["scheduling"])["nodeSelector"]
  const placed = selector === undefined
    ? spec
    : put(spec, "nodeSelector", { ...objectOf(spec["nodeSelector"]), ...objectOf(selector) })
  return Result.succeed(overhead === undefined ? placed : withDefaults(placed, { overhead }))
}

/** Admits a new pod that has its defaults. A mirror pod stands for what already runs: it is taken as it is. */
export const admitPod = (state: State, candidate: Candidate, pod: JsonObject): Admitted => {
  const isMirror = own(objectOf(objectOf(pod["metadata"])["annotations"]), mirror) !== undefined
  return Result.gen(function*() {
    let spec = objectOf(pod["spec"])
    if (!isMirror) spec = yield* withAccount(state, candidate, spec)
    spec = yield* withPriority(state, candidate, spec)
    spec = yield* withRuntime(state, candidate, spec)
    return put(pod, "spec", tolerated(spec))
  })
}

/** The condition of a pod that waits behind scheduling gates. */
export const gated = (pod: JsonObject): JsonObject =>
  objectsOf(objectOf(pod["spec"])["schedulingGates"]).length === 0
    ? pod
    : putObject(pod, "status", (status) =>
      put(status, "conditions", [{
        type: "PodScheduled",
        status: "False",
        lastProbeTime: null,
        lastTransitionTime: null,
        reason: "SchedulingGated",
        message: "Scheduling is blocked due to non-empty scheduling gates"
      }]))
