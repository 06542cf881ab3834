import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type AdmissionNode, admit } from "../../../src/domain/admission/admit.ts"
import { requestOf } from "../../../src/domain/admission/shortage.ts"
import { dotted, sysctlComplaint } from "../../../src/domain/admission/sysctls.ts"
import { tolerates } from "../../../src/domain/admission/taints.ts"
import type { ResourceList } from "../../../src/domain/k8s/fields.ts"
import type { Node } from "../../../src/domain/k8s/node.ts"
import type { Pod, PodSpec } from "../../../src/domain/k8s/pod.ts"
import { isCriticalPod } from "../../../src/domain/resources/qos.ts"
import { container, podOf } from "../pod/fixtures.ts"

const nodeWith = (labels: Record<string, string> = {}, taints: NonNullable<Node["spec"]>["taints"] = []): Node => ({
  metadata: { name: "n1", labels },
  spec: { taints }
})

const given = (fields: Partial<AdmissionNode> = {}): AdmissionNode => ({
  node: nodeWith(),
  allocatable: { cpu: "2", memory: "4Gi", pods: "110", "ephemeral-storage": "10Gi" },
  kernelVersion: "6.1.0-18-amd64",
  allowedUnsafeSysctls: [],
  pressure: { memory: false, disk: false, pid: false },
  strictSupplementalGroups: false,
  appArmor: true,
  declaredFeatures: ["RestartAllContainersOnContainerExits"],
  podLevelResources: true,
  shuttingDown: false,
  others: [],
  ...fields
})

let count = 0
const asking = (requests: ResourceList, spec: Partial<PodSpec> = {}): Pod => {
  const name = `p${count++}`
  return podOf({ containers: [container("c", { resources: { requests } })], ...spec }, { meta: { name, uid: name } })
}
const reasonOf = (pod: Pod, node: AdmissionNode, source: "api" | "file" = "api"): string => {
  const verdict = admit(pod, source, node)
  return verdict._tag === "Rejected" ? `${verdict.reason}: ${verdict.message}` : verdict._tag
}

describe("C7: resources", () => {
  it.each<{ pod: Pod; node?: Partial<AdmissionNode>; want: string; why: string }>([
    {
      pod: asking({ cpu: "500" }),
      want: "OutOfcpu: Node didn't have enough resource: cpu, requested: 500000, used: 0, capacity: 2000",
      why: "as recorded of the kubelet"
    },
    {
      pod: asking({ memory: "3Gi" }),
      node: { others: [asking({ memory: "2Gi" })] },
      want: "OutOfmemory: Node didn't have enough resource: memory, requested: 3221225472, used: 2147483648, " +
        "capacity: 4294967296",
      why: "others count"
    },
    {
      pod: asking({ "ephemeral-storage": "11Gi" }),
      want: "OutOfephemeral-storage: Node didn't have enough resource: ephemeral-storage, requested: 11811160064, " +
        "used: 0, capacity: 10737418240",
      why: "local storage"
    },
    {
      pod: asking({}),
      node: { others: [asking({}), asking({})], allocatable: { cpu: "2", pods: "2" } },
      want: "OutOfpods: Node didn't have enough resource: pods, requested: 1, used: 2, capacity: 2",
      why: "the number of pods"
    },
    {
      pod: asking({ "example.com/gpu": "2" }),
      node: { allocatable: { cpu: "2", pods: "9", "example.com/gpu": "1" } },
      want:
        "OutOfexample.com/gpu: Node didn't have enough resource: example.com/gpu, requested: 2, used: 0, capacity: 1",
      why: "an extended resource that the node has"
    },
    { pod: asking({ "example.com/gpu": "2" }), want: "Admitted", why: "one that it does not have is no concern of it" },
    { pod: asking({ cpu: "2", memory: "4Gi" }), want: "Admitted", why: "all of it may be used" },
    { pod: asking({ cpu: "0" }), node: { others: [asking({ cpu: "3" })] }, want: "Admitted", why: "asks for nothing" }
  ])("$want: $why", ({ node, pod, want }) => assert.strictEqual(reasonOf(pod, given(node)), want))
})

