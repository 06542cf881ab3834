/** Who a container runs as, what it may do, and which namespaces it shares. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { namespaceOptions } from "../../../src/domain/config/namespaces.ts"
import { defaultNodeSettings, type NodeSettings } from "../../../src/domain/config/nodeSettings.ts"
import { normalSysctl, sandboxConfig } from "../../../src/domain/config/sandboxConfig.ts"
import {
  appArmorProfile,
  checkNonRoot,
  containerSecurityContext,
  type ImageUser
} from "../../../src/domain/config/securityContext.ts"
import type { SecurityContext } from "../../../src/domain/k8s/container.ts"
import type { PodSecurityContext } from "../../../src/domain/k8s/pod.ts"
import { NamespaceMode, SecurityProfile_ProfileType, SupplementalGroupsPolicy } from "../../../src/gen/cri/api_pb.ts"
import { asking, podWith } from "../resources/pods.ts"

const root: ImageUser = { uid: 0 }

const secured = (own: SecurityContext, ofPod: PodSecurityContext = {}) => {
  const container = { ...asking("c"), securityContext: own }
  return { container, pod: podWith({ containers: [container], securityContext: ofPod }) }
}

const contextResult = (
  own: SecurityContext,
  ofPod: PodSecurityContext = {},
  more: { user?: ImageUser; node?: Partial<NodeSettings>; groups?: ReadonlyArray<number> } = {}
) =>
  containerSecurityContext({
    ...secured(own, ofPod),
    node: { ...defaultNodeSettings, ...more.node },
    user: more.user ?? root,
    namespaces: {},
    volumeGroups: more.groups ?? []
  })

const context = (...args: Parameters<typeof contextResult>) => Result.getOrThrow(contextResult(...args))

describe("E7: user", () => {
  it("the container's user, else the pod's, else the image's", () => {
    assert.deepStrictEqual(context({ runAsUser: 1 }, { runAsUser: 2 }).runAsUser, { value: 1n })
    assert.deepStrictEqual(context({}, { runAsUser: 2 }).runAsUser, { value: 2n })
    assert.deepStrictEqual(context({}, {}, { user: { uid: 3 } }).runAsUser, { value: 3n })
    assert.strictEqual(context({}, {}, { user: { username: "web" } }).runAsUsername, "web")
  })

  it("fsGroup, groups of volumes, supplemental groups, in this order", () => {
    const { supplementalGroups, supplementalGroupsPolicy } = context(
      {},
      { fsGroup: 1, supplementalGroups: [2, 3], supplementalGroupsPolicy: "Strict" },
      { groups: [9] }
    )
    assert.deepStrictEqual(supplementalGroups, [1n, 9n, 2n, 3n])
    assert.strictEqual(supplementalGroupsPolicy, SupplementalGroupsPolicy.Strict)
  })

  const where = "(pod: \"p_default(u-1)\", container: c)"
  it.each([
    { own: {}, user: root, want: undefined, why: "nobody minds" },
    { own: { runAsNonRoot: true, runAsUser: 5 }, user: root, want: undefined, why: "the user is given" },
    { own: { runAsNonRoot: true }, user: { uid: 5 }, want: undefined, why: "the image's user is a number" },
    { own: { runAsNonRoot: true }, user: {}, want: undefined, why: "nothing known speaks against it" },
    {
      own: { runAsNonRoot: true, runAsUser: 0 },
      user: {},
      want: `container's runAsUser breaks non-root policy ${where}`,
      why: "contradiction"
    },
    {
      own: { runAsNonRoot: true },
      user: root,
      want: `container has runAsNonRoot and image will run as root ${where}`,
      why: "the image says root"
    },
    {
      own: { runAsNonRoot: true },
      user: { username: "web" },
      want: `container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root ${where}`,
      why: "a name could be root"
    }
  ])("runAsNonRoot: $why", ({ own, user, want }) => {
    const { pod, container } = secured(own)
    const result = checkNonRoot(pod, container, user)
    assert.strictEqual(Result.isFailure(result) ? result.failure.message : undefined, want)
  })

  it("the pod's promise holds for containers that say nothing", () => {
    const { pod, container } = secured({}, { runAsNonRoot: true })
    assert.isTrue(Result.isFailure(checkNonRoot(pod, container, root)))
    const lenient = secured({ runAsNonRoot: false }, { runAsNonRoot: true })
    assert.isTrue(Result.isSuccess(checkNonRoot(lenient.pod, lenient.container, root)))
  })
})

describe("E8–E11: profiles", () => {
  const { Localhost, RuntimeDefault, Unconfined } = SecurityProfile_ProfileType
  it.each([
    { own: {}, ofPod: {}, node: {}, want: { profileType: Unconfined }, why: "nothing said" },
    {
      own: {},
      ofPod: {},
      node: { seccompDefault: true },
      want: { profileType: RuntimeDefault },
      why: "seccompDefault"
    },
    {
      own: { seccompProfile: { type: "Unconfined" } },
      ofPod: { seccompProfile: { type: "RuntimeDefault" } },
      node: {},
      want: { profileType: Unconfined },
      why: "the container's over the pod's"
    },
    {
      own: {},
      ofPod: { seccompProfile: { type: "Localhost", localhostProfile: "a/b.json" } },
      node: {},
      want: { profileType: Localhost, localhostRef: "/var/lib/kubelet/seccomp/a/b.json" },
      why: "files below the root folder"
    }
  ])("E9: seccomp, $why", ({ own, ofPod, node, want }) => {
    assert.deepStrictEqual<unknown>(context(own, ofPod, { node }).seccomp, want)
  })

  it("E9: a local profile needs a name", () => {
    const error = Result.flip(contextResult({ seccompProfile: { type: "Localhost" } }))
    assert.strictEqual(
      Result.getOrThrow(error).message,
      "localhostProfile must be set if seccompProfile type is Localhost."
    )
  })

  it("E10: AppArmor by field, annotation, pod", () => {
    const key = "container.apparmor.security.beta.kubernetes.io/c"
    const profile = (annotation: string | undefined, own: SecurityContext, ofPod: PodSecurityContext) => {
      const { pod, container } = secured(own, ofPod)
      const annotations = annotation === undefined ? {} : { [key]: annotation }
      return appArmorProfile({ ...pod, metadata: { ...pod.metadata, annotations } }, container)?.type
    }
    const unconfined = { appArmorProfile: { type: "Unconfined" } }
    assert.deepStrictEqual([
      profile("runtime/default", unconfined, {}),
      profile("runtime/default", {}, unconfined),
      profile("localhost/mine", {}, unconfined),
      profile(undefined, {}, unconfined),
      profile(undefined, {}, {})
    ], ["Unconfined", "RuntimeDefault", "Localhost", "Unconfined", undefined])
    const { apparmor, apparmorProfile } = context({ appArmorProfile: { type: "Localhost", localhostProfile: "mine" } })
    assert.deepStrictEqual<unknown>([apparmor, apparmorProfile], [
      { profileType: Localhost, localhostRef: "mine" },
      "localhost/mine"
    ])
  })

  it("E8: no new privileges only when they are refused", () => {
    const values = [{}, { allowPrivilegeEscalation: true }, { allowPrivilegeEscalation: false }]
    assert.deepStrictEqual(values.map((own) => context(own).noNewPrivs), [false, false, true])
  })

  it("E11: an unmasked /proc hides nothing; hot CPUs are hidden otherwise", () => {
    const node = { thermalThrottlePaths: ["/sys/devices/system/cpu/cpu0/thermal_throttle"] }
    const { maskedPaths = [] } = context({}, {}, { node })
    assert.strictEqual(maskedPaths[maskedPaths.length - 1], node.thermalThrottlePaths[0])
    const unmasked = context({ procMount: "Unmasked" }, {}, { node })
    assert.deepStrictEqual([unmasked.maskedPaths, unmasked.readonlyPaths], [[], []])
  })

  it("SELinux options reach the runtime whole", () => {
    assert.deepStrictEqual<unknown>(context({}, { seLinuxOptions: { level: "s0:c1" } }).selinuxOptions, {
      user: "",
      role: "",
      type: "",
      level: "s0:c1"
    })
  })
})

describe("E12, E13: namespaces", () => {
  const { CONTAINER, NODE, POD, TARGET } = NamespaceMode
  it.each([
    { spec: {}, want: [POD, CONTAINER, POD], why: "a pod of its own" },
    { spec: { shareProcessNamespace: true }, want: [POD, POD, POD], why: "one process namespace" },
    { spec: { hostNetwork: true, hostPID: true, hostIPC: true }, want: [NODE, NODE, NODE], why: "the node's" }
  ])("$why", ({ spec, want }) => {
    const { network, pid, ipc } = namespaceOptions(podWith(spec), {})
    assert.deepStrictEqual<unknown>([network, pid, ipc], want)
  })

  it("D8: a debugger joins its target, unless all processes are in sight anyway", () => {
    const target = { targetContainerId: "t" }
    assert.deepStrictEqual(namespaceOptions(podWith({}), target).pid, TARGET)
    const shared = namespaceOptions(podWith({ shareProcessNamespace: true }), target)
    assert.deepStrictEqual<unknown>([shared.pid, shared.targetId], [POD, undefined])
  })

  it("E13: ids are mapped in a user namespace", () => {
    const mapping = { hostId: 65_536, containerId: 0, length: 65_536 }
    const { usernsOptions } = namespaceOptions(podWith({}), { userNamespace: { uids: [mapping], gids: [mapping] } })
    assert.deepStrictEqual<unknown>(usernsOptions, { mode: POD, uids: [mapping], gids: [mapping] })
  })
})

describe("E14: sysctls", () => {
  it.each([
    { name: "net.ipv4.ip_forward", want: "net.ipv4.ip_forward" },
    { name: "net/ipv4/ip_forward", want: "net.ipv4.ip_forward" },
    { name: "net/ipv4/conf/eth0.1/rp_filter", want: "net.ipv4.conf.eth0/1.rp_filter" },
    { name: "net.ipv4.conf.eth0/1.rp_filter", want: "net.ipv4.conf.eth0/1.rp_filter" }
  ])("$name → $want", ({ name, want }) => assert.strictEqual(normalSysctl(name), want))

  it("are sorted by name", () => {
    const sysctls = [{ name: "net/b", value: "2" }, { name: "kernel.a", value: "1" }]
    const pod = podWith({ securityContext: { sysctls } })
    const { config } = Result.getOrThrow(sandboxConfig({ pod, node: defaultNodeSettings, attempt: 0 }))
    assert.deepStrictEqual(Object.entries(config.linux?.sysctls ?? {}), [["kernel.a", "1"], ["net.b", "2"]])
  })
})
