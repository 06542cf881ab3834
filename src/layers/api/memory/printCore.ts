/** The columns of `kubectl get` for the kinds of the core group. */
import {
  at,
  type JsonObject,
  listOf,
  numberOf,
  objectOf,
  objectsOf,
  textOf,
  textsOf
} from "../../../domain/k8s/json.ts"
import { since } from "./age.ts"
import {
  ageColumn,
  type Column,
  count,
  nameColumn,
  number,
  pairs,
  path,
  plainText,
  templateColumns,
  text,
  wide
} from "./column.ts"
import { podColumns } from "./printPods.ts"

const nodeStatus = (node: JsonObject): string => {
  const ready = objectsOf(at(node, "status", "conditions")).find((one) => one["type"] === "Ready")
  const status = ready === undefined ? "Unknown" : ready["status"] === "True" ? "Ready" : "NotReady"
  return at(node, "spec", "unschedulable") === true ? `${status},SchedulingDisabled` : status
}

const rolePrefix = "node-role.kubernetes.io/"

const nodeRoles = (node: JsonObject): string => {
  const labels = Object.entries(objectOf(at(node, "metadata", "labels")))
  const roles = labels.flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return [key.slice(rolePrefix.length)]
    return key === "kubernetes.io/role" ? [textOf(value)] : []
  })
  return roles.filter((role) => role !== "").sort().join(",")
}

const nodeAddress = (type: string) => (node: JsonObject): string =>
  textOf(objectsOf(at(node, "status", "addresses")).find((one) => one["type"] === type)?.["address"])

const info = (name: string, key: string): Column =>
  wide(text(name, (node) => textOf(at(node, "status", "nodeInfo", key)) || "<unknown>"))

const nodeColumns: ReadonlyArray<Column> = [
  nameColumn,
  plainText("Status", nodeStatus),
  text("Roles", nodeRoles),
  ageColumn,
  plainText("Version", (node) => textOf(at(node, "status", "nodeInfo", "kubeletVersion"))),
  wide(text("Internal-IP", nodeAddress("InternalIP"))),
  wide(text("External-IP", nodeAddress("ExternalIP"))),
  info("OS-Image", "osImage"),
  info("Kernel-Version", "kernelVersion"),
  info("Container-Runtime", "containerRuntimeVersion")
]

const portText = (port: JsonObject): string => {
  const node = numberOf(port["nodePort"])
  return `${numberOf(port["port"])}${node === 0 ? "" : `:${node}`}/${textOf(port["protocol"])}`
}

const externalIp = (service: JsonObject): string => {
  const given = textsOf(at(service, "spec", "externalIPs"))
  const balanced = objectsOf(at(service, "status", "loadBalancer", "ingress")).map((one) =>
    textOf(one["ip"]) || textOf(one["hostname"])
  )
  switch (at(service, "spec", "type")) {
    case "LoadBalancer":
      return [...balanced, ...given].join(",") || "<pending>"
    case "ExternalName":
      return textOf(at(service, "spec", "externalName"))
    default:
      return given.join(",")
  }
}

const serviceColumns: ReadonlyArray<Column> = [
  nameColumn,
  path("Type", "spec", "type"),
  path("Cluster-IP", "spec", "clusterIP"),
  text("External-IP", externalIp),
  text("Port(s)", (service) => objectsOf(at(service, "spec", "ports")).map(portText).join(",")),
  ageColumn,
  wide(text("Selector", (service) => pairs(at(service, "spec", "selector"))))
]

/** How long ago an event happened last; when it happened more than once, also how often and since when. */
const lastSeen = (event: JsonObject, nowMs: number): string => {
  const first = textOf(event["firstTimestamp"]) || textOf(event["eventTime"])
  const series = event["series"]
  if (series !== undefined && series !== null) {
    return `${since(at(series, "lastObservedTime"), nowMs)} (x${numberOf(at(series, "count"))} over ${
      since(first, nowMs)
    })`
  }
  const times = numberOf(event["count"])
  const last = since(textOf(event["lastTimestamp"]) || first, nowMs)
  return times > 1 ? `${last} (x${times} over ${since(first, nowMs)})` : last
}

const involved = (event: JsonObject): string => {
  const kind = textOf(at(event, "involvedObject", "kind")).toLowerCase()
  const name = textOf(at(event, "involvedObject", "name"))
  return name === "" ? kind : `${kind}/${name}`
}

const eventSource = (event: JsonObject): string =>
  [textOf(at(event, "source", "component")) || textOf(event["reportingComponent"]), textOf(at(event, "source", "host"))]
    .filter((part) => part !== "").join(", ")