describe("C7: placement", () => {
  const affinity = (key: string, operator: string, ...values: Array<string>): Partial<PodSpec> => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }]
        }
      }
    }
  })
  const noAffinity = "NodeAffinity: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
  const node = { node: nodeWith({ zone: "a", cores: "8" }) }
  const port = (fields: object): Partial<PodSpec> => ({
    containers: [container("c", { ports: [{ containerPort: 80, hostPort: 80, ...fields }] })]
  })
  const noPort = "NodePorts: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
  it.each<{ spec: Partial<PodSpec>; fields?: Partial<AdmissionNode>; want: string; why: string }>([
    { spec: { nodeSelector: { zone: "a" } }, want: "Admitted", why: "the selector fits" },
    { spec: affinity("constructor", "Exists"), want: noAffinity, why: "what every object has is no label" },
    { spec: { nodeSelector: { zone: "b" } }, want: noAffinity, why: "the selector does not" },
    { spec: affinity("zone", "In", "a", "b"), want: "Admitted", why: "In" },
    { spec: affinity("zone", "NotIn", "a"), want: noAffinity, why: "NotIn" },
    { spec: affinity("other", "NotIn", "a"), want: "Admitted", why: "NotIn of a label it lacks" },
    { spec: affinity("zone", "Exists"), want: "Admitted", why: "Exists" },
    { spec: affinity("zone", "DoesNotExist"), want: noAffinity, why: "DoesNotExist" },
    { spec: affinity("cores", "Gt", "4"), want: "Admitted", why: "Gt" },
    { spec: affinity("cores", "Lt", "8"), want: noAffinity, why: "Lt" },
    { spec: affinity("zone", "Gt", "4"), want: noAffinity, why: "no number" },
    {
      spec: {
        affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{}] } } }
      },
      want: noAffinity,
      why: "an empty term fits nothing"
    },
    {
      spec: { nodeName: "n2" },
      want: "NodeName: Predicate NodeName failed: node(s) didn't match the requested node name",
      why: "bound elsewhere"
    },
    { spec: port({}), fields: { others: [podOf(port({}))] }, want: noPort, why: "taken" },
    { spec: port({ protocol: "UDP" }), fields: { others: [podOf(port({}))] }, want: "Admitted", why: "UDP" },
    {
      spec: port({ hostIP: "10.0.0.1" }),
      fields: { others: [podOf(port({ hostIP: "10.0.0.2" }))] },
      want: "Admitted",
      why: "another address"
    },
    { spec: port({ hostIP: "10.0.0.1" }), fields: { others: [podOf(port({}))] }, want: noPort, why: "any address" }
  ])("$want: $why", ({ fields, spec, want }) => {
    assert.strictEqual(reasonOf(podOf(spec), given({ ...node, ...fields })), want)
  })

  const tainted = { node: nodeWith({}, [{ key: "k", value: "v", effect: "NoExecute" }]) }
  const intolerant =
    "TaintToleration: Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"
  it("NoExecute taints count, not for static pods; other effects are the scheduler's", () => {
    assert.strictEqual(reasonOf(podOf(), given(tainted)), intolerant)
    assert.strictEqual(reasonOf(podOf(), given(tainted), "file"), "Admitted")
    assert.strictEqual(
      reasonOf(podOf(), given({ node: nodeWith({}, [{ key: "k", effect: "NoSchedule" }]) })),
      "Admitted"
    )
  })
  it.each([
    { toleration: { key: "k", value: "v" }, want: true, why: "equal by default" },
    { toleration: { key: "k", value: "x" }, want: false, why: "another value" },
    { toleration: { key: "k", operator: "Exists" }, want: true, why: "any value" },
    { toleration: { operator: "Exists" }, want: true, why: "everything" },
    { toleration: { key: "k", operator: "Exists", effect: "NoSchedule" }, want: false, why: "another effect" },
    { toleration: { key: "k", operator: "Odd" }, want: false, why: "an unknown operator" }
  ])("$toleration: $why", ({ toleration, want }) => {
    assert.strictEqual(tolerates(toleration, { key: "k", value: "v", effect: "NoExecute" }), want)
  })
  it("a refusal by labels alone is worth a second look with the node freshly read", () => {
    const byLabels = admit(podOf({ nodeSelector: { zone: "b" } }), "api", given())
    assert.include(byLabels, { _tag: "Rejected", byNodeLabels: true })
    const both = admit(podOf({ nodeSelector: { zone: "b" }, nodeName: "n2" }), "api", given())
    assert.include(both, { _tag: "Rejected", byNodeLabels: false })
  })
})

