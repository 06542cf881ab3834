/** Fields of the other types of the core group; `fields.ts` says how a line reads. */
export const fieldsCore = `
# meta/v1
Condition: type!s status!s observedGeneration-i lastTransitionTime!t reason!s message!s
FieldSelectorRequirement: key!s operator!s values-[s
DeleteOptions: gracePeriodSeconds?i preconditions?Preconditions orphanDependents?b propagationPolicy?s dryRun-[s
  ignoreStoreReadErrorWithClusterBreakingPotential?b
Preconditions: uid?s resourceVersion?s
# core/v1
PodTemplate: metadata!ObjectMeta template!PodTemplateSpec
PodTemplateSpec: metadata!ObjectMeta spec!PodSpec
ReplicationController: metadata!ObjectMeta spec!ReplicationControllerSpec status!ReplicationControllerStatus
ReplicationControllerSpec: replicas?i minReadySeconds-i selector-{s template?PodTemplateSpec
ReplicationControllerStatus: replicas!i fullyLabeledReplicas-i readyReplicas-i availableReplicas-i
  observedGeneration-i conditions-[ReplicationControllerCondition~type
ReplicationControllerCondition: type!s status!s lastTransitionTime!t reason-s message-s
Service: metadata!ObjectMeta spec!ServiceSpec status!ServiceStatus
ServiceSpec: ports-[ServicePort~port selector-{s clusterIP-s clusterIPs-[s type-s externalIPs-[s sessionAffinity-s
  loadBalancerIP-s loadBalancerSourceRanges-[s externalName-s externalTrafficPolicy-s healthCheckNodePort-i
  publishNotReadyAddresses-b sessionAffinityConfig?SessionAffinityConfig ipFamilies-[s ipFamilyPolicy?s
  allocateLoadBalancerNodePorts?b loadBalancerClass?s internalTrafficPolicy?s trafficDistribution?s
ServicePort: name-s protocol-s appProtocol?s port!i targetPort!x nodePort-i
SessionAffinityConfig: clientIP?ClientIPConfig
ClientIPConfig: timeoutSeconds?i
ServiceStatus: loadBalancer!LoadBalancerStatus conditions-[Condition~type
LoadBalancerStatus: ingress-[LoadBalancerIngress
LoadBalancerIngress: ip-s hostname-s ipMode?s ports-[PortStatus
PortStatus: port!i protocol!s error?s
Endpoints: metadata!ObjectMeta subsets-[EndpointSubset
EndpointSubset: addresses-[EndpointAddress notReadyAddresses-[EndpointAddress ports-[EndpointPort
EndpointAddress: ip!s hostname-s nodeName?s targetRef?ObjectReference
ObjectReference: kind-s namespace-s name-s uid-s apiVersion-s resourceVersion-s fieldPath-s
EndpointPort: name-s port!i protocol-s appProtocol?s
Node: metadata!ObjectMeta spec!NodeSpec status!NodeStatus
NodeSpec: podCIDR-s podCIDRs-[s~ providerID-s unschedulable-b taints-[Taint configSource?NodeConfigSource externalID-s
Taint: key!s value-s effect!s timeAdded?t
NodeConfigSource: configMap?ConfigMapNodeConfigSource
ConfigMapNodeConfigSource: namespace!s name!s uid-s resourceVersion-s kubeletConfigKey!s
NodeStatus: capacity-{q allocatable-{q phase-s conditions-[NodeCondition~type addresses-[NodeAddress~type
  daemonEndpoints!NodeDaemonEndpoints nodeInfo!NodeSystemInfo images-[ContainerImage volumesInUse-[s
  volumesAttached-[AttachedVolume config?NodeConfigStatus runtimeHandlers-[NodeRuntimeHandler features?NodeFeatures
  declaredFeatures-[s
NodeCondition: type!s status!s lastHeartbeatTime!t lastTransitionTime!t reason-s message-s
NodeAddress: type!s address!s
NodeDaemonEndpoints: kubeletEndpoint!DaemonEndpoint
DaemonEndpoint: Port!i
NodeSystemInfo: machineID!s systemUUID!s bootID!s kernelVersion!s osImage!s containerRuntimeVersion!s kubeletVersion!s
  kubeProxyVersion!s operatingSystem!s architecture!s swap?NodeSwapStatus
NodeSwapStatus: capacity?i
ContainerImage: names![s sizeBytes-i
AttachedVolume: name!s devicePath!s
NodeConfigStatus: assigned?NodeConfigSource active?NodeConfigSource lastKnownGood?NodeConfigSource error-s
NodeRuntimeHandler: name!s features?NodeRuntimeHandlerFeatures
NodeRuntimeHandlerFeatures: recursiveReadOnlyMounts?b userNamespaces?b
NodeFeatures: supplementalGroupsPolicy?b
Namespace: metadata!ObjectMeta spec!NamespaceSpec status!NamespaceStatus
NamespaceSpec: finalizers-[s
NamespaceStatus: phase-s conditions-[NamespaceCondition~type
NamespaceCondition: type!s status!s lastTransitionTime!t reason-s message-s
Event: metadata!ObjectMeta involvedObject!ObjectReference reason-s message-s source!EventSource firstTimestamp!t
  lastTimestamp!t count-i type-s eventTime!u series?EventSeries action-s related?ObjectReference reportingComponent!s
  reportingInstance!s
EventSource: component-s host-s
EventSeries: count-i lastObservedTime!u
LimitRange: metadata!ObjectMeta spec!LimitRangeSpec
LimitRangeSpec: limits![LimitRangeItem
LimitRangeItem: type!s max-{q min-{q default-{q defaultRequest-{q maxLimitRequestRatio-{q
ResourceQuota: metadata!ObjectMeta spec!ResourceQuotaSpec status!ResourceQuotaStatus
ResourceQuotaSpec: hard-{q scopes-[s scopeSelector?ScopeSelector
ScopeSelector: matchExpressions-[ScopedResourceSelectorRequirement
ScopedResourceSelectorRequirement: scopeName!s operator!s values-[s
ResourceQuotaStatus: hard-{q used-{q
Secret: metadata!ObjectMeta immutable?b data-{y stringData-{s type-s
ConfigMap: metadata!ObjectMeta immutable?b data-{s binaryData-{y
ServiceAccount: metadata!ObjectMeta secrets-[ObjectReference~name imagePullSecrets-[LocalObjectReference
  automountServiceAccountToken?b
PersistentVolume: metadata!ObjectMeta spec!PersistentVolumeSpec status!PersistentVolumeStatus
PersistentVolumeSpec: capacity-{q gcePersistentDisk?GCEPersistentDiskVolumeSource
  awsElasticBlockStore?AWSElasticBlockStoreVolumeSource hostPath?HostPathVolumeSource
  glusterfs?GlusterfsPersistentVolumeSource nfs?NFSVolumeSource rbd?RBDPersistentVolumeSource
  iscsi?ISCSIPersistentVolumeSource cinder?CinderPersistentVolumeSource cephfs?CephFSPersistentVolumeSource
  fc?FCVolumeSource flocker?FlockerVolumeSource flexVolume?FlexPersistentVolumeSource
  azureFile?AzureFilePersistentVolumeSource vsphereVolume?VsphereVirtualDiskVolumeSource quobyte?QuobyteVolumeSource
  azureDisk?AzureDiskVolumeSource photonPersistentDisk?PhotonPersistentDiskVolumeSource
  portworxVolume?PortworxVolumeSource scaleIO?ScaleIOPersistentVolumeSource local?LocalVolumeSource
  storageos?StorageOSPersistentVolumeSource csi?CSIPersistentVolumeSource accessModes-[s claimRef?ObjectReference
  persistentVolumeReclaimPolicy-s storageClassName-s mountOptions-[s volumeMode?s nodeAffinity?VolumeNodeAffinity
  volumeAttributesClassName?s
GlusterfsPersistentVolumeSource: endpoints!s path!s readOnly-b endpointsNamespace?s
RBDPersistentVolumeSource: monitors![s image!s fsType-s pool-s user-s keyring-s secretRef?SecretReference readOnly-b
SecretReference: name-s namespace-s
ISCSIPersistentVolumeSource: targetPortal!s iqn!s lun!i iscsiInterface-s fsType-s readOnly-b portals-[s
  chapAuthDiscovery-b chapAuthSession-b secretRef?SecretReference initiatorName?s
CinderPersistentVolumeSource: volumeID!s fsType-s readOnly-b secretRef?SecretReference
CephFSPersistentVolumeSource: monitors![s path-s user-s secretFile-s secretRef?SecretReference readOnly-b
FlexPersistentVolumeSource: driver!s fsType-s secretRef?SecretReference readOnly-b options-{s
AzureFilePersistentVolumeSource: secretName!s shareName!s readOnly-b secretNamespace!s
ScaleIOPersistentVolumeSource: gateway!s system!s secretRef!SecretReference sslEnabled-b protectionDomain-s
  storagePool-s storageMode-s volumeName-s fsType-s readOnly-b
LocalVolumeSource: path!s fsType?s
StorageOSPersistentVolumeSource: volumeName-s volumeNamespace-s fsType-s readOnly-b secretRef?ObjectReference
CSIPersistentVolumeSource: driver!s volumeHandle!s readOnly-b fsType-s volumeAttributes-{s
  controllerPublishSecretRef?SecretReference nodeStageSecretRef?SecretReference nodePublishSecretRef?SecretReference
  controllerExpandSecretRef?SecretReference nodeExpandSecretRef?SecretReference
VolumeNodeAffinity: required?NodeSelector
PersistentVolumeStatus: phase-s message-s reason-s lastPhaseTransitionTime?t
PersistentVolumeClaim: metadata!ObjectMeta spec!PersistentVolumeClaimSpec status!PersistentVolumeClaimStatus
PersistentVolumeClaimStatus: phase-s accessModes-[s capacity-{q conditions-[PersistentVolumeClaimCondition~type
  allocatedResources-{q allocatedResourceStatuses-{s currentVolumeAttributesClassName?s
  modifyVolumeStatus?ModifyVolumeStatus
PersistentVolumeClaimCondition: type!s status!s lastProbeTime!t lastTransitionTime!t reason-s message-s
ModifyVolumeStatus: targetVolumeAttributesClassName-s status!s
Binding: metadata!ObjectMeta target!ObjectReference
TopologySelectorTerm: matchLabelExpressions-[TopologySelectorLabelRequirement
TopologySelectorLabelRequirement: key!s values![s
`
