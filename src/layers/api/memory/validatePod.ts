/** What a pod's spec must satisfy: the essentials, in Kubernetes' words. */
import { type JsonObject, listOf, objectOf, objectsOf, own, textOf } from "../../../domain/k8s/json.ts"
import { quantityOf } from "../../../domain/resources/quantity.ts"
import { duplicate, invalidValue, missing, refused, required, unsupported } from "./problem.ts"
import type { Cause } from "./refusal.ts"
import { labelProblems, subdomainProblems } from "./validateMeta.ts"

const oneOf = (
  object: JsonObject,
  key: string,
  field: string,
  allowed: ReadonlyArray<string>
): ReadonlyArray<Cause> => {
  const value = own(object, key)
  return value === undefined || allowed.includes(textOf(value)) ? [] : [unsupported(`${field}.${key}`, value, allowed)]
}

const atLeast = (object: JsonObject, key: string, field: string, least: number): ReadonlyArray<Cause> => {
  const value = own(object, key)
  if (typeof value !== "number" || value >= least) return []
  const text = least === 0 ? "must be greater than or equal to 0" : `must be greater than or equal to ${least}`
  return [invalidValue(`${field}.${key}`, value, text)]
}

const amountCauses = (resources: JsonObject, field: string): ReadonlyArray<Cause> => {
  const limits = objectOf(resources["limits"])
  const requests = objectOf(resources["requests"])
  const negative = (amounts: JsonObject, key: string) =>
    Object.entries(amounts).flatMap(([name, amount]) =>
      quantityOf(textOf(amount)).nano < 0n
        ? [invalidValue(`${field}.${key}[${name}]`, amount, "must be greater than or equal to 0")]
        : []
    )
  const above = Object.entries(requests).flatMap(([name, amount]) => {
    const limit = own(limits, name)
    if (limit === undefined || quantityOf(textOf(amount)).nano <= quantityOf(textOf(limit)).nano) return []
    return [invalidValue(
      `${field}.requests`,
      amount,
      `must be less than or equal to ${name} limit of ${textOf(limit)}`
    )]
  })
  return [...negative(limits, "limits"), ...negative(requests, "requests"), ...above]
}

const handlers = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"]

const handlerCauses = (holder: JsonObject, field: string): ReadonlyArray<Cause> => {
  const [first, ...more] = handlers.filter((key) => own(holder, key) !== undefined)
  if (first === undefined) return [required(field, "must specify a handler type")]
  return [
    ...more.map((key) => refused(`${field}.${key}`, "may not specify more than 1 handler type")),
    ...(first === "exec" && listOf(objectOf(holder["exec"])["command"]).length === 0
      ? [required(`${field}.exec.command`)]
      : [])
  ]
}

const probeNumbers = ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]

const probeCauses = (container: JsonObject, key: string, field: string): ReadonlyArray<Cause> => {
  const probe = own(container, key)
  if (probe === undefined) return []
  const value = objectOf(probe)
  const success = own(value, "successThreshold")
  return [
    ...handlerCauses(value, `${field}.${key}`),
    ...probeNumbers.flatMap((name) => atLeast(value, name, `${field}.${key}`, 0)),
    ...(key !== "readinessProbe" && typeof success === "number" && success !== 1
      ? [invalidValue(`${field}.${key}.successThreshold`, success, "must be 1")]
      : [])
  ]
}

const portRange = "must be between 1 and 65535, inclusive"
const outside = (port: unknown): boolean => typeof port === "number" && (port < 1 || port > 65_535)

const portCauses = (ports: unknown, field: string): ReadonlyArray<Cause> =>
  objectsOf(ports).flatMap((port, index) => {
    const here = `${field}[${index}]`
    return [
      ...(port["containerPort"] === 0 ? [required(`${here}.containerPort`)] : []),
      ...(port["containerPort"] !== 0 && outside(port["containerPort"])
        ? [invalidValue(`${here}.containerPort`, port["containerPort"], portRange)]
        : []),
      ...(outside(port["hostPort"]) ? [invalidValue(`${here}.hostPort`, port["hostPort"], portRange)] : []),
      ...oneOf(port, "protocol", here, ["SCTP", "TCP", "UDP"])
    ]
  })

const mountCauses = (mounts: unknown, volumes: ReadonlySet<string>, field: string): ReadonlyArray<Cause> => {
  const paths = new Set<string>()
  return objectsOf(mounts).flatMap((mount, index) => {
    const here = `${field}[${index}]`
    const name = textOf(mount["name"])
    const path = textOf(mount["mountPath"])
    const again = paths.has(path)
    paths.add(path)
    return [
      ...(name === "" ? [required(`${here}.name`)] : volumes.has(name) ? [] : [missing(`${here}.name`, name)]),
      ...(path === "" ? [required(`${here}.mountPath`)] : []),
      ...(path !== "" && again ? [invalidValue(`${here}.mountPath`, path, "must be unique")] : [])
    ]
  })
}