describe("C7: kinds of pods", () => {
  it.each<{ pod: Pod; fields?: Partial<AdmissionNode>; want: string }>([
    {
      pod: podOf({}, { meta: { labels: { "kubernetes.io/os": "windows" } } }),
      want:
        "PodOSSelectorNodeLabelDoesNotMatch: Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"
    },
    { pod: podOf({}, { meta: { labels: { "kubernetes.io/os": "linux" } } }), want: "Admitted" },
    {
      pod: podOf({ os: { name: "windows" } }),
      want: "PodOSNotSupported: Failed to admit pod as the OS field doesn't match node OS"
    },
    {
      pod: podOf({ securityContext: { supplementalGroupsPolicy: "Strict" } }),
      want: "SupplementalGroupsPolicyNotSupported: SupplementalGroupsPolicy=Strict is not supported in this node"
    },
    {
      pod: podOf({ securityContext: { supplementalGroupsPolicy: "Strict" } }),
      fields: { strictSupplementalGroups: true },
      want: "Admitted"
    },
    {
      pod: podOf({ securityContext: { appArmorProfile: { type: "RuntimeDefault" } } }),
      fields: { appArmor: false },
      want: "AppArmor: Cannot enforce AppArmor: AppArmor is not enabled on the host"
    },
    {
      pod: podOf({}, {
        meta: { annotations: { "container.apparmor.security.beta.kubernetes.io/c": "runtime/default" } }
      }),
      fields: { appArmor: false },
      want: "AppArmor: Cannot enforce AppArmor: AppArmor is not enabled on the host"
    },
    {
      pod: podOf({ resources: { requests: { cpu: "1" } } }),
      fields: { podLevelResources: false },
      want: "PodLevelResourcesNotSupported: PodLevelResources feature gate is disabled"
    },
    {
      pod: podOf({
        containers: [container("c", { restartPolicyRules: [{ action: "RestartAllContainers" }] })],
        hostNetwork: true,
        hostUsers: false
      }),
      fields: { declaredFeatures: [] },
      want: "PodFeatureUnsupported: Pod requires node features that are not available: " +
        "RestartAllContainersOnContainerExits, UserNamespacesHostNetworkSupport"
    },
    {
      pod: podOf({ hostNetwork: true, hostUsers: false }),
      fields: { declaredFeatures: undefined },
      want: "Admitted"
    },
    {
      pod: podOf({ securityContext: { appArmorProfile: { type: "Unconfined" } } }),
      fields: { appArmor: false },
      want: "Admitted"
    },
    {
      pod: podOf(),
      fields: { shuttingDown: true },
      want: "NodeShutdown: Pod was rejected as the node is shutting down."
    }
  ])("$want", ({ fields, pod, want }) => assert.strictEqual(reasonOf(pod, given(fields)), want))
})

