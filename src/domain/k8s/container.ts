/** Containers of all three kinds (init, regular, ephemeral) and what hangs off them: probes, hooks, security, resources. */
import { Schema } from "effect"
import { bool, IntOrString, list, num, numbers, optional, quantity, resourceList, str, strings } from "./fields.ts"

export const ContainerPort = Schema.Struct({
  name: str,
  hostPort: num,
  containerPort: Schema.Number,
  protocol: str,
  hostIP: str
})
export interface ContainerPort extends Schema.Schema.Type<typeof ContainerPort> {}

export const ObjectFieldSelector = Schema.Struct({ apiVersion: str, fieldPath: Schema.String })
export interface ObjectFieldSelector extends Schema.Schema.Type<typeof ObjectFieldSelector> {}

export const ResourceFieldSelector = Schema.Struct({
  containerName: str,
  resource: Schema.String,
  divisor: quantity
})
export interface ResourceFieldSelector extends Schema.Schema.Type<typeof ResourceFieldSelector> {}

/** A key of a Secret or ConfigMap. */
export const KeySelector = Schema.Struct({ name: str, key: Schema.String, optional: bool })
export interface KeySelector extends Schema.Schema.Type<typeof KeySelector> {}

/** A key of a file that an init container left in an emptyDir (KEP-3721). */
export const FileKeySelector = Schema.Struct({
  volumeName: Schema.String,
  path: Schema.String,
  key: Schema.String,
  optional: bool
})
export interface FileKeySelector extends Schema.Schema.Type<typeof FileKeySelector> {}

export const EnvVarSource = Schema.Struct({
  fieldRef: optional(ObjectFieldSelector),
  resourceFieldRef: optional(ResourceFieldSelector),
  configMapKeyRef: optional(KeySelector),
  secretKeyRef: optional(KeySelector),
  fileKeyRef: optional(FileKeySelector)
})
export interface EnvVarSource extends Schema.Schema.Type<typeof EnvVarSource> {}

export const EnvVar = Schema.Struct({ name: Schema.String, value: str, valueFrom: optional(EnvVarSource) })
export interface EnvVar extends Schema.Schema.Type<typeof EnvVar> {}

export const EnvSourceRef = Schema.Struct({ name: str, optional: bool })
export interface EnvSourceRef extends Schema.Schema.Type<typeof EnvSourceRef> {}

export const EnvFromSource = Schema.Struct({
  prefix: str,
  configMapRef: optional(EnvSourceRef),
  secretRef: optional(EnvSourceRef)
})
export interface EnvFromSource extends Schema.Schema.Type<typeof EnvFromSource> {}

export const ResourceClaimUse = Schema.Struct({ name: Schema.String, request: str })

export const ResourceRequirements = Schema.Struct({
  limits: resourceList,
  requests: resourceList,
  claims: list(ResourceClaimUse)
})
export interface ResourceRequirements extends Schema.Schema.Type<typeof ResourceRequirements> {}

export const ContainerResizePolicy = Schema.Struct({ resourceName: Schema.String, restartPolicy: Schema.String })
export interface ContainerResizePolicy extends Schema.Schema.Type<typeof ContainerResizePolicy> {}

export const VolumeMount = Schema.Struct({
  name: Schema.String,
  readOnly: bool,
  recursiveReadOnly: str,
  mountPath: Schema.String,
  subPath: str,
  mountPropagation: str,
  subPathExpr: str
})
export interface VolumeMount extends Schema.Schema.Type<typeof VolumeMount> {}

export const VolumeDevice = Schema.Struct({ name: Schema.String, devicePath: Schema.String })
export interface VolumeDevice extends Schema.Schema.Type<typeof VolumeDevice> {}

export const ExecAction = Schema.Struct({ command: strings })
export interface ExecAction extends Schema.Schema.Type<typeof ExecAction> {}

export const HTTPHeader = Schema.Struct({ name: Schema.String, value: str })
export interface HTTPHeader extends Schema.Schema.Type<typeof HTTPHeader> {}

export const HTTPGetAction = Schema.Struct({
  path: str,
  port: IntOrString,
  host: str,
  scheme: str,
  httpHeaders: list(HTTPHeader)
})
export interface HTTPGetAction extends Schema.Schema.Type<typeof HTTPGetAction> {}

