/**
 * How a granted resize is carried out (parity D17): memory, then CPU. The pod's group grows before its containers and
 * shrinks after them, and among containers those that give go before those that take.
 */
import { containerResources, type LinuxResources } from "../config/linuxResources.ts"
import type { NodeSettings } from "../config/nodeSettings.ts"
import type { Container, ResourceRequirements } from "../k8s/container.ts"
import type { Pod } from "../k8s/pod.ts"
import type { CgroupLimits } from "../resources/cgroupValues.ts"
import {
  type Allocation,
  asAllocated,
  containersOf,
  differsIn,
  direction,
  type Resizable,
  withResource
} from "./allocation.ts"

/** What the pod's own group has; -1 for no limit. */
export interface GroupValues {
  readonly cpuShares?: number
  readonly cpuQuotaUs?: number
  readonly cpuPeriodUs?: number
  readonly memoryLimitBytes?: number
}

export interface RunningContainer {
  readonly id: string
  readonly name: string
}

interface GroupStep {
  readonly _tag: "Group"
  readonly limits: CgroupLimits
  /** What the group has after it, as the runtime is told. */
  readonly sandbox: LinuxResources
}

interface ContainerStep {
  readonly _tag: "Container"
  readonly id: string
  readonly name: string
  readonly linux: LinuxResources
  /** What is in force of the whole pod after it. */
  readonly after: Allocation
}

export type ResizeStep = GroupStep | ContainerStep

export interface ResizeScene {
  /** With the resources it was allotted. */
  readonly pod: Pod
  readonly inForce: Allocation
  readonly running: ReadonlyArray<RunningContainer>
  /** Undefined where pods have no group of their own. */
  readonly group: { readonly has: GroupValues; readonly wants: CgroupLimits } | undefined
  readonly node: NodeSettings
}

const hasLimit = (name: Resizable, resources: ResourceRequirements | undefined): boolean =>
  resources?.limits?.[name] !== undefined

/** A container without a limit of its own has the pod's. */
const isAffected = (name: Resizable, { inForce, pod }: ResizeScene, container: Container): boolean => {
  const before = inForce.containers[container.name]
  return differsIn(name, before, container.resources) ||
    (!hasLimit(name, before) && !hasLimit(name, container.resources) &&
      pod.spec.resources?.limits?.[name] !== inForce.pod?.limits?.[name])
}

interface Update {
  readonly container: Container
  readonly id: string
}

const updatesOf = (name: Resizable, scene: ResizeScene): ReadonlyArray<Update> => {
  const ids = new Map(scene.running.map(({ id, name }) => [name, id]))
  const affected = containersOf(scene.pod).flatMap((container) => {
    const id = ids.get(container.name)
    return id !== undefined && isAffected(name, scene, container) ? [{ container, id }] : []
  })
  const gives = ({ container }: Update) =>
    direction(name, scene.inForce.containers[container.name], container.resources) < 0
  return [...affected.filter(gives), ...affected.filter((update) => !gives(update))]
}

/** The group has to change although no running container does: one that was stopped for it, or the pod's own amounts. */
const isOfTheWhole = ({ inForce, pod, running }: ResizeScene): boolean => {
  const alive = new Set(running.map(({ name }) => name))
  const differs = (a: ResourceRequirements | undefined, b: ResourceRequirements | undefined) =>
    differsIn("cpu", a, b) || differsIn("memory", a, b)
  return differs(inForce.pod, pod.spec.resources) ||
    containersOf(pod).some(({ name, resources }) => !alive.has(name) && differs(inForce.containers[name], resources))
}

const big = (value: number | undefined): bigint => BigInt(Math.max(0, value ?? 0))

const sandboxOf = (values: GroupValues): LinuxResources => ({
  cpuPeriod: big(values.cpuPeriodUs),
  cpuQuota: big(values.cpuQuotaUs),
  cpuShares: big(values.cpuShares),
  memoryLimitInBytes: big(values.memoryLimitBytes)
})

/** No limit is more than any. */
const asLimit = (value: number | undefined): number =>
  value === undefined || value <= 0 ? Number.POSITIVE_INFINITY : value

interface GroupChange {
  readonly limits: CgroupLimits
  readonly by: number
}

const by = (from: number, to: number): number => from === to ? 0 : to - from

