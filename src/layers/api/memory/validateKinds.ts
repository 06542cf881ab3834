/** What objects of each kind must satisfy beyond their metadata: the essentials that clients rely on being refused. */
import { equal, type JsonObject, objectOf, objectsOf, own, textOf } from "../../../domain/k8s/json.ts"
import { immutable, invalidValue, refused, required, unsupported } from "./problem.ts"
import type { Cause } from "./refusal.ts"
import { mapHolds, selectorHolds } from "./selectLabels.ts"
import { podSpecCauses } from "./validatePod.ts"

type Check = (object: JsonObject) => ReadonlyArray<Cause>
type UpdateCheck = (object: JsonObject, before: JsonObject) => ReadonlyArray<Cause>

const under = (prefix: string) => (cause: Cause): Cause => ({ ...cause, field: `${prefix}${cause.field}` })

/** A workload's template is a pod whose labels its selector finds. */
const workload = (options: { readonly mapSelector: boolean }): Check => (object) => {
  const spec = objectOf(object["spec"])
  const template = objectOf(spec["template"])
  const labels = objectOf(objectOf(template["metadata"])["labels"])
  const selector = own(spec, "selector")
  const empty = selector === undefined || Object.keys(objectOf(selector)).length === 0
  const found = options.mapSelector ? mapHolds(selector, labels) : selectorHolds(selector, labels)
  const restart = textOf(objectOf(template["spec"])["restartPolicy"])
  return [
    ...(empty ? [required("spec.selector")] : []),
    ...(!empty && !found
      ? [invalidValue("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")]
      : []),
    ...(restart === "Always" ? [] : [unsupported("spec.template.spec.restartPolicy", restart, ["Always"])]),
    ...podSpecCauses(objectOf(template["spec"])).map(under("spec.template."))
  ]
}

const jobTemplate = (prefix: string): Check => (spec) => {
  const template = objectOf(objectOf(spec["template"])["spec"])
  const restart = textOf(template["restartPolicy"])
  return [
    ...(restart === "OnFailure" || restart === "Never" || restart === ""
      ? []
      : [required(`${prefix}.template.spec.restartPolicy`, `valid values: "OnFailure", "Never"`)]),
    ...podSpecCauses(template).map(under(`${prefix}.template.`))
  ]
}

const serviceTypes = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]

const service: Check = (object) => {
  const spec = objectOf(object["spec"])
  const ports = objectsOf(spec["ports"])
  const type = textOf(spec["type"])
  const headless = spec["clusterIP"] === "None"
  return [
    ...(serviceTypes.includes(type) ? [] : [unsupported("spec.type", type, serviceTypes)]),
    ...(ports.length === 0 && type !== "ExternalName" && !headless ? [required("spec.ports")] : []),
    ...ports.flatMap((port, index) => {
      const number = port["port"]
      return typeof number === "number" && (number < 1 || number > 65_535)
        ? [invalidValue(`spec.ports[${index}].port`, number, "must be between 1 and 65535, inclusive")]
        : []
    }),
    ...(ports.length < 2 ?
      [] :
      ports.flatMap((port, index) => textOf(port["name"]) === "" ? [required(`spec.ports[${index}].name`)] : []))
  ]
}

const dataKey = /^[-._a-zA-Z0-9]{1,253}$/

const dataKeys = (object: JsonObject, fields: ReadonlyArray<string>): ReadonlyArray<Cause> =>
  fields.flatMap((field) =>
    Object.keys(objectOf(object[field])).filter((key) => !dataKey.test(key) || key === "." || key === "..").map((key) =>
      invalidValue(
        `${field}[${key}]`,
        key,
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  " +
          "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
      )
    )
  )

const event: Check = (object) => {
  const namespace = textOf(objectOf(object["metadata"])["namespace"])
  const about = textOf(objectOf(object["involvedObject"])["namespace"])
  return namespace === (about === "" ? "default" : about)
    ? []
    : [invalidValue("involvedObject.namespace", about, "does not match event.namespace")]
}

const lease: Check = (object) => {
  const seconds = own(objectOf(object["spec"]), "leaseDurationSeconds")
  return typeof seconds === "number" && seconds <= 0
    ? [invalidValue("spec.leaseDurationSeconds", seconds, "must be greater than 0")]
    : []
}