const named = (name: string, field: string): ReadonlyArray<Cause> =>
  name === ""
    ? [required(`${field}.name`)]
    : labelProblems(name).map((text) => invalidValue(`${field}.name`, name, text))

const containerCauses = (container: JsonObject, volumes: ReadonlySet<string>, field: string): ReadonlyArray<Cause> => [
  ...named(textOf(container["name"]), field),
  ...(textOf(container["image"]) === "" ? [required(`${field}.image`)] : []),
  ...portCauses(container["ports"], `${field}.ports`),
  ...objectsOf(container["env"]).flatMap((variable, index) =>
    textOf(variable["name"]) === "" ? [required(`${field}.env[${index}].name`)] : []
  ),
  ...mountCauses(container["volumeMounts"], volumes, `${field}.volumeMounts`),
  ...["livenessProbe", "readinessProbe", "startupProbe"].flatMap((key) => probeCauses(container, key, field)),
  ...["postStart", "preStop"].flatMap((key) => {
    const hook = own(objectOf(container["lifecycle"]), key)
    return hook === undefined ? [] : handlerCauses(objectOf(hook), `${field}.lifecycle.${key}`)
  }),
  ...oneOf(container, "imagePullPolicy", field, ["Always", "IfNotPresent", "Never"]),
  ...oneOf(container, "terminationMessagePolicy", field, ["FallbackToLogsOnError", "File"]),
  ...amountCauses(objectOf(container["resources"]), `${field}.resources`)
]

const initOnly = (container: JsonObject, field: string): ReadonlyArray<Cause> => {
  if (container["restartPolicy"] === "Always") return []
  return ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"].flatMap((key) =>
    own(container, key) === undefined
      ? []
      : [refused(`${field}.${key}`, "may not be set for init containers without restartPolicy=Always")]
  )
}

const volumeCauses = (volumes: ReadonlyArray<JsonObject>): ReadonlyArray<Cause> => {
  const seen = new Set<string>()
  return volumes.flatMap((volume, index) => {
    const field = `spec.volumes[${index}]`
    const name = textOf(volume["name"])
    const again = seen.has(name)
    seen.add(name)
    const sources = Object.keys(volume).filter((key) => key !== "name")
    return [
      ...named(name, field),
      ...(again && name !== "" ? [duplicate(`${field}.name`, name)] : []),
      ...sources.slice(1).map((key) => refused(`${field}.${key}`, "may not specify more than 1 volume type"))
    ]
  })
}

const duplicates = (containers: ReadonlyArray<JsonObject>, list: string, seen: Set<string>): ReadonlyArray<Cause> =>
  containers.flatMap((container, index) => {
    const name = textOf(container["name"])
    if (name === "") return []
    const again = seen.has(name)
    seen.add(name)
    return again ? [duplicate(`spec.${list}[${index}].name`, name)] : []
  })

/** Checks the containers of a pod spec. */
const allContainerCauses = (spec: JsonObject, volumes: ReadonlySet<string>): ReadonlyArray<Cause> => {
  const main = objectsOf(spec["containers"])
  const init = objectsOf(spec["initContainers"])
  const ephemeral = objectsOf(spec["ephemeralContainers"])
  const seen = new Set<string>()
  return [
    ...(main.length === 0 ? [required("spec.containers")] : []),
    ...main.flatMap((one, i) => containerCauses(one, volumes, `spec.containers[${i}]`)),
    ...init.flatMap((one, i) => containerCauses(one, volumes, `spec.initContainers[${i}]`)),
    ...init.flatMap((one, i) => initOnly(one, `spec.initContainers[${i}]`)),
    ...ephemeral.flatMap((one, i) => containerCauses(one, volumes, `spec.ephemeralContainers[${i}]`)),
    ...duplicates(main, "containers", seen),
    ...duplicates(init, "initContainers", seen),
    ...duplicates(ephemeral, "ephemeralContainers", seen)
  ]
}

/** Checks a pod spec that has its defaults. */
export const podSpecCauses = (spec: JsonObject): ReadonlyArray<Cause> => {
  const volumes = objectsOf(spec["volumes"])
  const node = textOf(spec["nodeName"])
  return [
    ...volumeCauses(volumes),
    ...allContainerCauses(spec, new Set(volumes.map((volume) => textOf(volume["name"])))),
    ...oneOf(spec, "restartPolicy", "spec", ["Always", "Never", "OnFailure"]),
    ...oneOf(spec, "dnsPolicy", "spec", ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"]),
    ...atLeast(spec, "terminationGracePeriodSeconds", "spec", 0),
    ...atLeast(spec, "activeDeadlineSeconds", "spec", 1),
    ...(node === "" ? [] : subdomainProblems(node).map((text) => invalidValue("spec.nodeName", node, text))),
    ...amountCauses(objectOf(spec["resources"]), "spec.resources")
  ]
}
