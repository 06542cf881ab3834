import { assert, describe, it } from "@effect/vitest"
import { type JsonObject, objectOf, objectsOf } from "../../../../src/domain/k8s/json.ts"
import { defaultPod, qosClassOf } from "../../../../src/domain/k8s/podDefaults.ts"
import { span } from "../../../../src/layers/api/memory/age.ts"
import { summarise } from "../../../../src/layers/api/memory/printPods.ts"
import { podUpdateCauses } from "../../../../src/layers/api/memory/updatePod.ts"
import { podSpecCauses } from "../../../../src/layers/api/memory/validatePod.ts"

const containerOf = (spec: JsonObject): JsonObject =>
  objectOf(objectsOf(objectOf(defaultPod({ spec })["spec"])["containers"])[0])

describe("defaults of pods", () => {
  it("a pod with nothing but an image gets all that an API server fills in", () => {
    assert.deepStrictEqual(defaultPod({ spec: { containers: [{ name: "c", image: "x", resources: {} }] } }), {
      spec: {
        containers: [{
          name: "c",
          image: "x",
          resources: {},
          terminationMessagePath: "/dev/termination-log",
          terminationMessagePolicy: "File",
          imagePullPolicy: "Always"
        }],
        restartPolicy: "Always",
        terminationGracePeriodSeconds: 30,
        dnsPolicy: "ClusterFirst",
        securityContext: {},
        schedulerName: "default-scheduler",
        enableServiceLinks: true
      }
    })
  })

  it.each([
    { image: "x", want: "Always", why: "no tag means latest" },
    { image: "x:latest", want: "Always", why: "latest moves" },
    { image: "x:1", want: "IfNotPresent", why: "a tag stays" },
    { image: "host:5000/x", want: "Always", why: "a port is no tag" },
    { image: "x@sha256:abc", want: "IfNotPresent", why: "a digest stays" },
    { image: "x:latest@sha256:abc", want: "Always", why: "the tag is what counts" }
  ])("$image is pulled $want: $why", ({ image, want }) => {
    assert.strictEqual(containerOf({ containers: [{ name: "c", image }] })["imagePullPolicy"], want)
  })

  it("probes, ports and hooks get their numbers and schemes", () => {
    const container = containerOf({
      hostNetwork: true,
      containers: [{
        name: "c",
        image: "x",
        ports: [{ containerPort: 80 }],
        livenessProbe: { httpGet: { port: 80 } },
        readinessProbe: { grpc: { port: 1 } },
        lifecycle: { preStop: { httpGet: { port: 1 } } }
      }]
    })
    const times = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 }
    assert.deepStrictEqual(container["livenessProbe"], { httpGet: { port: 80, path: "/", scheme: "HTTP" }, ...times })
    assert.deepStrictEqual(container["readinessProbe"], { grpc: { port: 1, service: "" }, ...times })
    assert.deepStrictEqual(container["ports"], [{ containerPort: 80, protocol: "TCP", hostPort: 80 }])
    assert.deepStrictEqual(container["lifecycle"], { preStop: { httpGet: { port: 1, path: "/", scheme: "HTTP" } } })
  })

  it("volumes get their modes, a bare one becomes an empty directory", () => {
    const spec = objectOf(
      defaultPod({
        spec: {
          containers: [],
          volumes: [
            { name: "a" },
            { name: "b", secret: {} },
            { name: "c", hostPath: { path: "/x" } },
            { name: "d", projected: { sources: [{ serviceAccountToken: { path: "t" } }] } }
          ]
        }
      })["spec"]
    )
    assert.deepStrictEqual(spec["volumes"], [
      { name: "a", emptyDir: {} },
      { name: "b", secret: { defaultMode: 420 } },
      { name: "c", hostPath: { path: "/x", type: "" } },
      {
        name: "d",
        projected: { sources: [{ serviceAccountToken: { path: "t", expirationSeconds: 3600 } }], defaultMode: 420 }
      }
    ])
  })

  const both = (cpu: string, memory: string) => ({ cpu, memory })
  it.each([
    { resources: {}, want: "BestEffort", why: "nothing is asked" },
    { resources: { requests: { cpu: "1" } }, want: "Burstable", why: "not everything is limited" },
    { resources: { requests: both("1", "1Gi"), limits: both("1", "1Gi") }, want: "Guaranteed", why: "all is limited" },
    { resources: { requests: both("1", "1Gi"), limits: both("2", "1Gi") }, want: "Burstable", why: "a limit is higher" }
  ])("F5: $want when $why", ({ resources, want }) => {
    assert.strictEqual(qosClassOf({ containers: [{ resources }] }), want)
  })

  it("a limit without a request becomes the request, others stay", () => {
    const container = containerOf({
      containers: [{
        name: "c",
        image: "x",
        resources: { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m" } }
      }]
    })
    assert.deepStrictEqual(objectOf(container["resources"])["requests"], { cpu: "500m", memory: "1Gi" })
  })
})

