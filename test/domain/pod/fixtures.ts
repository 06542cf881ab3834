/** Pods, records and views for tests of `plan`, with the defaults of a pod that nothing special happens to. */
import { containerHash } from "../../../src/domain/config/containerHash.ts"
import type { Container } from "../../../src/domain/k8s/container.ts"
import type { Pod, PodSpec } from "../../../src/domain/k8s/pod.ts"
import type {
  ObservedContainer,
  ObservedPod,
  ObservedSandbox,
  PodMemory,
  PodView
} from "../../../src/domain/pod/model.ts"

/** Long after the epoch, so that no time of a test is 0, which stands for "not yet". */
export const t0 = Date.parse("2026-11-01T00:00:00Z")

export const container = (name: string, fields: Partial<Container> = {}): Container => ({
  name,
  image: "busybox:1",
  ...fields
})

export const podOf = (
  spec: Partial<PodSpec> = {},
  fields: { meta?: Partial<Pod["metadata"]>; status?: Pod["status"] } = {}
): Pod => ({
  metadata: { name: "web", namespace: "default", uid: "u1", generation: 1, ...fields.meta },
  spec: { containers: [container("c")], restartPolicy: "Always", terminationGracePeriodSeconds: 30, ...spec },
  ...(fields.status === undefined ? {} : { status: fields.status })
})

export const sandbox = (fields: Partial<ObservedSandbox> = {}): ObservedSandbox => ({
  id: "s0",
  attempt: 0,
  ready: true,
  createdAtMs: t0,
  ips: ["10.0.0.7"],
  hostNetwork: false,
  runtimeHandler: "",
  ...fields
})

export const record = (name: string, fields: Partial<ObservedContainer> = {}): ObservedContainer => ({
  id: `${name}-${fields.restartCount ?? 0}`,
  name,
  sandboxId: "s0",
  restartCount: 0,
  state: "Running",
  createdAtMs: t0,
  startedAtMs: t0,
  finishedAtMs: 0,
  exitCode: 0,
  reason: "",
  message: "",
  image: "busybox:1",
  imageRef: "sha256:1",
  imageId: "sha256:1",
  hash: containerHash({ name, image: "busybox:1" }),
  labels: {},
  annotations: {},
  logPath: "",
  ...fields
})

export const exited = (name: string, exitCode: number, fields: Partial<ObservedContainer> = {}): ObservedContainer =>
  record(name, {
    state: "Exited",
    exitCode,
    reason: exitCode === 0 ? "Completed" : "Error",
    finishedAtMs: t0 + 1000,
    ...fields
  })

export const observed = (
  containers: ReadonlyArray<ObservedContainer> = [],
  sandboxes: ReadonlyArray<ObservedSandbox> = [sandbox()]
): ObservedPod => ({ sandboxes, containers })

export const memory = (fields: Partial<PodMemory> = {}): PodMemory => ({
  acceptedAtMs: t0,
  lastStatus: undefined,
  startFailures: {},
  sandboxFailure: undefined,
  restartBackoff: {},
  busy: { sandbox: false, start: undefined, kills: {} },
  termination: undefined,
  ...fields
})

export const viewOf = (pod: Pod, fields: Partial<PodView> = {}): PodView => ({
  pod,
  source: "api",
  observed: observed(),
  memory: memory(),
  probes: {},
  volumes: { ready: true, message: "" },
  node: {
    nodeName: "n1",
    hostIPs: ["192.168.0.2"],
    networkReady: true,
    networkMessage: "",
    maxRestartDelayMs: 300_000
  },
  nowMs: t0 + 1000,
  ...fields
})
