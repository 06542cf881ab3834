/** The pods of a chaos run: the seed draws what they are like, when they come and when they are deleted. */
import { between, type Dice, makeDice, pick } from "../domain/chaos/dice.ts"
import { csiDriverName } from "./SimNode.ts"

/** How a pod ends up when nothing goes wrong any more. */
export type Destiny = "Ready" | "Crashing" | "Succeeded" | "Over"

export interface PlannedPod {
  readonly name: string
  readonly kind: string
  readonly spec: Readonly<Record<string, unknown>>
  readonly createAtMs: number
  readonly remove: { readonly atMs: number; readonly graceSeconds: number | undefined } | undefined
  readonly destiny: Destiny
  /** ConfigMap of the pod's name: its first content comes before the pod, the others at these times. */
  readonly contentAtMs?: ReadonlyArray<number>
  /** The pod is deleted, and made again under its name on this node once it is gone, as a StatefulSet does. */
  readonly move?: { readonly atMs: number; readonly nodeName: string }
}

/** Of the ConfigMap of a pod. */
export const contentKey = "text"

const image = "docker.io/library/busybox:1.36"
const idle = "trap 'exit 0' TERM; while true; do sleep 0.2; done"
const deaf = "trap '' TERM; while true; do sleep 1; done"

const container = (name: string, script: string, more: Readonly<Record<string, unknown>> = {}) => ({
  name,
  image,
  command: ["sh", "-c", script],
  ...more
})

const scratch = { volumes: [{ name: "scratch", emptyDir: {} }, { name: "memory", emptyDir: { medium: "Memory" } }] }
const mounts = {
  volumeMounts: [{ name: "scratch", mountPath: "/scratch" }, { name: "memory", mountPath: "/memory" }]
}

const contentMount = { volumeMounts: [{ name: "content", mountPath: "/content" }] }

type Kind = (dice: Dice) => { readonly spec: Readonly<Record<string, unknown>>; readonly destiny: Destiny }

const kinds: Readonly<Record<string, Kind>> = {
  server: () => ({ destiny: "Ready", spec: { containers: [container("main", idle)] } }),
  pair: () => ({ destiny: "Ready", spec: { containers: [container("one", idle), container("two", idle)] } }),
  deaf: (dice) => ({
    destiny: "Ready",
    spec: { terminationGracePeriodSeconds: between(dice, 2, 20), containers: [container("main", deaf)] }
  }),
  job: (dice) => ({
    destiny: "Over",
    spec: { restartPolicy: "Never", containers: [container("main", `sleep ${between(dice, 0, 20)}; exit 0`)] }
  }),
  failing: (dice) => ({
    destiny: "Over",
    spec: { restartPolicy: "Never", containers: [container("main", `sleep ${between(dice, 0, 10)}; exit 3`)] }
  }),
  mixed: (dice) => ({
    destiny: "Over",
    spec: {
      restartPolicy: "Never",
      initContainers: [container("first", "sleep 1")],
      containers: [
        container("short", `sleep ${between(dice, 0, 5)}; exit ${between(dice, 0, 1)}`),
        container("long", `sleep ${between(dice, 30, 90)}; exit 0`)
      ]
    }
  }),
  bulky: (dice) => ({
    destiny: "Over",
    spec: {
      restartPolicy: "Never",
      containers: [
        container("main", `sleep ${between(dice, 0, 20)}; exit 0`, { resources: { requests: { cpu: "2500m" } } })
      ]
    }
  }),
  retried: (dice) => ({
    destiny: "Succeeded",
    spec: { restartPolicy: "OnFailure", containers: [container("main", `sleep ${between(dice, 0, 10)}; exit 0`)] }
  }),
  crashing: (dice) => ({
    destiny: "Crashing",
    spec: { containers: [container("main", `sleep ${between(dice, 0, 5)}; exit 1`)] }
  }),
  ordered: (dice) => ({
    destiny: "Ready",
    spec: {
      ...scratch,
      initContainers: [
        container("first", `sleep ${between(dice, 0, 3)}`, mounts),
        container("side", idle, { restartPolicy: "Always" }),
        container("second", "sleep 1", mounts)
      ],
      containers: [container("main", idle, mounts)]
    }
  }),
  volumes: () => ({ destiny: "Ready", spec: { ...scratch, containers: [container("main", idle, mounts)] } }),
  config: () => ({ destiny: "Ready", spec: { containers: [container("main", idle, contentMount)] } }),
  csi: () => ({
    destiny: "Ready",
    spec: {
      volumes: [{ name: "disk", csi: { driver: csiDriverName } }],
      containers: [container("main", idle, { volumeMounts: [{ name: "disk", mountPath: "/disk" }] })]
    }
  }),
  moving: () => ({ destiny: "Ready", spec: { containers: [container("main", idle)] } }),
  probed: (dice) => ({
    destiny: "Ready",
    spec: {
      containers: [container("main", idle, {
        readinessProbe: {
          exec: { command: ["true"] },
          initialDelaySeconds: between(dice, 0, 10),
          periodSeconds: between(dice, 1, 5)
        },
        livenessProbe: { exec: { command: ["true"] }, periodSeconds: between(dice, 2, 10), failureThreshold: 3 }
      })]
    }
  }),
  hooked: () => ({
    destiny: "Ready",
    spec: {
      containers: [container("main", idle, {
        lifecycle: { preStop: { exec: { command: ["sleep", "1"] } }, postStart: { exec: { command: ["true"] } } }
      })]
    }
  })
}

const contentVolume = (pod: string) => ({ name: "content", configMap: { name: pod } })

export interface WorkloadOptions {
  readonly seed: string
  readonly pods: number
  readonly nodes: ReadonlyArray<string>
  readonly untilMs: number
  /** Only pods of these kinds. */
  readonly kinds?: ReadonlyArray<string>
}

export const drawWorkload = (
  { kinds: chosen, nodes, pods, seed, untilMs }: WorkloadOptions
): ReadonlyArray<PlannedPod> => {
  const dice = makeDice(`${seed}/workload`)
  const names = Object.keys(kinds).filter((name) => chosen?.includes(name) ?? true)
  return Array.from({ length: pods }, (_, index): PlannedPod => {
    const kind = pick(dice, [names[0] ?? "", ...names.slice(1)])
    const drawn = kinds[kind]?.(dice) ?? { destiny: "Ready", spec: {} }
    const createAtMs = between(dice, 0, Math.floor(untilMs / 2))
    const removed = dice() < 0.4
    const remove = {
      atMs: between(dice, createAtMs, untilMs),
      graceSeconds: dice() < 0.5 ? undefined : between(dice, 1, 30)
    }
    const nodeName = nodes[between(dice, 0, nodes.length - 1)] ?? ""
    const other = nodes[between(dice, 0, nodes.length - 1)] ?? ""
    const laterMs = () => between(dice, createAtMs, untilMs)
    const name = `${kind}-${index}`
    return {
      name,
      kind,
      spec: { nodeName, ...drawn.spec, ...(kind === "config" ? { volumes: [contentVolume(name)] } : {}) },
      createAtMs,
      remove: removed && kind !== "moving" ? remove : undefined,
      destiny: drawn.destiny,
      ...(kind === "config" ? { contentAtMs: [laterMs(), laterMs()] } : {}),
      ...(kind === "moving" ? { move: { atMs: laterMs(), nodeName: other } } : {})
    }
  })
}