describe("M3: pods under pressure", () => {
  const critical = podOf({ priority: 2_000_000_000 })
  const burstable = asking({ cpu: "1m" })
  const tolerant = podOf({ tolerations: [{ key: "node.kubernetes.io/memory-pressure", operator: "Exists" }] })
  it.each([
    {
      pressure: "memory",
      pod: podOf(),
      want: "Evicted: The node had condition: [MemoryPressure]. ",
      why: "best effort"
    },
    { pressure: "memory", pod: burstable, want: "Admitted", why: "it has what it requests" },
    { pressure: "memory", pod: tolerant, want: "Admitted", why: "it tolerates the taint" },
    { pressure: "memory", pod: critical, want: "Admitted", why: "critical" },
    { pressure: "disk", pod: burstable, want: "Evicted: The node had condition: [DiskPressure]. ", why: "any" },
    { pressure: "pid", pod: tolerant, want: "Evicted: The node had condition: [PIDPressure]. ", why: "any" },
    { pressure: "disk", pod: critical, want: "Admitted", why: "critical" }
  ])("$pressure: $want: $why", ({ pod, pressure, want }) => {
    const none = { memory: false, disk: false, pid: false }
    assert.strictEqual(reasonOf(pod, given({ pressure: { ...none, [pressure]: true } })), want)
  })
})

describe("C9: sysctls", () => {
  const rules = { kernelVersion: "5.10.0", allowedUnsafe: ["kernel.msg*", "net.core.somaxconn", "net/ipv4/tcp_rmem"] }
  const asks = (name: string, spec: Partial<PodSpec> = {}) =>
    podOf({ ...spec, securityContext: { sysctls: [{ name, value: "1" }] } })
  it.each<{ name: string; spec?: Partial<PodSpec>; want: string | undefined; why: string }>([
    { name: "kernel.shm_rmid_forced", want: undefined, why: "safe" },
    { name: "net.ipv4.tcp_wmem", want: undefined, why: "safe since 4.15" },
    { name: "net/ipv4/tcp_syncookies", want: undefined, why: "the slash form" },
    { name: "kernel.msgmax", want: undefined, why: "allowed by prefix" },
    { name: "net.core.somaxconn", want: undefined, why: "allowed by name" },
    { name: "kernel.sem", want: "forbidden sysctl: \"kernel.sem\" not allowlisted", why: "namespaced, not allowed" },
    { name: "vm.swappiness", want: "forbidden sysctl: \"vm.swappiness\" not allowlisted", why: "of the whole machine" },
    {
      name: "net.ipv4.tcp_syncookies",
      spec: { hostNetwork: true },
      want: "forbidden sysctl: \"net.ipv4.tcp_syncookies\" not allowed with host net enabled",
      why: "host network"
    },
    {
      name: "kernel.msgmax",
      spec: { hostIPC: true },
      want: "forbidden sysctl: \"kernel.msgmax\" not allowed with host ipc enabled",
      why: "host IPC"
    }
  ])("$name: $why", ({ name, spec, want }) => assert.strictEqual(sysctlComplaint(asks(name, spec), rules), want))
  it("what a kernel does not keep apart yet is not safe on it", () => {
    const old = { kernelVersion: "4.4.0-21-generic", allowedUnsafe: [] }
    assert.isDefined(sysctlComplaint(asks("net.ipv4.tcp_keepalive_time"), old))
    assert.isUndefined(sysctlComplaint(asks("net.ipv4.ip_local_reserved_ports"), old))
  })
  it("nothing is allowed that is not namespaced, even when configured", () => {
    assert.isDefined(sysctlComplaint(asks("vm.swappiness"), { kernelVersion: "6.1", allowedUnsafe: ["vm.*"] }))
  })
  it.each([
    { text: "net/ipv4/conf/eth0.1/forwarding", want: "net.ipv4.conf.eth0/1.forwarding" },
    { text: "net.ipv4.conf.eth0/1.forwarding", want: "net.ipv4.conf.eth0/1.forwarding" }
  ])("$text → $want", ({ text, want }) => assert.strictEqual(dotted(text), want))
  it("as recorded of the kubelet", () => {
    assert.strictEqual(
      reasonOf(asks("kernel.msgmax"), given()),
      "SysctlForbidden: forbidden sysctl: \"kernel.msgmax\" not allowlisted"
    )
  })
})