const eventColumns: ReadonlyArray<Column> = [
  plainText("Last Seen", lastSeen),
  plainText("Type", (event) => textOf(event["type"])),
  plainText("Reason", (event) => textOf(event["reason"])),
  plainText("Object", involved),
  wide(plainText("Subobject", (event) => textOf(at(event, "involvedObject", "fieldPath")))),
  wide(plainText("Source", eventSource)),
  plainText("Message", (event) => textOf(event["message"]).trim()),
  wide(plainText("First Seen", (event, nowMs) => since(textOf(event["firstTimestamp"]) || event["eventTime"], nowMs))),
  wide(count("Count", (event) => Math.max(1, numberOf(event["count"])))),
  wide(nameColumn)
]

const keys = (name: string, ...fields: ReadonlyArray<string>): Column =>
  count(name, (object) => fields.reduce((sum, field) => sum + Object.keys(objectOf(object[field])).length, 0))

const endpointsText = (endpoints: JsonObject): string => {
  const all = objectsOf(endpoints["subsets"]).flatMap((subset) =>
    objectsOf(subset["ports"]).flatMap((port) =>
      objectsOf(subset["addresses"]).map((address) => `${textOf(address["ip"])}:${numberOf(port["port"])}`)
    )
  )
  return all.length > 3 ? `${all.slice(0, 3).join(",")} + ${all.length - 3} more...` : all.join(",")
}

const modes: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP"
}

const accessModes = (value: unknown): string => textsOf(value).map((mode) => modes[mode] ?? mode).join(",")

const claimText = (volume: JsonObject): string => {
  const claim = objectOf(at(volume, "spec", "claimRef"))
  return claim["name"] === undefined ? "" : `${textOf(claim["namespace"])}/${textOf(claim["name"])}`
}

const phase = (object: JsonObject): string =>
  at(object, "metadata", "deletionTimestamp") === undefined ? textOf(at(object, "status", "phase")) : "Terminating"

const unset = (name: string, ...way: ReadonlyArray<string>): Column =>
  plainText(name, (object) => textOf(at(object, ...way)) || "<unset>")

export const coreColumns: Readonly<Record<string, ReadonlyArray<Column>>> = {
  Pod: podColumns,
  Node: nodeColumns,
  Service: serviceColumns,
  Event: eventColumns,
  Namespace: [nameColumn, path("Status", "status", "phase"), ageColumn],
  Secret: [nameColumn, path("Type", "type"), keys("Data", "data"), ageColumn],
  ConfigMap: [nameColumn, keys("Data", "data", "binaryData"), ageColumn],
  ServiceAccount: [nameColumn, count("Secrets", (account) => listOf(account["secrets"]).length), ageColumn],
  Endpoints: [nameColumn, text("Endpoints", endpointsText), ageColumn],
  PersistentVolume: [
    nameColumn,
    plainText("Capacity", (volume) => textOf(at(volume, "spec", "capacity", "storage"))),
    plainText("Access Modes", (volume) => accessModes(at(volume, "spec", "accessModes"))),
    plainText("Reclaim Policy", (volume) => textOf(at(volume, "spec", "persistentVolumeReclaimPolicy"))),
    plainText("Status", phase),
    plainText("Claim", claimText),
    plainText("StorageClass", (volume) => textOf(at(volume, "spec", "storageClassName"))),
    unset("VolumeAttributesClass", "spec", "volumeAttributesClassName"),
    plainText("Reason", (volume) => textOf(at(volume, "status", "reason"))),
    ageColumn,
    wide(unset("VolumeMode", "spec", "volumeMode"))
  ],
  PersistentVolumeClaim: [
    nameColumn,
    plainText("Status", phase),
    plainText("Volume", (claim) => textOf(at(claim, "spec", "volumeName"))),
    plainText(
      "Capacity",
      (claim) => at(claim, "spec", "volumeName") === undefined ? "" : textOf(at(claim, "status", "capacity", "storage"))
    ),
    plainText(
      "Access Modes",
      (claim) => at(claim, "spec", "volumeName") === undefined ? "" : accessModes(at(claim, "status", "accessModes"))
    ),
    plainText("StorageClass", (claim) => textOf(at(claim, "spec", "storageClassName"))),
    unset("VolumeAttributesClass", "spec", "volumeAttributesClassName"),
    ageColumn,
    wide(unset("VolumeMode", "spec", "volumeMode"))
  ],
  ReplicationController: [
    nameColumn,
    number("Desired", "spec", "replicas"),
    number("Current", "status", "replicas"),
    number("Ready", "status", "readyReplicas"),
    ageColumn,
    ...templateColumns("spec", "template"),
    wide(text("Selector", (controller) => pairs(at(controller, "spec", "selector"))))
  ]
}