/** Limit before request when it grows: a request must not exceed its limit at any time. */
const groupChanges = (name: Resizable, { has, wants }: NonNullable<ResizeScene["group"]>) => {
  const limit: GroupChange | undefined = name === "memory"
    ? wants.memoryLimitBytes === undefined
      ? undefined
      : {
        limits: { memoryLimitBytes: wants.memoryLimitBytes },
        by: by(asLimit(has.memoryLimitBytes), asLimit(wants.memoryLimitBytes))
      }
    : wants.cpuQuotaUs === undefined || wants.cpuPeriodUs === undefined
    ? undefined
    : {
      limits: { cpuQuotaUs: wants.cpuQuotaUs, cpuPeriodUs: wants.cpuPeriodUs },
      by: by(asLimit(has.cpuQuotaUs), asLimit(wants.cpuQuotaUs))
    }
  const request: GroupChange | undefined = name === "memory" || wants.cpuShares === undefined
    ? undefined
    : { limits: { cpuShares: wants.cpuShares }, by: by(has.cpuShares ?? 0, wants.cpuShares) }
  const both = (changes: ReadonlyArray<GroupChange | undefined>) => changes.filter((change) => change !== undefined)
  return {
    first: both([limit, request]).filter((change) => change.by > 0),
    last: both([request, limit]).filter((change) => change.by < 0)
  }
}

export interface ResizeSteps {
  readonly steps: ReadonlyArray<ResizeStep>
  /** Memory limits that fall: of the pod where there is no `container`. */
  readonly lowered: ReadonlyArray<{ readonly container?: RunningContainer; readonly limitBytes: number }>
}

/** One container with one resource as the pod was allotted it, and what is in force of the pod then. */
const updated = (
  name: Resizable,
  scene: ResizeScene,
  { container, id }: Update,
  inForce: Allocation
): ContainerStep => {
  const { node, pod } = scene
  const own = withResource(name, inForce.containers[container.name], container.resources)
  const after: Allocation = {
    ...(pod.spec.resources === undefined && inForce.pod === undefined
      ? {}
      : { pod: withResource(name, inForce.pod, pod.spec.resources) }),
    containers: { ...inForce.containers, [container.name]: own }
  }
  const linux = containerResources(asAllocated(pod, after), { ...container, resources: own }, node)
  return { _tag: "Container", id, name: container.name, linux, after }
}

const loweredBy = (scene: ResizeScene, last: ReadonlyArray<GroupChange>, updates: ReadonlyArray<ContainerStep>) => [
  ...last.flatMap(({ limits: { memoryLimitBytes } }) =>
    memoryLimitBytes === undefined ? [] : [{ limitBytes: memoryLimitBytes }]
  ),
  ...updates
    .filter(({ after, name }) => direction("memory", scene.inForce.containers[name], after.containers[name]) < 0)
    .map(({ id, linux, name }) => ({ container: { id, name }, limitBytes: Number(linux.memoryLimitInBytes ?? 0n) }))
    .filter(({ limitBytes }) => limitBytes > 0)
]

/** The steps in order. */
export const resizeSteps = (scene: ResizeScene): ResizeSteps => {
  const whole = isOfTheWhole(scene)
  let inForce = scene.inForce
  let values = scene.group?.has ?? {}
  let lowered: ResizeSteps["lowered"] = []
  const change = ({ limits }: GroupChange): ResizeStep => {
    values = { ...values, ...limits }
    return { _tag: "Group", limits, sandbox: sandboxOf(values) }
  }
  const steps = (["memory", "cpu"] as const).flatMap((name): ReadonlyArray<ResizeStep> => {
    const containers = updatesOf(name, scene)
    if (containers.length === 0 && !whole) return []
    const { first, last } = scene.group === undefined ? { first: [], last: [] } : groupChanges(name, scene.group)
    const before = first.map(change)
    const updates = containers.map((container) => {
      const step = updated(name, scene, container, inForce)
      inForce = step.after
      return step
    })
    if (name === "memory") lowered = loweredBy(scene, last, updates)
    return [...before, ...updates, ...last.map(change)]
  })
  return { steps, lowered }
}

export interface MemoryUse {
  /** Undefined for the pod. */
  readonly container?: string
  readonly limitBytes: number
  readonly usageBytes: number
}

/** Why limits cannot fall: what is used would be killed. Undefined when nothing stands against it. */
export const memoryComplaint = (uses: ReadonlyArray<MemoryUse>): string | undefined => {
  const complaints = uses
    .filter(({ limitBytes, usageBytes }) => usageBytes >= limitBytes)
    .map(({ container, limitBytes, usageBytes }) => {
      const whose = container === undefined ? "pod" : `container ${JSON.stringify(container)}`
      return `attempting to set ${whose} memory limit (${limitBytes}) below current usage (${usageBytes})`
    })
  const [first] = complaints
  if (first === undefined) return undefined
  return `cannot decrease memory limits: ${complaints.length === 1 ? first : `[${complaints.join(", ")}]`}`
}