const fine = { name: "c", image: "x" }

describe("validation of pods", () => {
  it.each([
    { spec: { containers: [] }, want: "spec.containers: Required value" },
    { spec: { containers: [{ name: "c" }] }, want: "spec.containers[0].image: Required value" },
    { spec: { containers: [{ image: "x" }] }, want: "spec.containers[0].name: Required value" },
    { spec: { containers: [fine, fine] }, want: `spec.containers[1].name: Duplicate value: "c"` },
    {
      spec: { containers: [{ ...fine, volumeMounts: [{ name: "v", mountPath: "/v" }] }] },
      want: `spec.containers[0].volumeMounts[0].name: Not found: "v"`
    },
    {
      spec: { containers: [fine], restartPolicy: "Sometimes" },
      want: `spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"`
    },
    {
      spec: { containers: [{ ...fine, ports: [{ containerPort: 70000 }] }] },
      want: "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"
    },
    {
      spec: { containers: [{ ...fine, resources: { requests: { cpu: "2" }, limits: { cpu: "1" } } }] },
      want: `spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1`
    },
    {
      spec: { containers: [{ ...fine, livenessProbe: {} }] },
      want: "spec.containers[0].livenessProbe: Required value: must specify a handler type"
    },
    {
      spec: {
        containers: [fine],
        initContainers: [{ name: "i", image: "x", readinessProbe: { exec: { command: ["x"] } } }]
      },
      want:
        "spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always"
    },
    {
      spec: { containers: [fine], volumes: [{ name: "v", emptyDir: {}, hostPath: { path: "/" } }] },
      want: "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"
    }
  ])("$want", ({ spec, want }) => {
    assert.deepStrictEqual(podSpecCauses(spec).map(({ field, message }) => `${field}: ${message}`), [want])
  })

  const before = { containers: [fine], tolerations: [{ key: "a" }], activeDeadlineSeconds: 10 }
  it.each([
    { spec: { ...before, containers: [{ ...fine, image: "y" }] }, want: 0, why: "an image may change" },
    { spec: { ...before, tolerations: [{ key: "a" }, { key: "b" }] }, want: 0, why: "a toleration may be added" },
    { spec: { ...before, tolerations: [] }, want: 1, why: "none may be taken away" },
    { spec: { ...before, activeDeadlineSeconds: 5 }, want: 0, why: "a deadline may come closer" },
    { spec: { ...before, activeDeadlineSeconds: 50 }, want: 1, why: "but not move away" },
    { spec: { ...before, nodeName: "n" }, want: 1, why: "a node is set by binding" },
    { spec: { ...before, containers: [{ ...fine, command: ["x"] }] }, want: 1, why: "a command stays" }
  ])("updates: $why", ({ spec, want }) => {
    assert.strictEqual(podUpdateCauses(spec, before).length, want)
  })
})

const waiting = (reason: string) => ({ state: { waiting: { reason } } })
const ended = (exitCode: number, reason?: string, signal?: number) => ({
  state: {
    terminated: { exitCode, ...(reason === undefined ? {} : { reason }), ...(signal === undefined ? {} : { signal }) }
  }
})
const running = { ready: true, state: { running: {} } }

const printed = (pod: { readonly spec?: JsonObject; readonly status?: JsonObject; readonly metadata?: JsonObject }) => {
  const { ready, restarts, status, total } = summarise({
    metadata: {},
    ...pod,
    spec: { containers: [{ name: "a" }, { name: "b" }], ...pod.spec }
  })
  return `${ready}/${total} ${status} ${restarts}`
}

const oneInit = { initContainers: [{ name: "i" }, { name: "j" }] }
const sidecar = { initContainers: [{ name: "s", restartPolicy: "Always" }] }

