/** Fields of the types of the named groups; `fields.ts` says how a line reads. */
export const fieldsGroups = `
# apps/v1
Deployment: metadata!ObjectMeta=1 spec!DeploymentSpec=2 status!DeploymentStatus=3
DeploymentSpec: replicas?i=1 selector!LabelSelector=2 template!PodTemplateSpec=3 strategy!DeploymentStrategy^=4
  minReadySeconds-i=5 revisionHistoryLimit?i=6 paused-b=7 progressDeadlineSeconds?i=9
DeploymentStrategy: type-s=1 rollingUpdate?RollingUpdateDeployment=2
RollingUpdateDeployment: maxUnavailable?x=1 maxSurge?x=2
DeploymentStatus: observedGeneration-i=1 replicas-i=2 updatedReplicas-i=3 readyReplicas-i=7 availableReplicas-i=4
  unavailableReplicas-i=5 terminatingReplicas?i=9 conditions-[DeploymentCondition~type=6 collisionCount?i=8
DeploymentCondition: type!s=1 status!s=2 lastUpdateTime!t=6 lastTransitionTime!t=7 reason-s=4 message-s=5
ReplicaSet: metadata!ObjectMeta=1 spec!ReplicaSetSpec=2 status!ReplicaSetStatus=3
ReplicaSetSpec: replicas?i=1 minReadySeconds-i=4 selector!LabelSelector=2 template!PodTemplateSpec=3
ReplicaSetStatus: replicas!i=1 fullyLabeledReplicas-i=2 readyReplicas-i=4 availableReplicas-i=5
  terminatingReplicas?i=7 observedGeneration-i=3 conditions-[ReplicaSetCondition~type=6
ReplicaSetCondition: type!s=1 status!s=2 lastTransitionTime!t=3 reason-s=4 message-s=5
DaemonSet: metadata!ObjectMeta=1 spec!DaemonSetSpec=2 status!DaemonSetStatus=3
DaemonSetSpec: selector!LabelSelector=1 template!PodTemplateSpec=2 updateStrategy!DaemonSetUpdateStrategy=3
  minReadySeconds-i=4 revisionHistoryLimit?i=6
DaemonSetUpdateStrategy: type-s=1 rollingUpdate?RollingUpdateDaemonSet=2
RollingUpdateDaemonSet: maxUnavailable?x=1 maxSurge?x=2
DaemonSetStatus: currentNumberScheduled!i=1 numberMisscheduled!i=2 desiredNumberScheduled!i=3 numberReady!i=4
  observedGeneration-i=5 updatedNumberScheduled-i=6 numberAvailable-i=7 numberUnavailable-i=8 collisionCount?i=9
  conditions-[DaemonSetCondition~type=10
DaemonSetCondition: type!s=1 status!s=2 lastTransitionTime!t=3 reason-s=4 message-s=5
StatefulSet: metadata!ObjectMeta=1 spec!StatefulSetSpec=2 status!StatefulSetStatus=3
StatefulSetSpec: replicas?i=1 selector!LabelSelector=2 template!PodTemplateSpec=3
  volumeClaimTemplates-[PersistentVolumeClaim=4 serviceName!s=5 podManagementPolicy-s=6
  updateStrategy!StatefulSetUpdateStrategy=7 revisionHistoryLimit?i=8 minReadySeconds-i=9
  persistentVolumeClaimRetentionPolicy?StatefulSetPersistentVolumeClaimRetentionPolicy=10
  ordinals?StatefulSetOrdinals=11
StatefulSetUpdateStrategy: type-s=1 rollingUpdate?RollingUpdateStatefulSetStrategy=2
RollingUpdateStatefulSetStrategy: partition?i=1 maxUnavailable?x=2
StatefulSetPersistentVolumeClaimRetentionPolicy: whenDeleted-s=1 whenScaled-s=2
StatefulSetOrdinals: start!i=1
StatefulSetStatus: observedGeneration-i=1 replicas!i=2 readyReplicas-i=3 currentReplicas-i=4 updatedReplicas-i=5
  currentRevision-s=6 updateRevision-s=7 collisionCount?i=9 conditions-[StatefulSetCondition~type=10
  availableReplicas!i=11
StatefulSetCondition: type!s=1 status!s=2 lastTransitionTime!t=3 reason-s=4 message-s=5
ControllerRevision: metadata!ObjectMeta=1 data-j=2 revision!i=3
# batch/v1
Job: metadata!ObjectMeta=1 spec!JobSpec=2 status!JobStatus=3
JobSpec: parallelism?i=1 completions?i=2 activeDeadlineSeconds?i=3 podFailurePolicy?PodFailurePolicy=11
  successPolicy?SuccessPolicy=16 backoffLimit?i=7 backoffLimitPerIndex?i=12 maxFailedIndexes?i=13
  selector?LabelSelector=4 manualSelector?b=5 template!PodTemplateSpec=6 ttlSecondsAfterFinished?i=8
  completionMode?s=9 suspend?b=10 podReplacementPolicy?s=14 managedBy?s=15
PodFailurePolicy: rules![PodFailurePolicyRule=1
PodFailurePolicyRule: action!s=1 onExitCodes?PodFailurePolicyOnExitCodesRequirement=2
  onPodConditions-[PodFailurePolicyOnPodConditionsPattern=3
PodFailurePolicyOnExitCodesRequirement: containerName?s=1 operator!s=2 values![i=3
PodFailurePolicyOnPodConditionsPattern: type!s=1 status!s=2
SuccessPolicy: rules![SuccessPolicyRule=1
SuccessPolicyRule: succeededIndexes?s=1 succeededCount?i=2
JobStatus: conditions-[JobCondition~type=1 startTime?t=2 completionTime?t=3 active-i=4 succeeded-i=5 failed-i=6
  terminating?i=11 completedIndexes-s=7 failedIndexes?s=10 uncountedTerminatedPods?UncountedTerminatedPods=8 ready?i=9
JobCondition: type!s=1 status!s=2 lastProbeTime!t=3 lastTransitionTime!t=4 reason-s=5 message-s=6
UncountedTerminatedPods: succeeded-[s=1 failed-[s=2
CronJob: metadata!ObjectMeta=1 spec!CronJobSpec=2 status!CronJobStatus=3
CronJobSpec: schedule!s=1 timeZone?s=8 startingDeadlineSeconds?i=2 concurrencyPolicy-s=3 suspend?b=4
  jobTemplate!JobTemplateSpec=5 successfulJobsHistoryLimit?i=6 failedJobsHistoryLimit?i=7
JobTemplateSpec: metadata!ObjectMeta=1 spec!JobSpec=2
CronJobStatus: active-[ObjectReference=1 lastScheduleTime?t=4 lastSuccessfulTime?t=5
# autoscaling/v2
HorizontalPodAutoscaler: metadata!ObjectMeta=1 spec!HorizontalPodAutoscalerSpec=2
  status!HorizontalPodAutoscalerStatus=3
HorizontalPodAutoscalerSpec: scaleTargetRef!CrossVersionObjectReference=1 minReplicas?i=2 maxReplicas!i=3
  metrics-[MetricSpec=4 behavior?HorizontalPodAutoscalerBehavior=5
CrossVersionObjectReference: kind!s=1 name!s=2 apiVersion-s=3
MetricSpec: type!s=1 object?ObjectMetricSource=2 pods?PodsMetricSource=3 resource?ResourceMetricSource=4
  containerResource?ContainerResourceMetricSource=7 external?ExternalMetricSource=5
ObjectMetricSource: describedObject!CrossVersionObjectReference=1 target!MetricTarget=2 metric!MetricIdentifier=3
MetricTarget: type!s=1 value?q=2 averageValue?q=3 averageUtilization?i=4
MetricIdentifier: name!s=1 selector?LabelSelector=2
PodsMetricSource: metric!MetricIdentifier=1 target!MetricTarget=2
ResourceMetricSource: name!s=1 target!MetricTarget=2
ContainerResourceMetricSource: name!s=1 target!MetricTarget=2 container!s=3
ExternalMetricSource: metric!MetricIdentifier=1 target!MetricTarget=2
HorizontalPodAutoscalerBehavior: scaleUp?HPAScalingRules=1 scaleDown?HPAScalingRules=2
HPAScalingRules: stabilizationWindowSeconds?i=3 selectPolicy?s=1 policies-[HPAScalingPolicy=2 tolerance?q=4
HPAScalingPolicy: type!s=1 value!i=2 periodSeconds!i=3
HorizontalPodAutoscalerStatus: observedGeneration?i=1 lastScaleTime?t=2 currentReplicas-i=3 desiredReplicas!i=4
  currentMetrics![MetricStatus=5 conditions-[HorizontalPodAutoscalerCondition~type=6
MetricStatus: type!s=1 object?ObjectMetricStatus=2 pods?PodsMetricStatus=3 resource?ResourceMetricStatus=4
  containerResource?ContainerResourceMetricStatus=7 external?ExternalMetricStatus=5
ObjectMetricStatus: metric!MetricIdentifier=1 current!MetricValueStatus=2
  describedObject!CrossVersionObjectReference=3
MetricValueStatus: value?q=1 averageValue?q=2 averageUtilization?i=3
PodsMetricStatus: metric!MetricIdentifier=1 current!MetricValueStatus=2
ResourceMetricStatus: name!s=1 current!MetricValueStatus=2
ContainerResourceMetricStatus: name!s=1 current!MetricValueStatus=2 container!s=3
ExternalMetricStatus: metric!MetricIdentifier=1 current!MetricValueStatus=2
HorizontalPodAutoscalerCondition: type!s=1 status!s=2 lastTransitionTime!t=3 reason-s=4 message-s=5
# autoscaling/v1
Scale: metadata!ObjectMeta=1 spec!ScaleSpec=2 status!ScaleStatus=3
ScaleSpec: replicas-i=1
ScaleStatus: replicas!i=1 selector-s=2
# coordination/v1
Lease: metadata!ObjectMeta=1 spec!LeaseSpec=2
LeaseSpec: holderIdentity?s=1 leaseDurationSeconds?i=2 acquireTime?u=3 renewTime?u=4 leaseTransitions?i=5 strategy?s=6
  preferredHolder?s=7
# storage/v1
StorageClass: metadata!ObjectMeta=1 provisioner!s=2 parameters-{s=3 reclaimPolicy?s=4 mountOptions-[s=5
  allowVolumeExpansion?b=6 volumeBindingMode?s=7 allowedTopologies-[TopologySelectorTerm=8
CSINode: metadata!ObjectMeta=1 spec!CSINodeSpec=2
CSINodeSpec: drivers![CSINodeDriver~name=1
CSINodeDriver: name!s=1 nodeID!s=2 topologyKeys![s=3 allocatable?VolumeNodeResources=4
VolumeNodeResources: count?i=1
CSIDriver: metadata!ObjectMeta=1 spec!CSIDriverSpec=2
CSIDriverSpec: attachRequired?b=1 podInfoOnMount?b=2 volumeLifecycleModes-[s=3 storageCapacity?b=4 fsGroupPolicy?s=5
  tokenRequests-[TokenRequest=6 requiresRepublish?b=7 seLinuxMount?b=8 nodeAllocatableUpdatePeriodSeconds?i=9
  serviceAccountTokenInSecrets?b=10 preventPodSchedulingIfMissing?b=11
TokenRequest: audience!s=1 expirationSeconds?i=2
VolumeAttachment: metadata!ObjectMeta=1 spec!VolumeAttachmentSpec=2 status!VolumeAttachmentStatus=3
VolumeAttachmentSpec: attacher!s=1 source!VolumeAttachmentSource=2 nodeName!s=3
VolumeAttachmentSource: persistentVolumeName?s=1 inlineVolumeSpec?PersistentVolumeSpec=2
VolumeAttachmentStatus: attached!b=1 attachmentMetadata-{s=2 attachError?VolumeError=3 detachError?VolumeError=4
VolumeError: time!t=1 message-s=2 errorCode?i=3
CSIStorageCapacity: metadata!ObjectMeta=1 nodeTopology?LabelSelector=2 storageClassName!s=3 capacity?q=4
  maximumVolumeSize?q=5
# node/v1
RuntimeClass: metadata!ObjectMeta=1 handler!s=2 overhead?Overhead=3 scheduling?Scheduling=4
Overhead: podFixed-{q=1
Scheduling: nodeSelector-{s=1 tolerations-[Toleration=2
# certificates/v1
CertificateSigningRequest: metadata!ObjectMeta=1 spec!CertificateSigningRequestSpec=2
  status!CertificateSigningRequestStatus=3
CertificateSigningRequestSpec: request!y=1 signerName!s=7 expirationSeconds?i=8 usages-[s=5 username-s=2 uid-s=3
  groups-[s=4 extra-{[s=6
CertificateSigningRequestStatus: conditions-[CertificateSigningRequestCondition=1 certificate-y=2
CertificateSigningRequestCondition: type!s=1 status!s=6 reason-s=2 message-s=3 lastUpdateTime!t=4
  lastTransitionTime!t=5
# certificates/v1beta1
ClusterTrustBundle: metadata!ObjectMeta=1 spec!ClusterTrustBundleSpec=2
ClusterTrustBundleSpec: signerName-s=1 trustBundle!s=2
PodCertificateRequest: metadata!ObjectMeta=1 spec!PodCertificateRequestSpec=2 status!PodCertificateRequestStatus=3
PodCertificateRequestSpec: signerName!s=1 podName!s=2 podUID!s=3 serviceAccountName!s=4 serviceAccountUID!s=5
  nodeName!s=6 nodeUID!s=7 maxExpirationSeconds?i=8 pkixPublicKey!y=9 proofOfPossession!y=10
  unverifiedUserAnnotations-{s=11
PodCertificateRequestStatus: conditions-[PodCertificateRequestCondition~type=1 certificateChain-s=2 notBefore?t=4
  beginRefreshAt?t=5 notAfter?t=6
PodCertificateRequestCondition: type!s=1 status!s=2 observedGeneration-i=3 lastTransitionTime!t=4 reason!s=5
  message!s=6
# authentication/v1
TokenReview: metadata!ObjectMeta=1 spec!TokenReviewSpec=2 status!TokenReviewStatus=3
TokenReviewSpec: token-s=1 audiences-[s=2
TokenReviewStatus: authenticated-b=1 user!UserInfo=2 audiences-[s=4 error-s=3
UserInfo: username-s=1 uid-s=2 groups-[s=3 extra-{[s=4
TokenRequest: metadata!ObjectMeta=1 spec!TokenRequestSpec=2 status!TokenRequestStatus=3
TokenRequestSpec: audiences![s=1 expirationSeconds!i=4 boundObjectRef!BoundObjectReference=3
BoundObjectReference: kind-s=1 apiVersion-s=2 name-s=3 uid-s=4
TokenRequestStatus: token!s=1 expirationTimestamp!t=2
SelfSubjectReview: metadata!ObjectMeta=1 status!SelfSubjectReviewStatus=2
SelfSubjectReviewStatus: userInfo!UserInfo=1
# authorization/v1
SubjectAccessReview: metadata!ObjectMeta=1 spec!SubjectAccessReviewSpec=2 status!SubjectAccessReviewStatus=3
SubjectAccessReviewSpec: resourceAttributes?ResourceAttributes=1 nonResourceAttributes?NonResourceAttributes=2
  user-s=3 groups-[s=4 extra-{[s=5 uid-s=6
ResourceAttributes: namespace-s=1 verb-s=2 group-s=3 version-s=4 resource-s=5 subresource-s=6 name-s=7
  fieldSelector?FieldSelectorAttributes=8 labelSelector?LabelSelectorAttributes=9
FieldSelectorAttributes: rawSelector-s=1 requirements-[FieldSelectorRequirement=2
LabelSelectorAttributes: rawSelector-s=1 requirements-[LabelSelectorRequirement=2
NonResourceAttributes: path-s=1 verb-s=2
SubjectAccessReviewStatus: allowed!b=1 denied-b=4 reason-s=2 evaluationError-s=3
SelfSubjectAccessReview: metadata!ObjectMeta=1 spec!SelfSubjectAccessReviewSpec=2 status!SubjectAccessReviewStatus=3
SelfSubjectAccessReviewSpec: resourceAttributes?ResourceAttributes=1 nonResourceAttributes?NonResourceAttributes=2
LocalSubjectAccessReview: metadata!ObjectMeta=1 spec!SubjectAccessReviewSpec=2 status!SubjectAccessReviewStatus=3
SelfSubjectRulesReview: metadata!ObjectMeta=1 spec!SelfSubjectRulesReviewSpec=2 status!SubjectRulesReviewStatus=3
SelfSubjectRulesReviewSpec: namespace-s=1
SubjectRulesReviewStatus: resourceRules![ResourceRule=1 nonResourceRules![NonResourceRule=2 incomplete!b=3
  evaluationError-s=4
ResourceRule: verbs![s=1 apiGroups-[s=2 resources-[s=3 resourceNames-[s=4
NonResourceRule: verbs![s=1 nonResourceURLs-[s=2
# rbac/v1
Role: metadata!ObjectMeta=1 rules![PolicyRule=2
PolicyRule: verbs![s=1 apiGroups-[s=2 resources-[s=3 resourceNames-[s=4 nonResourceURLs-[s=5
RoleBinding: metadata!ObjectMeta=1 subjects-[Subject=2 roleRef!RoleRef=3
Subject: kind!s=1 apiGroup-s=2 name!s=3 namespace-s=4
RoleRef: apiGroup!s=1 kind!s=2 name!s=3
ClusterRole: metadata!ObjectMeta=1 rules![PolicyRule=2 aggregationRule?AggregationRule=3
AggregationRule: clusterRoleSelectors-[LabelSelector=1
ClusterRoleBinding: metadata!ObjectMeta=1 subjects-[Subject=2 roleRef!RoleRef=3
# policy/v1
PodDisruptionBudget: metadata!ObjectMeta=1 spec!PodDisruptionBudgetSpec=2 status!PodDisruptionBudgetStatus=3
PodDisruptionBudgetSpec: minAvailable?x=1 selector?LabelSelector=2 maxUnavailable?x=3 unhealthyPodEvictionPolicy?s=4
PodDisruptionBudgetStatus: observedGeneration-i=1 disruptedPods-{t=2 disruptionsAllowed!i=3 currentHealthy!i=4
  desiredHealthy!i=5 expectedPods!i=6 conditions-[Condition~type=7
Eviction: metadata!ObjectMeta=1 deleteOptions?DeleteOptions=2
# scheduling/v1
PriorityClass: metadata!ObjectMeta=1 value!i=2 globalDefault-b=3 description-s=4 preemptionPolicy?s=5
# discovery/v1
EndpointSlice: metadata!ObjectMeta=1 addressType!s=4 endpoints![Endpoint=2 ports![EndpointPort=3
Endpoint: addresses![s=1 conditions!EndpointConditions=2 hostname?s=3 targetRef?ObjectReference=4
  deprecatedTopology-{s=5 nodeName?s=6 zone?s=7 hints?EndpointHints=8
EndpointConditions: ready?b=1 serving?b=2 terminating?b=3
EndpointHints: forZones-[ForZone=1 forNodes-[ForNode=2
ForZone: name!s=1
ForNode: name!s=1
EndpointPort: name?s=1 protocol?s=2 port?i=3 appProtocol?s=4
# networking/v1
Ingress: metadata!ObjectMeta=1 spec!IngressSpec=2 status!IngressStatus=3
IngressSpec: ingressClassName?s=4 defaultBackend?IngressBackend=1 tls-[IngressTLS=2 rules-[IngressRule=3
IngressBackend: service?IngressServiceBackend=4 resource?TypedLocalObjectReference=3
IngressServiceBackend: name!s=1 port!ServiceBackendPort=2
ServiceBackendPort: name-s=1 number-i=2
IngressTLS: hosts-[s=1 secretName-s=2
IngressRule: host-s=1 http?HTTPIngressRuleValue=2.1
HTTPIngressRuleValue: paths![HTTPIngressPath=1
HTTPIngressPath: path-s=1 pathType!s=3 backend!IngressBackend=2
IngressStatus: loadBalancer!IngressLoadBalancerStatus=1
IngressLoadBalancerStatus: ingress-[IngressLoadBalancerIngress=1
IngressLoadBalancerIngress: ip-s=1 hostname-s=2 ports-[IngressPortStatus=4
IngressPortStatus: port!i=1 protocol!s=2 error?s=3
IngressClass: metadata!ObjectMeta=1 spec!IngressClassSpec=2
IngressClassSpec: controller-s=1 parameters?IngressClassParametersReference=2
IngressClassParametersReference: apiGroup?s=1 kind!s=2 name!s=3 scope!s=4 namespace?s=5
NetworkPolicy: metadata!ObjectMeta=1 spec!NetworkPolicySpec=2
NetworkPolicySpec: podSelector!LabelSelector=1 ingress-[NetworkPolicyIngressRule=2 egress-[NetworkPolicyEgressRule=3
  policyTypes-[s=4
NetworkPolicyIngressRule: ports-[NetworkPolicyPort=1 from-[NetworkPolicyPeer=2
NetworkPolicyPort: protocol?s=1 port?x=2 endPort?i=3
NetworkPolicyPeer: podSelector?LabelSelector=1 namespaceSelector?LabelSelector=2 ipBlock?IPBlock=3
IPBlock: cidr!s=1 except-[s=2
NetworkPolicyEgressRule: ports-[NetworkPolicyPort=1 to-[NetworkPolicyPeer=2
# events/v1
Event: metadata!ObjectMeta=1 eventTime!u=2 series?EventSeries=3 reportingController-s=4 reportingInstance-s=5
  action-s=6 reason-s=7 regarding!ObjectReference=8 related?ObjectReference=9 note-s=10 type-s=11
  deprecatedSource!EventSource=12 deprecatedFirstTimestamp!t=13 deprecatedLastTimestamp!t=14 deprecatedCount-i=15
EventSeries: count!i=1 lastObservedTime!u=2
# resource/v1
ResourceClaim: metadata!ObjectMeta=1 spec!ResourceClaimSpec=2 status!ResourceClaimStatus=3
ResourceClaimSpec: devices!DeviceClaim=1
DeviceClaim: requests![DeviceRequest=1 constraints-[DeviceConstraint=2 config-[DeviceClaimConfiguration=3
DeviceRequest: name!s=1 exactly?ExactDeviceRequest=2 firstAvailable-[DeviceSubRequest=3
ExactDeviceRequest: deviceClassName!s=1 selectors-[DeviceSelector=2 allocationMode-s=3 count-i=4 adminAccess?b=5
  tolerations-[DeviceToleration=6 capacity?CapacityRequirements=7
DeviceSelector: cel?CELDeviceSelector=1
CELDeviceSelector: expression!s=1
DeviceToleration: key-s=1 operator-s=2 value-s=3 effect-s=4 tolerationSeconds?i=5
CapacityRequirements: requests-{q=1
DeviceSubRequest: name!s=1 deviceClassName!s=2 selectors-[DeviceSelector=3 allocationMode-s=4 count-i=5
  tolerations-[DeviceToleration=6 capacity?CapacityRequirements=7
DeviceConstraint: requests-[s=1 matchAttribute?s=2 distinctAttribute?s=3
DeviceClaimConfiguration: requests-[s=1 opaque?OpaqueDeviceConfiguration=2.1
OpaqueDeviceConfiguration: driver!s=1 parameters!j=2
ResourceClaimStatus: allocation?AllocationResult=1 reservedFor-[ResourceClaimConsumerReference~uid=2
  devices-[AllocatedDeviceStatus=4
AllocationResult: devices!DeviceAllocationResult=1 nodeSelector?NodeSelector=3 allocationTimestamp?t=5
DeviceAllocationResult: results-[DeviceRequestAllocationResult=1 config-[DeviceAllocationConfiguration=2
DeviceRequestAllocationResult: request!s=1 driver!s=2 pool!s=3 device!s=4 adminAccess?b=5
  tolerations-[DeviceToleration=6 bindingConditions-[s=7 bindingFailureConditions-[s=8 shareID?s=9
  consumedCapacity-{q=10
DeviceAllocationConfiguration: source!s=1 requests-[s=2 opaque?OpaqueDeviceConfiguration=3.1
ResourceClaimConsumerReference: apiGroup-s=1 resource!s=3 name!s=4 uid!s=5
AllocatedDeviceStatus: driver!s=1 pool!s=2 device!s=3 shareID?s=7 conditions![Condition=4 data?j=5
  networkData?NetworkDeviceData=6
NetworkDeviceData: interfaceName-s=1 ips-[s=2 hardwareAddress-s=3
ResourceClaimTemplate: metadata!ObjectMeta=1 spec!ResourceClaimTemplateSpec=2
ResourceClaimTemplateSpec: metadata!ObjectMeta=1 spec!ResourceClaimSpec=2
ResourceSlice: metadata!ObjectMeta=1 spec!ResourceSliceSpec=2
ResourceSliceSpec: driver!s=1 pool!ResourcePool=2 nodeName?s=3 nodeSelector?NodeSelector=4 allNodes?b=5
  devices-[Device=6 perDeviceNodeSelection?b=7 sharedCounters-[CounterSet=8
ResourcePool: name!s=1 generation!i=2 resourceSliceCount!i=3
Device: name!s=1 attributes-{DeviceAttribute=2 capacity-{DeviceCapacity=3 consumesCounters-[DeviceCounterConsumption=4
  nodeName?s=5 nodeSelector?NodeSelector=6 allNodes?b=7 taints-[DeviceTaint=8 bindsToNode?b=9 bindingConditions-[s=10
  bindingFailureConditions-[s=11 allowMultipleAllocations?b=12
  nodeAllocatableResourceMappings-{NodeAllocatableResourceMapping=13
DeviceAttribute: int?i=2 bool?b=3 string?s=4 version?s=5 ints-[i=6 bools-[b=7 strings-[s=8 versions-[s=9
DeviceCapacity: value!q=1 requestPolicy?CapacityRequestPolicy=2
CapacityRequestPolicy: default!q=1 validValues-[q=3 validRange?CapacityRequestPolicyRange=4
CapacityRequestPolicyRange: min?q=1 max?q=2 step?q=3
DeviceCounterConsumption: counterSet!s=1 counters-{Counter=2
Counter: value!q=1
DeviceTaint: key!s=1 value-s=2 effect!s=3 timeAdded?t=4
NodeAllocatableResourceMapping: capacityKey?s=1 allocationMultiplier?q=2
CounterSet: name!s=1 counters-{Counter=2
DeviceClass: metadata!ObjectMeta=1 spec!DeviceClassSpec=2
DeviceClassSpec: selectors-[DeviceSelector=1 config-[DeviceClassConfiguration=2 extendedResourceName?s=4
DeviceClassConfiguration: opaque?OpaqueDeviceConfiguration=1.1
`
