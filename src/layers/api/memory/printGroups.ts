/** The columns of `kubectl get` for the kinds of the named groups. */
import { at, type JsonObject, listOf, numberOf, objectsOf, textOf, textsOf } from "../../../domain/k8s/json.ts"
import { parseTime } from "../../../domain/k8s/time.ts"
import { since, span } from "./age.ts"
import {
  ageColumn,
  type Column,
  count,
  createdColumn,
  nameColumn,
  number,
  pairs,
  path,
  plainText,
  selectorText,
  templateColumns,
  text,
  wide
} from "./column.ts"

const template = templateColumns("spec", "template")
const selector = wide(text("Selector", (object) => selectorText(at(object, "spec", "selector"))))

const ratio = (name: string, part: ReadonlyArray<string>, whole: ReadonlyArray<string>): Column =>
  plainText(name, (object) => `${numberOf(at(object, ...part))}/${numberOf(at(object, ...whole))}`)

const flag = (name: string, ...keys: ReadonlyArray<string>): Column =>
  plainText(name, (object) => at(object, ...keys) === true ? "true" : "false")

const jobStatus = (job: JsonObject): string => {
  const holds = (type: string) =>
    objectsOf(at(job, "status", "conditions")).some((one) => one["type"] === type && one["status"] === "True")
  if (holds("Complete")) return "Complete"
  if (holds("Failed")) return "Failed"
  if (at(job, "metadata", "deletionTimestamp") !== undefined) return "Terminating"
  return holds("Suspended") ? "Suspended" : "Running"
}

const jobDuration = (job: JsonObject, nowMs: number): string => {
  const start = parseTime(textOf(at(job, "status", "startTime")))
  const end = parseTime(textOf(at(job, "status", "completionTime")))
  return start === undefined ? "" : span((end ?? nowMs) - start)
}

const certificateCondition = (request: JsonObject): string => {
  const types = objectsOf(at(request, "status", "conditions")).map((one) => textOf(one["type"]))
  const decided = types.filter((type) => type === "Approved" || type === "Denied")
  const failed = types.includes("Failed") ? ["Failed"] : []
  const issued = textOf(at(request, "status", "certificate")) === "" ? [] : ["Issued"]
  return [...(decided.length === 0 ? ["Pending"] : decided), ...failed, ...issued].join(",")
}

const requestedDuration = (request: JsonObject): string => {
  const seconds = numberOf(at(request, "spec", "expirationSeconds"))
  return seconds === 0 ? "" : span(seconds * 1000)
}

const roleText = (binding: JsonObject): string =>
  `${textOf(at(binding, "roleRef", "kind"))}/${textOf(at(binding, "roleRef", "name"))}`

const subjects = (kind: string) => (binding: JsonObject): string =>
  objectsOf(binding["subjects"]).filter((one) => one["kind"] === kind).map((one) =>
    kind === "ServiceAccount" ? `${textOf(one["namespace"])}/${textOf(one["name"])}` : textOf(one["name"])
  ).join(", ")

const bindingColumns: ReadonlyArray<Column> = [
  nameColumn,
  plainText("Role", roleText),
  ageColumn,
  wide(plainText("Users", subjects("User"))),
  wide(plainText("Groups", subjects("Group"))),
  wide(plainText("ServiceAccounts", subjects("ServiceAccount")))
]

const whole = (name: string, ...keys: ReadonlyArray<string>): Column =>
  plainText(name, (object) => {
    const value = at(object, ...keys)
    return value === undefined || value === null ? "N/A" : String(value)
  })

const hosts = (ingress: JsonObject): string =>
  objectsOf(at(ingress, "spec", "rules")).map((rule) => textOf(rule["host"])).filter((host) => host !== "").join(",") ||
  "*"

const lastSchedule = (job: JsonObject, nowMs: number): string => {
  const time = at(job, "status", "lastScheduleTime")
  return time === undefined ? "<none>" : since(time, nowMs)
}