describe("the STATUS that kubectl shows", () => {
  it.each([
    { pod: { status: { phase: "Pending" } }, want: "0/2 Pending 0", why: "nothing is known yet" },
    {
      pod: { status: { phase: "Running", containerStatuses: [running, running] } },
      want: "2/2 Running 0",
      why: "all is well"
    },
    {
      pod: {
        status: { phase: "Running", containerStatuses: [{ ...waiting("CrashLoopBackOff"), restartCount: 3 }, running] }
      },
      want: "1/2 CrashLoopBackOff 3",
      why: "one is waiting"
    },
    {
      pod: { status: { phase: "Running", containerStatuses: [ended(0, "Completed"), running] } },
      want: "1/2 NotReady 0",
      why: "one is done, one runs, the pod is not ready"
    },
    {
      pod: {
        status: {
          phase: "Running",
          conditions: [{ type: "Ready", status: "True" }],
          containerStatuses: [ended(0, "Completed"), running]
        }
      },
      want: "1/2 Running 0",
      why: "one is done, one runs, the pod is ready"
    },
    {
      pod: { status: { phase: "Succeeded", containerStatuses: [ended(0, "Completed")] } },
      want: "0/2 Completed 0",
      why: "done"
    },
    {
      pod: { status: { phase: "Failed", containerStatuses: [ended(1)] } },
      want: "0/2 ExitCode:1 0",
      why: "no reason given"
    },
    {
      pod: { status: { phase: "Failed", containerStatuses: [ended(137, undefined, 9)] } },
      want: "0/2 Signal:9 0",
      why: "killed"
    },
    { pod: { status: { phase: "Failed", reason: "Evicted" } }, want: "0/2 Evicted 0", why: "the pod has a reason" },
    {
      pod: { spec: oneInit, status: { phase: "Pending", initContainerStatuses: [ended(0), {}] } },
      want: "0/2 Init:1/2 0",
      why: "the second init container runs"
    },
    {
      pod: { spec: oneInit, status: { phase: "Pending", initContainerStatuses: [ended(1, "Error")] } },
      want: "0/2 Init:Error 0",
      why: "an init container failed"
    },
    {
      pod: { spec: oneInit, status: { phase: "Pending", initContainerStatuses: [ended(3)] } },
      want: "0/2 Init:ExitCode:3 0",
      why: "an init container failed without a reason"
    },
    {
      pod: {
        spec: oneInit,
        status: { phase: "Pending", initContainerStatuses: [{ ...waiting("CrashLoopBackOff"), restartCount: 4 }, {}] }
      },
      want: "0/2 Init:CrashLoopBackOff 4",
      why: "an init container waits"
    },
    {
      pod: {
        spec: sidecar,
        status: {
          phase: "Running",
          initContainerStatuses: [{ name: "s", started: true, restartCount: 1, ...running }],
          containerStatuses: [running, running]
        }
      },
      want: "3/3 Running 1",
      why: "a sidecar counts"
    },
    {
      pod: {
        metadata: { deletionTimestamp: "x" },
        status: { phase: "Running", containerStatuses: [running, running] }
      },
      want: "2/2 Terminating 0",
      why: "it is being deleted"
    },
    {
      pod: {
        metadata: { deletionTimestamp: "x" },
        status: { phase: "Succeeded", containerStatuses: [ended(0, "Completed")] }
      },
      want: "0/2 Completed 0",
      why: "what has ended does not terminate"
    },
    {
      pod: { metadata: { deletionTimestamp: "x" }, status: { reason: "NodeLost", phase: "Running" } },
      want: "0/2 Unknown 0",
      why: "its node is gone"
    },
    {
      pod: { status: { phase: "Pending", conditions: [{ type: "PodScheduled", reason: "SchedulingGated" }] } },
      want: "0/2 SchedulingGated 0",
      why: "it waits behind a gate"
    }
  ])("$want: $why", ({ pod, want }) => assert.strictEqual(printed(pod), want))

  it.each([
    { seconds: 0, want: "0s" },
    { seconds: 119, want: "119s" },
    { seconds: 120, want: "2m" },
    { seconds: 190, want: "3m10s" },
    { seconds: 600, want: "10m" },
    { seconds: 3 * 3600, want: "3h" },
    { seconds: 3 * 3600 + 60, want: "3h1m" },
    { seconds: 47 * 3600, want: "47h" },
    { seconds: 50 * 3600, want: "2d2h" },
    { seconds: 20 * 86_400, want: "20d" },
    { seconds: 800 * 86_400, want: "2y70d" },
    { seconds: -5, want: "<invalid>" }
  ])("$seconds s is $want", ({ seconds, want }) => assert.strictEqual(span(seconds * 1000), want))
})