export const TCPSocketAction = Schema.Struct({ port: IntOrString, host: str })
export interface TCPSocketAction extends Schema.Schema.Type<typeof TCPSocketAction> {}

export const GRPCAction = Schema.Struct({ port: Schema.Number, service: str })
export interface GRPCAction extends Schema.Schema.Type<typeof GRPCAction> {}

export const Probe = Schema.Struct({
  exec: optional(ExecAction),
  httpGet: optional(HTTPGetAction),
  tcpSocket: optional(TCPSocketAction),
  grpc: optional(GRPCAction),
  initialDelaySeconds: num,
  timeoutSeconds: num,
  periodSeconds: num,
  successThreshold: num,
  failureThreshold: num,
  terminationGracePeriodSeconds: num
})
export interface Probe extends Schema.Schema.Type<typeof Probe> {}

export const LifecycleHandler = Schema.Struct({
  exec: optional(ExecAction),
  httpGet: optional(HTTPGetAction),
  tcpSocket: optional(TCPSocketAction),
  sleep: optional(Schema.Struct({ seconds: Schema.Number }))
})
export interface LifecycleHandler extends Schema.Schema.Type<typeof LifecycleHandler> {}

export const Lifecycle = Schema.Struct({
  postStart: optional(LifecycleHandler),
  preStop: optional(LifecycleHandler),
  stopSignal: str
})
export interface Lifecycle extends Schema.Schema.Type<typeof Lifecycle> {}

export const Capabilities = Schema.Struct({ add: strings, drop: strings })
export interface Capabilities extends Schema.Schema.Type<typeof Capabilities> {}

export const SELinuxOptions = Schema.Struct({ user: str, role: str, type: str, level: str })
export interface SELinuxOptions extends Schema.Schema.Type<typeof SELinuxOptions> {}

/** Seccomp and AppArmor profiles have the same form. */
export const SecurityProfile = Schema.Struct({ type: Schema.String, localhostProfile: str })
export interface SecurityProfile extends Schema.Schema.Type<typeof SecurityProfile> {}

export const SecurityContext = Schema.Struct({
  capabilities: optional(Capabilities),
  privileged: bool,
  seLinuxOptions: optional(SELinuxOptions),
  runAsUser: num,
  runAsGroup: num,
  runAsNonRoot: bool,
  readOnlyRootFilesystem: bool,
  allowPrivilegeEscalation: bool,
  procMount: str,
  seccompProfile: optional(SecurityProfile),
  appArmorProfile: optional(SecurityProfile)
})
export interface SecurityContext extends Schema.Schema.Type<typeof SecurityContext> {}

/** What a container's exit means for it, before its restart policy is asked (KEP-5307, KEP-5532). */
export const ContainerRestartRule = Schema.Struct({
  action: Schema.String,
  exitCodes: optional(Schema.Struct({ operator: Schema.String, values: numbers }))
})
export interface ContainerRestartRule extends Schema.Schema.Type<typeof ContainerRestartRule> {}

const containerFields = {
  name: Schema.String,
  image: str,
  command: strings,
  args: strings,
  workingDir: str,
  ports: list(ContainerPort),
  envFrom: list(EnvFromSource),
  env: list(EnvVar),
  resources: optional(ResourceRequirements),
  resizePolicy: list(ContainerResizePolicy),
  restartPolicy: str,
  restartPolicyRules: list(ContainerRestartRule),
  volumeMounts: list(VolumeMount),
  volumeDevices: list(VolumeDevice),
  livenessProbe: optional(Probe),
  readinessProbe: optional(Probe),
  startupProbe: optional(Probe),
  lifecycle: optional(Lifecycle),
  terminationMessagePath: str,
  terminationMessagePolicy: str,
  imagePullPolicy: str,
  securityContext: optional(SecurityContext),
  stdin: bool,
  stdinOnce: bool,
  tty: bool
}

export const Container = Schema.Struct(containerFields)
export interface Container extends Schema.Schema.Type<typeof Container> {}

/** A container plus the one whose process namespace it may join. */
export const EphemeralContainer = Schema.Struct({ ...containerFields, targetContainerName: str })
export interface EphemeralContainer extends Schema.Schema.Type<typeof EphemeralContainer> {}