export const groupColumns: Readonly<Record<string, ReadonlyArray<Column>>> = {
  Deployment: [
    nameColumn,
    ratio("Ready", ["status", "readyReplicas"], ["spec", "replicas"]),
    number("Up-to-date", "status", "updatedReplicas"),
    number("Available", "status", "availableReplicas"),
    ageColumn,
    ...template,
    selector
  ],
  ReplicaSet: [
    nameColumn,
    number("Desired", "spec", "replicas"),
    number("Current", "status", "replicas"),
    number("Ready", "status", "readyReplicas"),
    ageColumn,
    ...template,
    selector
  ],
  DaemonSet: [
    nameColumn,
    number("Desired", "status", "desiredNumberScheduled"),
    number("Current", "status", "currentNumberScheduled"),
    number("Ready", "status", "numberReady"),
    number("Up-to-date", "status", "updatedNumberScheduled"),
    number("Available", "status", "numberAvailable"),
    text("Node Selector", (set) => pairs(at(set, "spec", "template", "spec", "nodeSelector"))),
    ageColumn,
    ...template,
    selector
  ],
  StatefulSet: [nameColumn, ratio("Ready", ["status", "readyReplicas"], ["spec", "replicas"]), ageColumn, ...template],
  ControllerRevision: [
    nameColumn,
    text("Controller", (revision) => {
      const owner = objectsOf(at(revision, "metadata", "ownerReferences")).find((one) => one["controller"] === true)
      return owner === undefined ? "" : `${textOf(owner["kind"]).toLowerCase()}.apps/${textOf(owner["name"])}`
    }),
    number("Revision", "revision"),
    ageColumn
  ],
  Job: [
    nameColumn,
    plainText("Status", jobStatus),
    ratio("Completions", ["status", "succeeded"], ["spec", "completions"]),
    plainText("Duration", jobDuration),
    ageColumn,
    ...template,
    selector
  ],
  CronJob: [
    nameColumn,
    path("Schedule", "spec", "schedule"),
    path("Timezone", "spec", "timeZone"),
    plainText("Suspend", (job) => at(job, "spec", "suspend") === true ? "True" : "False"),
    count("Active", (job) => listOf(at(job, "status", "active")).length),
    plainText("Last Schedule", lastSchedule),
    ageColumn,
    ...templateColumns("spec", "jobTemplate", "spec", "template"),
    wide(text("Selector", (job) => selectorText(at(job, "spec", "jobTemplate", "spec", "selector"))))
  ],
  Lease: [nameColumn, plainText("Holder", (lease) => textOf(at(lease, "spec", "holderIdentity"))), ageColumn],
  CSINode: [nameColumn, count("Drivers", (node) => listOf(at(node, "spec", "drivers")).length), ageColumn],
  CSIDriver: [
    nameColumn,
    flag("AttachRequired", "spec", "attachRequired"),
    flag("PodInfoOnMount", "spec", "podInfoOnMount"),
    flag("StorageCapacity", "spec", "storageCapacity"),
    plainText(
      "TokenRequests",
      (driver) =>
        objectsOf(at(driver, "spec", "tokenRequests")).map((one) => textOf(one["audience"])).join(",") || "<unset>"
    ),
    flag("RequiresRepublish", "spec", "requiresRepublish"),
    text("Modes", (driver) => textsOf(at(driver, "spec", "volumeLifecycleModes")).join(",")),
    ageColumn
  ],
  VolumeAttachment: [
    nameColumn,
    path("Attacher", "spec", "attacher"),
    path("PV", "spec", "source", "persistentVolumeName"),
    path("Node", "spec", "nodeName"),
    flag("Attached", "status", "attached"),
    ageColumn
  ],
  StorageClass: [
    {
      ...nameColumn,
      cell: (object) => {
        const marked = at(object, "metadata", "annotations", "storageclass.kubernetes.io/is-default-class") === "true"
        return `${textOf(at(object, "metadata", "name"))}${marked ? " (default)" : ""}`
      }
    },
    path("Provisioner", "provisioner"),
    path("ReclaimPolicy", "reclaimPolicy"),
    path("VolumeBindingMode", "volumeBindingMode"),
    flag("AllowVolumeExpansion", "allowVolumeExpansion"),
    ageColumn
  ],
  RuntimeClass: [nameColumn, path("Handler", "handler"), ageColumn],
  CertificateSigningRequest: [
    nameColumn,
    ageColumn,
    path("SignerName", "spec", "signerName"),
    plainText("Requestor", (request) => textOf(at(request, "spec", "username"))),
    text("RequestedDuration", requestedDuration),
    plainText("Condition", certificateCondition)
  ],
  PriorityClass: [
    nameColumn,
    number("Value", "value"),
    flag("Global-Default", "globalDefault"),
    ageColumn,
    plainText("PreemptionPolicy", (one) => textOf(one["preemptionPolicy"]))
  ],
  PodDisruptionBudget: [
    nameColumn,
    whole("Min Available", "spec", "minAvailable"),
    whole("Max Unavailable", "spec", "maxUnavailable"),
    number("Allowed Disruptions", "status", "disruptionsAllowed"),
    ageColumn
  ],
  Role: [nameColumn, createdColumn],
  ClusterRole: [nameColumn, createdColumn],
  RoleBinding: bindingColumns,
  ClusterRoleBinding: bindingColumns,
  Ingress: [
    nameColumn,
    path("Class", "spec", "ingressClassName"),
    plainText("Hosts", hosts),
    plainText(
      "Address",
      (ingress) => objectsOf(at(ingress, "status", "loadBalancer", "ingress")).map((one) => textOf(one["ip"])).join(",")
    ),
    plainText("Ports", (ingress) => listOf(at(ingress, "spec", "tls")).length > 0 ? "80, 443" : "80"),
    ageColumn
  ],
  NetworkPolicy: [
    nameColumn,
    text("Pod-Selector", (policy) => selectorText(at(policy, "spec", "podSelector"))),
    ageColumn
  ],
  EndpointSlice: [
    nameColumn,
    path("AddressType", "addressType"),
    text("Ports", (slice) => objectsOf(slice["ports"]).map((port) => String(port["port"])).join(",")),
    text(
      "Endpoints",
      (slice) => objectsOf(slice["endpoints"]).flatMap((endpoint) => textsOf(endpoint["addresses"])).join(",")
    ),
    ageColumn
  ]
}
