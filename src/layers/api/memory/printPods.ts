/** The columns of `kubectl get pods`, with the STATUS that sums up a pod's containers as Kubernetes does. */
import { at, type JsonObject, listOf, numberOf, objectOf, objectsOf, textOf } from "../../../domain/k8s/json.ts"
import { parseTime } from "../../../domain/k8s/time.ts"
import { since } from "./age.ts"
import { ageColumn, type Column, nameColumn, path, plainText, text, wide } from "./column.ts"

interface Summary {
  readonly status: string
  readonly ready: number
  readonly total: number
  readonly restarts: number
  /** When the last container that was started again had ended. */
  readonly lastRestart: string
}

const conditionOf = (pod: JsonObject, type: string): JsonObject | undefined =>
  objectsOf(at(pod, "status", "conditions")).find((one) => one["type"] === type)

const isTrue = (pod: JsonObject, type: string): boolean => conditionOf(pod, type)?.["status"] === "True"

const endedText = (terminated: unknown): string => {
  const reason = textOf(at(terminated, "reason"))
  const signal = numberOf(at(terminated, "signal"))
  if (reason !== "") return reason
  return signal === 0 ? `ExitCode:${numberOf(at(terminated, "exitCode"))}` : `Signal:${signal}`
}

const later = (a: string, b: string): string => (parseTime(b) ?? 0) > (parseTime(a) ?? 0) ? b : a

const lastEnd = (container: JsonObject): string => textOf(at(container, "lastState", "terminated", "finishedAt"))

const restartsOf = (containers: ReadonlyArray<JsonObject>) => ({
  restarts: containers.reduce((sum, one) => sum + numberOf(one["restartCount"]), 0),
  lastRestart: containers.reduce((last, one) => later(last, lastEnd(one)), "")
})

/** What an init container makes of the status, or undefined when it is done with. */
const initText = (container: JsonObject, sidecar: boolean, index: number, total: number): string | undefined => {
  const terminated = at(container, "state", "terminated")
  const waiting = textOf(at(container, "state", "waiting", "reason"))
  if (terminated !== undefined && numberOf(at(terminated, "exitCode")) === 0) return undefined
  if (sidecar && container["started"] === true) return undefined
  if (terminated !== undefined) return `Init:${endedText(terminated)}`
  if (waiting !== "" && waiting !== "PodInitializing") return `Init:${waiting}`
  return `Init:${index}/${total}`
}

const containerText = (container: JsonObject): string => {
  const waiting = textOf(at(container, "state", "waiting", "reason"))
  const terminated = at(container, "state", "terminated")
  return waiting !== "" ? waiting : terminated === undefined ? "" : endedText(terminated)
}

const isRunning = (container: JsonObject): boolean =>
  containerText(container) === "" && container["ready"] === true && at(container, "state", "running") !== undefined

const afterInit = (pod: JsonObject, status: string, containers: ReadonlyArray<JsonObject>): string => {
  // The first container that has something to say wins.
  const said = containers.map(containerText).find((one) => one !== "") ?? status
  if (said !== "Completed" || !containers.some(isRunning)) return said
  return isTrue(pod, "Ready") ? "Running" : "NotReady"
}

const withDeletion = (pod: JsonObject, status: string): string => {
  if (at(pod, "metadata", "deletionTimestamp") === undefined) return status
  if (at(pod, "status", "reason") === "NodeLost") return "Unknown"
  const phase = at(pod, "status", "phase")
  return phase === "Succeeded" || phase === "Failed" ? status : "Terminating"
}

export const summarise = (pod: JsonObject): Summary => {
  const specs = objectsOf(at(pod, "spec", "initContainers"))
  const sidecars = new Set(specs.filter((one) => one["restartPolicy"] === "Always").map((one) => one["name"]))
  const isSidecar = (container: JsonObject) => sidecars.has(container["name"])
  const init = objectsOf(at(pod, "status", "initContainerStatuses"))
  const main = objectsOf(at(pod, "status", "containerStatuses"))
  const phase = textOf(at(pod, "status", "reason")) || textOf(at(pod, "status", "phase"))
  const gated = conditionOf(pod, "PodScheduled")?.["reason"] === "SchedulingGated"
  const texts = init.map((one, index) => initText(one, isSidecar(one), index, specs.length))
  const blocking = texts.find((one) => one !== undefined)
  const initialised = blocking === undefined || isTrue(pod, "Initialized")
  const status = blocking ?? (gated ? "SchedulingGated" : phase)
  const passed = texts.indexOf(blocking)
  const readySidecars =
    init.filter((one, index) => isSidecar(one) && one["ready"] === true && (blocking === undefined || index < passed))
      .length
  return {
    status: withDeletion(pod, initialised ? afterInit(pod, status, main) : status),
    ready: readySidecars + (initialised ? main.filter(isRunning).length : 0),
    total: listOf(at(pod, "spec", "containers")).length + sidecars.size,
    ...(initialised ? restartsOf([...init.filter(isSidecar), ...main]) : restartsOf(init.slice(0, passed + 1)))
  }
}

const restartText = (pod: JsonObject, nowMs: number): string => {
  const { lastRestart, restarts } = summarise(pod)
  return restarts === 0 || lastRestart === "" ? `${restarts}` : `${restarts} (${since(lastRestart, nowMs)} ago)`
}

const gatesText = (pod: JsonObject): string => {
  const gates = objectsOf(at(pod, "spec", "readinessGates"))
  if (gates.length === 0) return ""
  return `${gates.filter((gate) => isTrue(pod, textOf(gate["conditionType"]))).length}/${gates.length}`
}

const ipText = (pod: JsonObject): string =>
  textOf(objectOf(listOf(at(pod, "status", "podIPs"))[0])["ip"]) || textOf(at(pod, "status", "podIP"))

export const podColumns: ReadonlyArray<Column> = [
  nameColumn,
  plainText("Ready", (pod) => {
    const { ready, total } = summarise(pod)
    return `${ready}/${total}`
  }),
  plainText("Status", (pod) => summarise(pod).status),
  plainText("Restarts", restartText),
  ageColumn,
  wide(text("IP", ipText)),
  wide(path("Node", "spec", "nodeName")),
  wide(path("Nominated Node", "status", "nominatedNodeName")),
  wide(text("Readiness Gates", gatesText))
]

const doneMessages: Readonly<Record<string, string>> = {
  Succeeded: "The pod has completed successfully.",
  Failed: "The pod failed."
}

/** Marks rows of pods that have ended. */
export const podRowConditions = (pod: JsonObject): ReadonlyArray<JsonObject> => {
  const phase = textOf(at(pod, "status", "phase"))
  const message = doneMessages[phase]
  return message === undefined ? [] : [{ type: "Completed", status: "True", reason: phase, message }]
}
