/** The values an API server fills into objects of each kind, apart from what it allocates or admits. */
import {
  at,
  type JsonObject,
  objectOf,
  own,
  put,
  putAt,
  putList,
  putObject,
  textOf,
  withDefaults
} from "../../../domain/k8s/json.ts"
import { defaultPod, defaultTemplate } from "../../../domain/k8s/podDefaults.ts"

type Defaults = (object: JsonObject) => JsonObject

const inSpec = (change: Defaults): Defaults => (object) => putObject(object, "spec", change)

const servicePort = (port: JsonObject): JsonObject => {
  const named = withDefaults(port, { protocol: "TCP" })
  const target = own(named, "targetPort")
  return target === undefined || target === 0 || target === "" ? put(named, "targetPort", named["port"]) : named
}

const service: Defaults = inSpec((spec) => {
  const typed = withDefaults(putList(spec, "ports", servicePort), { sessionAffinity: "None", type: "ClusterIP" })
  const type = textOf(typed["type"])
  if (type === "ExternalName") return typed
  return withDefaults(typed, {
    internalTrafficPolicy: "Cluster",
    ipFamilies: ["IPv4"],
    ipFamilyPolicy: "SingleStack",
    ...(type === "NodePort" || type === "LoadBalancer" ? { externalTrafficPolicy: "Cluster" } : {}),
    ...(type === "LoadBalancer" ? { allocateLoadBalancerNodePorts: true } : {})
  })
})

const base64 = (text: unknown): string => Buffer.from(textOf(text), "utf8").toString("base64")

const secret: Defaults = (object) => {
  const given = objectOf(object["stringData"])
  const encoded = Object.fromEntries(Object.entries(given).map(([key, value]) => [key, base64(value)]))
  const data = Object.keys(given).length === 0 ? object["data"] : { ...objectOf(object["data"]), ...encoded }
  return withDefaults(put(put(object, "data", data), "stringData", undefined), { type: "Opaque" })
}

const namespace: Defaults = (object) => {
  const named = putAt(object, ["metadata", "labels", "kubernetes.io/metadata.name"], at(object, "metadata", "name"))
  return putObject(
    putObject(named, "spec", (spec) => withDefaults(spec, { finalizers: ["kubernetes"] })),
    "status",
    (s) => withDefaults(s, { phase: "Active" })
  )
}

const node: Defaults = (object) =>
  putObject(
    object,
    "status",
    (status) =>
      own(status, "capacity") === undefined ? status : withDefaults(status, { allocatable: status["capacity"] })
  )

/** Labels and selector that a workload takes from its template when it has none. */
const fromTemplate: Defaults = (object) => {
  const labels = at(object, "spec", "template", "metadata", "labels")
  return labels === undefined || at(object, "metadata", "labels") !== undefined
    ? object
    : putAt(object, ["metadata", "labels"], labels)
}

const rolling = { type: "RollingUpdate" }

const deployment: Defaults = inSpec((spec) => {
  const filled = withDefaults(defaultTemplate(spec), {
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600
  })
  return putObject(filled, "strategy", (strategy) => {
    const typed = withDefaults(strategy, rolling)
    if (typed["type"] !== "RollingUpdate") return typed
    const update = withDefaults(objectOf(typed["rollingUpdate"]), { maxUnavailable: "25%", maxSurge: "25%" })
    return put(typed, "rollingUpdate", update)
  })
})

const updateStrategy = (fields: JsonObject): Defaults => (spec) =>
  putObject(spec, "updateStrategy", (strategy) => {
    const typed = withDefaults(strategy, rolling)
    if (typed["type"] !== "RollingUpdate") return typed
    return put(typed, "rollingUpdate", withDefaults(objectOf(typed["rollingUpdate"]), fields))
  })

const daemonSet: Defaults = inSpec((spec) =>
  withDefaults(updateStrategy({ maxUnavailable: 1, maxSurge: 0 })(defaultTemplate(spec)), { revisionHistoryLimit: 10 })
)

const statefulSet: Defaults = inSpec((spec) =>
  withDefaults(updateStrategy({ partition: 0 })(defaultTemplate(spec)), {
    podManagementPolicy: "OrderedReady",
    replicas: 1,
    revisionHistoryLimit: 10,
    persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" }
  })
)

const jobSpec: Defaults = (spec) =>
  withDefaults(defaultTemplate(spec), {
    ...(own(spec, "completions") === undefined && own(spec, "parallelism") === undefined
      ? { completions: 1, parallelism: 1 }
      : { parallelism: 1 }),
    backoffLimit: 6,
    completionMode: "NonIndexed",
    suspend: false,
    podReplacementPolicy: own(spec, "podFailurePolicy") === undefined ? "TerminatingOrFailed" : "Failed"
  })

const cronJob: Defaults = inSpec((spec) =>
  withDefaults(spec, {
    concurrencyPolicy: "Allow",
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1
  })
)

const csiDriver: Defaults = inSpec((spec) =>
  withDefaults(spec, {
    attachRequired: true,
    podInfoOnMount: false,
    storageCapacity: false,
    fsGroupPolicy: "ReadWriteOnceWithFSType",
    volumeLifecycleModes: ["Persistent"],
    requiresRepublish: false,
    seLinuxMount: false
  })
)

const networkPolicy: Defaults = inSpec((spec) =>
  withDefaults(spec, { policyTypes: own(spec, "egress") === undefined ? ["Ingress"] : ["Ingress", "Egress"] })
)

const endpointPort = (port: JsonObject): JsonObject => withDefaults(port, { protocol: "TCP" })

const byKind: Readonly<Record<string, Defaults>> = {
  Pod: defaultPod,
  Service: service,
  Secret: secret,
  Namespace: namespace,
  Node: node,
  PodTemplate: defaultTemplate,
  ReplicationController: (object) =>
    fromTemplate(
      inSpec((spec) => {
        const filled = withDefaults(defaultTemplate(spec), { replicas: 1 })
        return withDefaults(filled, { selector: at(filled, "template", "metadata", "labels") })
      })(object)
    ),
  ReplicaSet: (object) => fromTemplate(inSpec((spec) => withDefaults(defaultTemplate(spec), { replicas: 1 }))(object)),
  Deployment: deployment,
  DaemonSet: daemonSet,
  StatefulSet: statefulSet,
  Job: inSpec(jobSpec),
  CronJob: cronJob,
  HorizontalPodAutoscaler: inSpec((spec) => withDefaults(spec, { minReplicas: 1 })),
  PersistentVolume: inSpec((spec) =>
    withDefaults(putObject(spec, "hostPath", (path) => withDefaults(path, { type: "" })), {
      persistentVolumeReclaimPolicy: "Retain",
      volumeMode: "Filesystem"
    })
  ),
  PersistentVolumeClaim: inSpec((spec) => withDefaults(spec, { volumeMode: "Filesystem" })),
  StorageClass: (object) => withDefaults(object, { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" }),
  CSIDriver: csiDriver,
  PriorityClass: (object) => withDefaults(object, { preemptionPolicy: "PreemptLowerPriority" }),
  NetworkPolicy: networkPolicy,
  Endpoints: (object) => putList(object, "subsets", (subset) => putList(subset, "ports", endpointPort)),
  EndpointSlice: (object) => putList(object, "ports", endpointPort)
}

/** Fills in what was left open; an object that has everything comes back as it is. */
export const defaultObject = (kind: string, object: JsonObject): JsonObject => byKind[kind]?.(object) ?? object