const taints: Check = (object) =>
  objectsOf(objectOf(object["spec"])["taints"]).flatMap((taint, index) => {
    const effect = textOf(taint["effect"])
    const effects = ["NoExecute", "NoSchedule", "PreferNoSchedule"]
    return [
      ...(textOf(taint["key"]) === "" ? [required(`metadata.taints[${index}].key`)] : []),
      ...(effects.includes(effect) ? [] : [unsupported(`metadata.taints[${index}].effect`, effect, effects)])
    ]
  })

const checks: Readonly<Record<string, Check>> = {
  Pod: (object) => podSpecCauses(objectOf(object["spec"])),
  Node: taints,
  Service: service,
  Event: event,
  Lease: lease,
  ConfigMap: (object) => dataKeys(object, ["data", "binaryData"]),
  Secret: (object) => dataKeys(object, ["data"]),
  Deployment: workload({ mapSelector: false }),
  ReplicaSet: workload({ mapSelector: false }),
  DaemonSet: workload({ mapSelector: false }),
  StatefulSet: workload({ mapSelector: false }),
  ReplicationController: workload({ mapSelector: true }),
  Job: (object) => jobTemplate("spec")(objectOf(object["spec"])),
  CronJob: (object) =>
    jobTemplate("spec.jobTemplate.spec")(objectOf(objectOf(objectOf(object["spec"])["jobTemplate"])["spec"]))
}

/** Checks an object that has its defaults. */
export const kindCauses = (kind: string, object: JsonObject): ReadonlyArray<Cause> => checks[kind]?.(object) ?? []

const unchanged = (...paths: ReadonlyArray<string>): UpdateCheck => (object, before) =>
  paths.filter((key) => !equal(own(objectOf(object["spec"]), key), own(objectOf(before["spec"]), key))).map((key) =>
    immutable(`spec.${key}`, own(objectOf(object["spec"]), key) ?? null)
  )

/** The data of an immutable ConfigMap or Secret stays, and so does that it is immutable. */
const sealed = (...fields: ReadonlyArray<string>): UpdateCheck => (object, before) => {
  if (before["immutable"] !== true) return []
  const kept = object["immutable"] === true ? [] : [refused("immutable", "field is immutable when `immutable` is set")]
  return [
    ...kept,
    ...fields.filter((field) => !equal(object[field], before[field])).map((field) =>
      refused(field, "field is immutable when `immutable` is set")
    )
  ]
}

const updateChecks: Readonly<Record<string, UpdateCheck>> = {
  ConfigMap: sealed("data", "binaryData"),
  Secret: (object, before) => [
    ...sealed("data")(object, before),
    ...(object["type"] === before["type"] ? [] : [immutable("type", object["type"])])
  ],
  Deployment: unchanged("selector"),
  ReplicaSet: unchanged("selector"),
  DaemonSet: unchanged("selector"),
  StatefulSet: unchanged("selector", "serviceName", "podManagementPolicy"),
  Job: unchanged("selector", "completions", "completionMode", "template"),
  Node: (object, before) => {
    const old = textOf(objectOf(before["spec"])["providerID"])
    const now = textOf(objectOf(object["spec"])["providerID"])
    return old === "" || old === now
      ? []
      : [refused("spec.providerID", "node updates may not change providerID except from \"\" to valid")]
  },
  RuntimeClass: (object, before) =>
    object["handler"] === before["handler"] ? [] : [immutable("handler", object["handler"])],
  StorageClass: (object, before) =>
    ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"].filter((key) =>
      !equal(object[key], before[key])
    )
      .map((key) => refused(key, "updates to " + key + " are forbidden.")),
  CSIDriver: unchanged("attachRequired", "volumeLifecycleModes"),
  VolumeAttachment: (object, before) =>
    equal(object["spec"], before["spec"]) ? [] : [immutable("spec", object["spec"])],
  PersistentVolumeClaim: unchanged("accessModes", "selector", "storageClassName", "volumeMode"),
  CertificateSigningRequest: (object, before) =>
    equal(object["spec"], before["spec"]) ? [] : [immutable("spec", object["spec"])],
  RoleBinding: (object, before) =>
    equal(object["roleRef"], before["roleRef"])
      ? []
      : [invalidValue("roleRef", object["roleRef"], "cannot change roleRef")],
  ClusterRoleBinding: (object, before) =>
    equal(object["roleRef"], before["roleRef"])
      ? []
      : [invalidValue("roleRef", object["roleRef"], "cannot change roleRef")]
}

/** Checks what an update of the object itself, not of its status, changes. */
export const kindUpdateCauses = (kind: string, object: JsonObject, before: JsonObject): ReadonlyArray<Cause> =>
  updateChecks[kind]?.(object, before) ?? []
