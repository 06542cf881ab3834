/** Fields of the other types of the core group; `fields.ts` says how a line reads. */
export const fieldsCore = `
# meta/v1
Condition: type!s=1 status!s=2 observedGeneration-i=3 lastTransitionTime!t=4 reason!s=5 message!s=6
FieldSelectorRequirement: key!s=1 operator!s=2 values-[s=3
DeleteOptions: gracePeriodSeconds?i=1 preconditions?Preconditions=2 orphanDependents?b=3 propagationPolicy?s=4
  dryRun-[s=5 ignoreStoreReadErrorWithClusterBreakingPotential?b=6
Preconditions: uid?s=1 resourceVersion?s=2
# core/v1
PodTemplate: metadata!ObjectMeta=1 template!PodTemplateSpec=2
PodTemplateSpec: metadata!ObjectMeta=1 spec!PodSpec=2
ReplicationController: metadata!ObjectMeta=1 spec!ReplicationControllerSpec=2 status!ReplicationControllerStatus=3
ReplicationControllerSpec: replicas?i=1 minReadySeconds-i=4 selector-{s=2 template?PodTemplateSpec=3
ReplicationControllerStatus: replicas!i=1 fullyLabeledReplicas-i=2 readyReplicas-i=4 availableReplicas-i=5
  observedGeneration-i=3 conditions-[ReplicationControllerCondition~type=6
ReplicationControllerCondition: type!s=1 status!s=2 lastTransitionTime!t=3 reason-s=4 message-s=5
Service: metadata!ObjectMeta=1 spec!ServiceSpec=2 status!ServiceStatus=3
ServiceSpec: ports-[ServicePort~port=1 selector-{s=2 clusterIP-s=3 clusterIPs-[s=18 type-s=4 externalIPs-[s=5
  sessionAffinity-s=7 loadBalancerIP-s=8 loadBalancerSourceRanges-[s=9 externalName-s=10 externalTrafficPolicy-s=11
  healthCheckNodePort-i=12 publishNotReadyAddresses-b=13 sessionAffinityConfig?SessionAffinityConfig=14
  ipFamilies-[s=19 ipFamilyPolicy?s=17 allocateLoadBalancerNodePorts?b=20 loadBalancerClass?s=21
  internalTrafficPolicy?s=22 trafficDistribution?s=23
ServicePort: name-s=1 protocol-s=2 appProtocol?s=6 port!i=3 targetPort!x=4 nodePort-i=5
SessionAffinityConfig: clientIP?ClientIPConfig=1
ClientIPConfig: timeoutSeconds?i=1
ServiceStatus: loadBalancer!LoadBalancerStatus=1 conditions-[Condition~type=2
LoadBalancerStatus: ingress-[LoadBalancerIngress=1
LoadBalancerIngress: ip-s=1 hostname-s=2 ipMode?s=3 ports-[PortStatus=4
PortStatus: port!i=1 protocol!s=2 error?s=3
Endpoints: metadata!ObjectMeta=1 subsets-[EndpointSubset=2
EndpointSubset: addresses-[EndpointAddress=1 notReadyAddresses-[EndpointAddress=2 ports-[EndpointPort=3
EndpointAddress: ip!s=1 hostname-s=3 nodeName?s=4 targetRef?ObjectReference=2
ObjectReference: kind-s=1 namespace-s=2 name-s=3 uid-s=4 apiVersion-s=5 resourceVersion-s=6 fieldPath-s=7
EndpointPort: name-s=1 port!i=2 protocol-s=3 appProtocol?s=4
Node: metadata!ObjectMeta=1 spec!NodeSpec=2 status!NodeStatus=3
NodeSpec: podCIDR-s=1 podCIDRs-[s~=7 providerID-s=3 unschedulable-b=4 taints-[Taint=5 configSource?NodeConfigSource=6
  externalID-s=2
Taint: key!s=1 value-s=2 effect!s=3 timeAdded?t=4
NodeConfigSource: configMap?ConfigMapNodeConfigSource=2
ConfigMapNodeConfigSource: namespace!s=1 name!s=2 uid-s=3 resourceVersion-s=4 kubeletConfigKey!s=5
NodeStatus: capacity-{q=1 allocatable-{q=2 phase-s=3 conditions-[NodeCondition~type=4 addresses-[NodeAddress~type=5
  daemonEndpoints!NodeDaemonEndpoints=6 nodeInfo!NodeSystemInfo=7 images-[ContainerImage=8 volumesInUse-[s=9
  volumesAttached-[AttachedVolume=10 config?NodeConfigStatus=11 runtimeHandlers-[NodeRuntimeHandler=12
  features?NodeFeatures=13 declaredFeatures-[s=14
NodeCondition: type!s=1 status!s=2 lastHeartbeatTime!t=3 lastTransitionTime!t=4 reason-s=5 message-s=6
NodeAddress: type!s=1 address!s=2
NodeDaemonEndpoints: kubeletEndpoint!DaemonEndpoint=1
DaemonEndpoint: Port!i=1
NodeSystemInfo: machineID!s=1 systemUUID!s=2 bootID!s=3 kernelVersion!s=4 osImage!s=5 containerRuntimeVersion!s=6
  kubeletVersion!s=7 kubeProxyVersion!s=8 operatingSystem!s=9 architecture!s=10 swap?NodeSwapStatus=11
NodeSwapStatus: capacity?i=1
ContainerImage: names![s=1 sizeBytes-i=2
AttachedVolume: name!s=1 devicePath!s=2
NodeConfigStatus: assigned?NodeConfigSource=1 active?NodeConfigSource=2 lastKnownGood?NodeConfigSource=3 error-s=4
NodeRuntimeHandler: name!s=1 features?NodeRuntimeHandlerFeatures=2
NodeRuntimeHandlerFeatures: recursiveReadOnlyMounts?b=1 userNamespaces?b=2
NodeFeatures: supplementalGroupsPolicy?b=1
Namespace: metadata!ObjectMeta=1 spec!NamespaceSpec=2 status!NamespaceStatus=3
NamespaceSpec: finalizers-[s=1
NamespaceStatus: phase-s=1 conditions-[NamespaceCondition~type=2
NamespaceCondition: type!s=1 status!s=2 lastTransitionTime!t=4 reason-s=5 message-s=6
Event: metadata!ObjectMeta=1 involvedObject!ObjectReference=2 reason-s=3 message-s=4 source!EventSource=5
  firstTimestamp!t=6 lastTimestamp!t=7 count-i=8 type-s=9 eventTime!u=10 series?EventSeries=11 action-s=12
  related?ObjectReference=13 reportingComponent!s=14 reportingInstance!s=15
EventSource: component-s=1 host-s=2
EventSeries: count-i=1 lastObservedTime!u=2
LimitRange: metadata!ObjectMeta=1 spec!LimitRangeSpec=2
LimitRangeSpec: limits![LimitRangeItem=1
LimitRangeItem: type!s=1 max-{q=2 min-{q=3 default-{q=4 defaultRequest-{q=5 maxLimitRequestRatio-{q=6
ResourceQuota: metadata!ObjectMeta=1 spec!ResourceQuotaSpec=2 status!ResourceQuotaStatus=3
ResourceQuotaSpec: hard-{q=1 scopes-[s=2 scopeSelector?ScopeSelector=3
ScopeSelector: matchExpressions-[ScopedResourceSelectorRequirement=1
ScopedResourceSelectorRequirement: scopeName!s=1 operator!s=2 values-[s=3
ResourceQuotaStatus: hard-{q=1 used-{q=2
Secret: metadata!ObjectMeta=1 immutable?b=5 data-{y=2 stringData-{s=4 type-s=3
ConfigMap: metadata!ObjectMeta=1 immutable?b=4 data-{s=2 binaryData-{y=3
ServiceAccount: metadata!ObjectMeta=1 secrets-[ObjectReference~name=2 imagePullSecrets-[LocalObjectReference=3
  automountServiceAccountToken?b=4
PersistentVolume: metadata!ObjectMeta=1 spec!PersistentVolumeSpec=2 status!PersistentVolumeStatus=3
PersistentVolumeSpec: capacity-{q=1 gcePersistentDisk?GCEPersistentDiskVolumeSource=2.1
  awsElasticBlockStore?AWSElasticBlockStoreVolumeSource=2.2 hostPath?HostPathVolumeSource=2.3
  glusterfs?GlusterfsPersistentVolumeSource=2.4 nfs?NFSVolumeSource=2.5 rbd?RBDPersistentVolumeSource=2.6
  iscsi?ISCSIPersistentVolumeSource=2.7 cinder?CinderPersistentVolumeSource=2.8
  cephfs?CephFSPersistentVolumeSource=2.9 fc?FCVolumeSource=2.10 flocker?FlockerVolumeSource=2.11
  flexVolume?FlexPersistentVolumeSource=2.12 azureFile?AzureFilePersistentVolumeSource=2.13
  vsphereVolume?VsphereVirtualDiskVolumeSource=2.14 quobyte?QuobyteVolumeSource=2.15
  azureDisk?AzureDiskVolumeSource=2.16 photonPersistentDisk?PhotonPersistentDiskVolumeSource=2.17
  portworxVolume?PortworxVolumeSource=2.18 scaleIO?ScaleIOPersistentVolumeSource=2.19 local?LocalVolumeSource=2.20
  storageos?StorageOSPersistentVolumeSource=2.21 csi?CSIPersistentVolumeSource=2.22 accessModes-[s=3
  claimRef?ObjectReference=4 persistentVolumeReclaimPolicy-s=5 storageClassName-s=6 mountOptions-[s=7 volumeMode?s=8
  nodeAffinity?VolumeNodeAffinity=9 volumeAttributesClassName?s=10
GlusterfsPersistentVolumeSource: endpoints!s=1 path!s=2 readOnly-b=3 endpointsNamespace?s=4
RBDPersistentVolumeSource: monitors![s=1 image!s=2 fsType-s=3 pool-s=4 user-s=5 keyring-s=6
  secretRef?SecretReference=7 readOnly-b=8
SecretReference: name-s=1 namespace-s=2
ISCSIPersistentVolumeSource: targetPortal!s=1 iqn!s=2 lun!i=3 iscsiInterface-s=4 fsType-s=5 readOnly-b=6 portals-[s=7
  chapAuthDiscovery-b=8 chapAuthSession-b=11 secretRef?SecretReference=10 initiatorName?s=12
CinderPersistentVolumeSource: volumeID!s=1 fsType-s=2 readOnly-b=3 secretRef?SecretReference=4
CephFSPersistentVolumeSource: monitors![s=1 path-s=2 user-s=3 secretFile-s=4 secretRef?SecretReference=5 readOnly-b=6
FlexPersistentVolumeSource: driver!s=1 fsType-s=2 secretRef?SecretReference=3 readOnly-b=4 options-{s=5
AzureFilePersistentVolumeSource: secretName!s=1 shareName!s=2 readOnly-b=3 secretNamespace!s=4
ScaleIOPersistentVolumeSource: gateway!s=1 system!s=2 secretRef!SecretReference=3 sslEnabled-b=4 protectionDomain-s=5
  storagePool-s=6 storageMode-s=7 volumeName-s=8 fsType-s=9 readOnly-b=10
LocalVolumeSource: path!s=1 fsType?s=2
StorageOSPersistentVolumeSource: volumeName-s=1 volumeNamespace-s=2 fsType-s=3 readOnly-b=4
  secretRef?ObjectReference=5
CSIPersistentVolumeSource: driver!s=1 volumeHandle!s=2 readOnly-b=3 fsType-s=4 volumeAttributes-{s=5
  controllerPublishSecretRef?SecretReference=6 nodeStageSecretRef?SecretReference=7
  nodePublishSecretRef?SecretReference=8 controllerExpandSecretRef?SecretReference=9
  nodeExpandSecretRef?SecretReference=10
VolumeNodeAffinity: required?NodeSelector=1
PersistentVolumeStatus: phase-s=1 message-s=2 reason-s=3 lastPhaseTransitionTime?t=4
PersistentVolumeClaim: metadata!ObjectMeta=1 spec!PersistentVolumeClaimSpec=2 status!PersistentVolumeClaimStatus=3
PersistentVolumeClaimStatus: phase-s=1 accessModes-[s=2 capacity-{q=3
  conditions-[PersistentVolumeClaimCondition~type=4 allocatedResources-{q=5 allocatedResourceStatuses-{s=7
  currentVolumeAttributesClassName?s=8 modifyVolumeStatus?ModifyVolumeStatus=9
PersistentVolumeClaimCondition: type!s=1 status!s=2 lastProbeTime!t=3 lastTransitionTime!t=4 reason-s=5 message-s=6
ModifyVolumeStatus: targetVolumeAttributesClassName-s=1 status!s=2
Binding: metadata!ObjectMeta=1 target!ObjectReference=2
TopologySelectorTerm: matchLabelExpressions-[TopologySelectorLabelRequirement=1
TopologySelectorLabelRequirement: key!s=1 values![s=2
`
