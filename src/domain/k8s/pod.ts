/** The Pod: what is asked for (spec) and what was reported (status). */
import { Schema } from "effect"
import { Container, EphemeralContainer, ResourceRequirements, SecurityProfile, SELinuxOptions } from "./container.ts"
import { bool, list, num, numbers, optional, resourceList, str, stringMap, strings } from "./fields.ts"
import { LabelSelector, LocalObjectReference, NamespacedMeta, NodeSelector, NodeSelectorTerm } from "./meta.ts"
import { PodStatus } from "./podStatus.ts"
import { Volume } from "./volume.ts"

export const Sysctl = Schema.Struct({ name: Schema.String, value: Schema.String })
export interface Sysctl extends Schema.Schema.Type<typeof Sysctl> {}

export const PodSecurityContext = Schema.Struct({
  seLinuxOptions: optional(SELinuxOptions),
  runAsUser: num,
  runAsGroup: num,
  runAsNonRoot: bool,
  supplementalGroups: numbers,
  supplementalGroupsPolicy: str,
  fsGroup: num,
  sysctls: list(Sysctl),
  fsGroupChangePolicy: str,
  seccompProfile: optional(SecurityProfile),
  appArmorProfile: optional(SecurityProfile),
  seLinuxChangePolicy: str
})
export interface PodSecurityContext extends Schema.Schema.Type<typeof PodSecurityContext> {}

export const Toleration = Schema.Struct({
  key: str,
  operator: str,
  value: str,
  effect: str,
  tolerationSeconds: num
})
export interface Toleration extends Schema.Schema.Type<typeof Toleration> {}

export const HostAlias = Schema.Struct({ ip: Schema.String, hostnames: strings })
export interface HostAlias extends Schema.Schema.Type<typeof HostAlias> {}

export const PodDNSConfigOption = Schema.Struct({ name: str, value: str })
export interface PodDNSConfigOption extends Schema.Schema.Type<typeof PodDNSConfigOption> {}

export const PodDNSConfig = Schema.Struct({
  nameservers: strings,
  searches: strings,
  options: list(PodDNSConfigOption)
})
export interface PodDNSConfig extends Schema.Schema.Type<typeof PodDNSConfig> {}

/** Node affinity is checked on admission; the other kinds concern the scheduler only and are carried through. */
export const Affinity = Schema.Struct({
  nodeAffinity: optional(
    Schema.Struct({
      requiredDuringSchedulingIgnoredDuringExecution: optional(NodeSelector),
      preferredDuringSchedulingIgnoredDuringExecution: list(
        Schema.Struct({ weight: Schema.Number, preference: NodeSelectorTerm })
      )
    })
  )
})
export interface Affinity extends Schema.Schema.Type<typeof Affinity> {}

export const PodResourceClaim = Schema.Struct({
  name: Schema.String,
  resourceClaimName: str,
  resourceClaimTemplateName: str
})
export interface PodResourceClaim extends Schema.Schema.Type<typeof PodResourceClaim> {}

export const TopologySpreadConstraint = Schema.Struct({
  maxSkew: num,
  topologyKey: str,
  whenUnsatisfiable: str,
  labelSelector: optional(LabelSelector)
})

export const PodSpec = Schema.Struct({
  volumes: list(Volume),
  initContainers: list(Container),
  containers: Schema.Array(Container),
  ephemeralContainers: list(EphemeralContainer),
  restartPolicy: str,
  terminationGracePeriodSeconds: num,
  activeDeadlineSeconds: num,
  dnsPolicy: str,
  nodeSelector: stringMap,
  serviceAccountName: str,
  serviceAccount: str,
  automountServiceAccountToken: bool,
  nodeName: str,
  hostNetwork: bool,
  hostPID: bool,
  hostIPC: bool,
  shareProcessNamespace: bool,
  securityContext: optional(PodSecurityContext),
  imagePullSecrets: list(LocalObjectReference),
  hostname: str,
  subdomain: str,
  affinity: optional(Affinity),
  schedulerName: str,
  tolerations: list(Toleration),
  hostAliases: list(HostAlias),
  priorityClassName: str,
  priority: num,
  dnsConfig: optional(PodDNSConfig),
  readinessGates: list(Schema.Struct({ conditionType: Schema.String })),
  runtimeClassName: str,
  enableServiceLinks: bool,
  preemptionPolicy: str,
  overhead: resourceList,
  topologySpreadConstraints: list(TopologySpreadConstraint),
  setHostnameAsFQDN: bool,
  os: optional(Schema.Struct({ name: Schema.String })),
  hostUsers: bool,
  schedulingGates: list(Schema.Struct({ name: Schema.String })),
  resourceClaims: list(PodResourceClaim),
  resources: optional(ResourceRequirements),
  hostnameOverride: str
})
export interface PodSpec extends Schema.Schema.Type<typeof PodSpec> {}

export const Pod = Schema.Struct({
  apiVersion: str,
  kind: str,
  metadata: NamespacedMeta,
  spec: PodSpec,
  status: optional(PodStatus)
})
export interface Pod extends Schema.Schema.Type<typeof Pod> {}
