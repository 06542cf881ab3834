/** The values an API server fills into pods and pod templates. */
import { type JsonObject, listOf, objectOf, own, put, putList, putObject, textOf, withDefaults } from "./json.ts"

const mode = 0o644

/** The tag of an image reference, `latest` when it has neither tag nor digest. */
const tagOf = (image: string): string => {
  const [name = "", digest] = image.split("@")
  const tag = /:([^/:]+)$/.exec(name)?.[1]
  return tag ?? (digest === undefined ? "latest" : "")
}

const pullPolicyOf = (image: unknown): string => tagOf(textOf(image)) === "latest" ? "Always" : "IfNotPresent"

const httpGet = (action: JsonObject): JsonObject => withDefaults(action, { path: "/", scheme: "HTTP" })

const handler = (action: JsonObject): JsonObject => putObject(action, "httpGet", httpGet)

const probe = (value: JsonObject): JsonObject =>
  putObject(
    withDefaults(handler(value), { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 }),
    "grpc",
    (grpc) => withDefaults(grpc, { service: "" })
  )

const lifecycle = (value: JsonObject): JsonObject =>
  putObject(putObject(value, "postStart", handler), "preStop", handler)

const fieldRef = (holder: JsonObject): JsonObject =>
  putObject(holder, "fieldRef", (ref) => withDefaults(ref, { apiVersion: "v1" }))

const env = (variable: JsonObject): JsonObject => putObject(variable, "valueFrom", fieldRef)

const probes = ["livenessProbe", "readinessProbe", "startupProbe"]

const container = (hostNetwork: boolean) => (value: JsonObject): JsonObject => {
  const port = (entry: JsonObject): JsonObject => {
    const named = withDefaults(entry, { protocol: "TCP" })
    return hostNetwork ? withDefaults(named, { hostPort: named["containerPort"] }) : named
  }
  const probed = probes.reduce((result, key) => putObject(result, key, probe), value)
  const full = putObject(putList(putList(probed, "ports", port), "env", env), "lifecycle", lifecycle)
  return withDefaults(full, {
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: pullPolicyOf(value["image"])
  })
}

const downward = (source: JsonObject): JsonObject => putList(source, "items", fieldRef)

const projectedSource = (source: JsonObject): JsonObject =>
  putObject(
    putObject(source, "serviceAccountToken", (token) => withDefaults(token, { expirationSeconds: 3600 })),
    "downwardAPI",
    downward
  )

const sources: Readonly<Record<string, (source: JsonObject) => JsonObject>> = {
  secret: (source) => withDefaults(source, { defaultMode: mode }),
  configMap: (source) => withDefaults(source, { defaultMode: mode }),
  downwardAPI: (source) => withDefaults(downward(source), { defaultMode: mode }),
  projected: (source) => withDefaults(putList(source, "sources", projectedSource), { defaultMode: mode }),
  hostPath: (source) => withDefaults(source, { type: "" }),
  image: (source) => withDefaults(source, { pullPolicy: pullPolicyOf(source["reference"]) }),
  ephemeral: (source) =>
    putObject(
      source,
      "volumeClaimTemplate",
      (template) => putObject(template, "spec", (spec) => withDefaults(spec, { volumeMode: "Filesystem" }))
    )
}

const volume = (value: JsonObject): JsonObject => {
  // A volume of a name alone is an empty directory.
  if (Object.keys(value).length === 1) return put(value, "emptyDir", {})
  return Object.entries(sources).reduce((result, [key, change]) => putObject(result, key, change), value)
}

const sameAccount = (spec: JsonObject): JsonObject => {
  const name = textOf(spec["serviceAccountName"]) || textOf(spec["serviceAccount"])
  return name === "" ? spec : put(put(spec, "serviceAccountName", name), "serviceAccount", name)
}

/** Defaults of a pod spec wherever it stands: in a pod or in the template of a workload. */
export const defaultPodSpec = (spec: JsonObject): JsonObject => {
  const perContainer = container(spec["hostNetwork"] === true)
  const lists = ["initContainers", "containers", "ephemeralContainers"]
  const contained = lists.reduce((result, key) => putList(result, key, perContainer), spec)
  return withDefaults(sameAccount(putList(contained, "volumes", volume)), {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler"
  })
}

/** A limit without a request is also the request. */
const requestsFromLimits = (holder: JsonObject): JsonObject =>
  putObject(holder, "resources", (resources) => {
    const limits = objectOf(resources["limits"])
    if (Object.keys(limits).length === 0) return resources
    const requests = own(resources, "requests")
    return put(resources, "requests", requests === undefined ? limits : withDefaults(objectOf(requests), limits))
  })

/** The one address of old clients and the list of new ones say the same; the one decides when they differ. */
const sameAddress = (one: string, many: string) => (status: JsonObject): JsonObject => {
  const single = textOf(status[one])
  const first = textOf(objectOf(listOf(status[many])[0])["ip"])
  if (single === first) return status
  return single === "" ? put(status, one, first) : put(status, many, [{ ip: single }])
}

const addressed = (pod: JsonObject): JsonObject =>
  putObject(putObject(pod, "status", sameAddress("podIP", "podIPs")), "status", sameAddress("hostIP", "hostIPs"))

/** Defaults of a Pod, beyond those of any pod spec. */
export const defaultPod = (pod: JsonObject): JsonObject =>
  putObject(addressed(pod), "spec", (spec) => {
    const filled = defaultPodSpec(spec)
    const requested = ["initContainers", "containers"].reduce(
      (result, key) => putList(result, key, requestsFromLimits),
      filled
    )
    return withDefaults(requestsFromLimits(requested), { enableServiceLinks: true })
  })

/** Defaults of the pod template inside a workload's spec. */
export const defaultTemplate = (spec: JsonObject): JsonObject =>
  putObject(spec, "template", (template) => putObject(template, "spec", defaultPodSpec))

const positive = (amounts: unknown): JsonObject =>
  Object.fromEntries(
    Object.entries(objectOf(amounts)).filter(([name, amount]) =>
      (name === "cpu" || name === "memory") && amount !== "0"
    )
  )

const sameAmounts = (requests: JsonObject, limits: JsonObject): boolean =>
  ["cpu", "memory"].every((name) => own(limits, name) !== undefined && own(requests, name) === own(limits, name))

/** The QoS class: quantities are canonical here, so equal amounts are equal texts. */
export const qosClassOf = (spec: JsonObject): string => {
  const podLevel = objectOf(spec["resources"])
  const holders = Object.keys(podLevel).length > 0
    ? [podLevel]
    : [...listOf(spec["initContainers"]), ...listOf(spec["containers"])].map((one) =>
      objectOf(objectOf(one)["resources"])
    )
  const amounts = holders.map((holder) => ({
    requests: positive(holder["requests"]),
    limits: positive(holder["limits"])
  }))
  if (amounts.every(({ limits, requests }) => Object.keys({ ...limits, ...requests }).length === 0)) return "BestEffort"
  return amounts.every(({ limits, requests }) => sameAmounts(requests, limits)) ? "Guaranteed" : "Burstable"
}

/** Applies a change to every container of a pod spec that is there from the start. */
export const mapContainers = (spec: JsonObject, change: (value: JsonObject) => JsonObject): JsonObject =>
  ["initContainers", "containers"].reduce((result, key) => putList(result, key, change), spec)
