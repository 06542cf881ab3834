/** The sandbox of a pod as it is asked of the runtime: `RunPodSandboxRequest.config` (parity D2). */
import type { MessageInitShape } from "@bufbuild/protobuf"
import { Result } from "effect"
import {
  type LinuxPodSandboxConfigSchema,
  type PodSandboxConfigSchema,
  SecurityProfile_ProfileType as ProfileType
} from "../../gen/cri/api_pb.ts"
import type { StringMap } from "../k8s/fields.ts"
import type { Pod } from "../k8s/pod.ts"
import { podCgroup } from "../resources/cgroupNames.ts"
import { qosClassOf } from "../resources/qos.ts"
import type { ConfigWarning, SandboxConfigError } from "./configError.ts"
import { podDns } from "./dns.ts"
import { kernelHostname, podHostname } from "./hostname.ts"
import { sandboxLabels } from "./labels.ts"
import { overheadResources, sandboxResources } from "./linuxResources.ts"
import { namespaceOptions, type UserNamespaceMappings } from "./namespaces.ts"
import type { NodeSettings } from "./nodeSettings.ts"
import { podLogDirectory } from "./podPaths.ts"
import { portMappings } from "./ports.ts"
import { groupsPolicy, seLinuxInit, supplementalGroups } from "./securityContext.ts"

export type SandboxConfigInit = MessageInitShape<typeof PodSandboxConfigSchema>

export interface SandboxInput {
  readonly pod: Pod
  readonly node: NodeSettings
  readonly attempt: number
  /** Annotations beyond the pod's own, such as `kubernetes.io/config.source`. */
  readonly annotations?: StringMap
  /** Groups that own mounted volumes and every container joins. */
  readonly volumeGroups?: ReadonlyArray<number>
  readonly userNamespace?: UserNamespaceMappings
}

export interface SandboxConfig {
  readonly config: SandboxConfigInit
  /** To be told to users when the sandbox is first made. */
  readonly warnings: ReadonlyArray<ConfigWarning>
}

const isPrivileged = ({ spec }: Pod): boolean =>
  [...spec.containers, ...(spec.initContainers ?? [])].some(({ securityContext }) =>
    securityContext?.privileged === true
  )

/** `net/ipv4/x` and `net.ipv4.x` are one; a slash inside a dotted name stands for a dot of the name (parity E14). */
export const normalSysctl = (name: string): string => {
  const separator = /[./]/.exec(name)?.[0]
  if (separator !== "/") return name
  return [...name].map((char) => char === "/" ? "." : char === "." ? "/" : char).join("")
}

const sysctlsOf = ({ spec }: Pod): StringMap =>
  Object.fromEntries(
    (spec.securityContext?.sysctls ?? [])
      .map(({ name, value }) => [normalSysctl(name), value] as const)
      .sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
  )

const linuxConfig = (input: SandboxInput): MessageInitShape<typeof LinuxPodSandboxConfigSchema> => {
  const { pod, node, userNamespace } = input
  const { runAsUser, runAsGroup, seLinuxOptions } = pod.spec.securityContext ?? {}
  return {
    cgroupParent: podCgroup(node.cgroups, qosClassOf(pod), pod.metadata.uid),
    securityContext: {
      namespaceOptions: namespaceOptions(pod, userNamespace === undefined ? {} : { userNamespace }),
      ...(seLinuxOptions === undefined ? {} : { selinuxOptions: seLinuxInit(seLinuxOptions) }),
      ...(runAsUser === undefined ? {} : { runAsUser: { value: BigInt(runAsUser) } }),
      ...(runAsGroup === undefined ? {} : { runAsGroup: { value: BigInt(runAsGroup) } }),
      supplementalGroups: [...supplementalGroups(pod, input.volumeGroups ?? [])],
      supplementalGroupsPolicy: groupsPolicy(pod),
      privileged: isPrivileged(pod),
      // The sandbox's own process needs no exotic system call, whatever its containers do.
      seccomp: { profileType: ProfileType.RuntimeDefault }
    },
    sysctls: sysctlsOf(pod),
    overhead: overheadResources(pod, node),
    resources: sandboxResources(pod, node)
  }
}

/** Describes the pod's sandbox. */
export const sandboxConfig = (input: SandboxInput): Result.Result<SandboxConfig, SandboxConfigError> =>
  Result.gen(function*() {
    const { pod, node } = input
    const { name, namespace, uid } = pod.metadata
    const named = yield* podHostname(pod, node.dns.domain)
    const hostname = pod.spec.hostNetwork === true ? "" : yield* kernelHostname(pod, named)
    const { dns, warnings } = podDns(pod, node.dns, node.hostIPs)
    const config: SandboxConfigInit = {
      metadata: { name, uid, namespace, attempt: input.attempt },
      hostname,
      logDirectory: podLogDirectory(node.podLogsDir, pod),
      dnsConfig: { servers: [...dns.servers], searches: [...dns.searches], options: [...dns.options] },
      portMappings: [...portMappings(pod)],
      labels: sandboxLabels(pod),
      annotations: { ...pod.metadata.annotations, ...input.annotations },
      linux: linuxConfig(input)
    }
    return { config, warnings }
  })