describe("C8: critical pods make room", () => {
  const critical = (requests: ResourceList) => asking(requests, { priority: 2_000_000_000 })
  const guaranteed = (cpu: string) => {
    const resources = { requests: { cpu, memory: "1Mi" }, limits: { cpu, memory: "1Mi" } }
    return podOf({ containers: [container("c", { resources })] }, { meta: { name: `g${count}`, uid: `g${count++}` } })
  }
  const victims = (pod: Pod, others: ReadonlyArray<Pod>) => {
    const verdict = admit(pod, "api", given({ others }))
    return verdict._tag === "Preempt" ? verdict.victims.map(({ metadata }) => metadata.name) : verdict
  }
  it("one pod that suffices is better than two, the smallest that suffices best", () => {
    const small = asking({ cpu: "300m" })
    const fit = asking({ cpu: "600m" })
    const large = asking({ cpu: "1" })
    assert.deepStrictEqual(victims(critical({ cpu: "700m" }), [small, large, fit]), [fit.metadata.name])
  })
  it("burstable pods go before guaranteed ones", () => {
    const burstable = asking({ cpu: "1" })
    assert.deepStrictEqual(victims(critical({ cpu: "1" }), [guaranteed("1"), burstable]), [burstable.metadata.name])
  })
  it("best-effort pods go when the number of pods is short", () => {
    const burstable = asking({ cpu: "1m" })
    const free = asking({})
    const verdict = admit(
      critical({}),
      "api",
      given({ others: [burstable, free], allocatable: { cpu: "2", pods: "2" } })
    )
    assert.deepStrictEqual(verdict._tag === "Preempt" ? verdict.victims : verdict, [free])
  })
  it("critical pods are never displaced by their like", () => {
    const verdict = admit(critical({ cpu: "1" }), "api", given({ others: [critical({ cpu: "2" })] }))
    assert.include(verdict, { _tag: "Rejected", reason: "UnexpectedAdmissionError" })
    assert.include(verdict._tag === "Rejected" ? verdict.message : "", "[(res: cpu, q: 1000), ]")
  })
  it("a pod that is not critical displaces nobody", () => {
    assert.match(reasonOf(asking({ cpu: "2" }), given({ others: [asking({ cpu: "1" })] })), /^OutOfcpu/)
  })
  it("what preemption cannot help refuses a critical pod", () => {
    const pod = asking({ cpu: "2" }, { priority: 2_000_000_000, nodeName: "n2" })
    assert.match(reasonOf(pod, given({ others: [asking({ cpu: "1" })] })), /^NodeName/)
  })
  it("the victims always suffice and are never critical", () => {
    const milli = fc.integer({ min: 0, max: 900 })
    fc.assert(fc.property(milli, fc.array(fc.tuple(milli, fc.boolean()), { maxLength: 8 }), (wanted, pods) => {
      const preemptor = critical({ cpu: `${wanted}m` })
      const others = pods.map(([cpu, isCritical]) =>
        isCritical ? critical({ cpu: `${cpu}m` }) : asking({ cpu: `${cpu}m` })
      )
      const verdict = admit(preemptor, "api", given({ others }))
      if (verdict._tag !== "Preempt") return
      const cpu = (list: ReadonlyArray<Pod>) => list.reduce((total, pod) => total + requestOf(pod, "cpu"), 0n)
      const left = others.filter((pod) => !verdict.victims.includes(pod))
      assert.isTrue(cpu(left) + requestOf(preemptor, "cpu") <= 2000n)
      assert.isFalse(verdict.victims.some(isCriticalPod))
      assert.isAbove(verdict.victims.length, 0)
    }))
  })
})
