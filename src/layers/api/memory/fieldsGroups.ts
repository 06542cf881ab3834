/** Fields of the types of the named groups; `fields.ts` says how a line reads. */
export const fieldsGroups = `
# apps/v1
Deployment: metadata!ObjectMeta spec!DeploymentSpec status!DeploymentStatus
DeploymentSpec: replicas?i selector!LabelSelector template!PodTemplateSpec strategy!DeploymentStrategy^
  minReadySeconds-i revisionHistoryLimit?i paused-b progressDeadlineSeconds?i
DeploymentStrategy: type-s rollingUpdate?RollingUpdateDeployment
RollingUpdateDeployment: maxUnavailable?x maxSurge?x
DeploymentStatus: observedGeneration-i replicas-i updatedReplicas-i readyReplicas-i availableReplicas-i
  unavailableReplicas-i terminatingReplicas?i conditions-[DeploymentCondition~type collisionCount?i
DeploymentCondition: type!s status!s lastUpdateTime!t lastTransitionTime!t reason-s message-s
ReplicaSet: metadata!ObjectMeta spec!ReplicaSetSpec status!ReplicaSetStatus
ReplicaSetSpec: replicas?i minReadySeconds-i selector!LabelSelector template!PodTemplateSpec
ReplicaSetStatus: replicas!i fullyLabeledReplicas-i readyReplicas-i availableReplicas-i terminatingReplicas?i
  observedGeneration-i conditions-[ReplicaSetCondition~type
ReplicaSetCondition: type!s status!s lastTransitionTime!t reason-s message-s
DaemonSet: metadata!ObjectMeta spec!DaemonSetSpec status!DaemonSetStatus
DaemonSetSpec: selector!LabelSelector template!PodTemplateSpec updateStrategy!DaemonSetUpdateStrategy
  minReadySeconds-i revisionHistoryLimit?i
DaemonSetUpdateStrategy: type-s rollingUpdate?RollingUpdateDaemonSet
RollingUpdateDaemonSet: maxUnavailable?x maxSurge?x
DaemonSetStatus: currentNumberScheduled!i numberMisscheduled!i desiredNumberScheduled!i numberReady!i
  observedGeneration-i updatedNumberScheduled-i numberAvailable-i numberUnavailable-i collisionCount?i
  conditions-[DaemonSetCondition~type
DaemonSetCondition: type!s status!s lastTransitionTime!t reason-s message-s
StatefulSet: metadata!ObjectMeta spec!StatefulSetSpec status!StatefulSetStatus
StatefulSetSpec: replicas?i selector!LabelSelector template!PodTemplateSpec
  volumeClaimTemplates-[PersistentVolumeClaim serviceName!s podManagementPolicy-s
  updateStrategy!StatefulSetUpdateStrategy revisionHistoryLimit?i minReadySeconds-i
  persistentVolumeClaimRetentionPolicy?StatefulSetPersistentVolumeClaimRetentionPolicy ordinals?StatefulSetOrdinals
StatefulSetUpdateStrategy: type-s rollingUpdate?RollingUpdateStatefulSetStrategy
RollingUpdateStatefulSetStrategy: partition?i maxUnavailable?x
StatefulSetPersistentVolumeClaimRetentionPolicy: whenDeleted-s whenScaled-s
StatefulSetOrdinals: start!i
StatefulSetStatus: observedGeneration-i replicas!i readyReplicas-i currentReplicas-i updatedReplicas-i
  currentRevision-s updateRevision-s collisionCount?i conditions-[StatefulSetCondition~type availableReplicas!i
StatefulSetCondition: type!s status!s lastTransitionTime!t reason-s message-s
ControllerRevision: metadata!ObjectMeta data-j revision!i
# batch/v1
Job: metadata!ObjectMeta spec!JobSpec status!JobStatus
JobSpec: parallelism?i completions?i activeDeadlineSeconds?i podFailurePolicy?PodFailurePolicy
  successPolicy?SuccessPolicy backoffLimit?i backoffLimitPerIndex?i maxFailedIndexes?i selector?LabelSelector
  manualSelector?b template!PodTemplateSpec ttlSecondsAfterFinished?i completionMode?s suspend?b
  podReplacementPolicy?s managedBy?s
PodFailurePolicy: rules![PodFailurePolicyRule
PodFailurePolicyRule: action!s onExitCodes?PodFailurePolicyOnExitCodesRequirement
  onPodConditions-[PodFailurePolicyOnPodConditionsPattern
PodFailurePolicyOnExitCodesRequirement: containerName?s operator!s values![i
PodFailurePolicyOnPodConditionsPattern: type!s status!s
SuccessPolicy: rules![SuccessPolicyRule
SuccessPolicyRule: succeededIndexes?s succeededCount?i
JobStatus: conditions-[JobCondition~type startTime?t completionTime?t active-i succeeded-i failed-i terminating?i
  completedIndexes-s failedIndexes?s uncountedTerminatedPods?UncountedTerminatedPods ready?i
JobCondition: type!s status!s lastProbeTime!t lastTransitionTime!t reason-s message-s
UncountedTerminatedPods: succeeded-[s failed-[s
CronJob: metadata!ObjectMeta spec!CronJobSpec status!CronJobStatus
CronJobSpec: schedule!s timeZone?s startingDeadlineSeconds?i concurrencyPolicy-s suspend?b jobTemplate!JobTemplateSpec
  successfulJobsHistoryLimit?i failedJobsHistoryLimit?i
JobTemplateSpec: metadata!ObjectMeta spec!JobSpec
CronJobStatus: active-[ObjectReference lastScheduleTime?t lastSuccessfulTime?t
# autoscaling/v2
HorizontalPodAutoscaler: metadata!ObjectMeta spec!HorizontalPodAutoscalerSpec status!HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerSpec: scaleTargetRef!CrossVersionObjectReference minReplicas?i maxReplicas!i
  metrics-[MetricSpec behavior?HorizontalPodAutoscalerBehavior
CrossVersionObjectReference: kind!s name!s apiVersion-s
MetricSpec: type!s object?ObjectMetricSource pods?PodsMetricSource resource?ResourceMetricSource
  containerResource?ContainerResourceMetricSource external?ExternalMetricSource
ObjectMetricSource: describedObject!CrossVersionObjectReference target!MetricTarget metric!MetricIdentifier
MetricTarget: type!s value?q averageValue?q averageUtilization?i
MetricIdentifier: name!s selector?LabelSelector
PodsMetricSource: metric!MetricIdentifier target!MetricTarget
ResourceMetricSource: name!s target!MetricTarget
ContainerResourceMetricSource: name!s target!MetricTarget container!s
ExternalMetricSource: metric!MetricIdentifier target!MetricTarget
HorizontalPodAutoscalerBehavior: scaleUp?HPAScalingRules scaleDown?HPAScalingRules
HPAScalingRules: stabilizationWindowSeconds?i selectPolicy?s policies-[HPAScalingPolicy tolerance?q
HPAScalingPolicy: type!s value!i periodSeconds!i
HorizontalPodAutoscalerStatus: observedGeneration?i lastScaleTime?t currentReplicas-i desiredReplicas!i
  currentMetrics![MetricStatus conditions-[HorizontalPodAutoscalerCondition~type
MetricStatus: type!s object?ObjectMetricStatus pods?PodsMetricStatus resource?ResourceMetricStatus
  containerResource?ContainerResourceMetricStatus external?ExternalMetricStatus
ObjectMetricStatus: metric!MetricIdentifier current!MetricValueStatus describedObject!CrossVersionObjectReference
MetricValueStatus: value?q averageValue?q averageUtilization?i
PodsMetricStatus: metric!MetricIdentifier current!MetricValueStatus
ResourceMetricStatus: name!s current!MetricValueStatus
ContainerResourceMetricStatus: name!s current!MetricValueStatus container!s
ExternalMetricStatus: metric!MetricIdentifier current!MetricValueStatus
HorizontalPodAutoscalerCondition: type!s status!s lastTransitionTime!t reason-s message-s
# autoscaling/v1
Scale: metadata!ObjectMeta spec!ScaleSpec status!ScaleStatus
ScaleSpec: replicas-i
ScaleStatus: replicas!i selector-s
# coordination/v1
Lease: metadata!ObjectMeta spec!LeaseSpec
LeaseSpec: holderIdentity?s leaseDurationSeconds?i acquireTime?u renewTime?u leaseTransitions?i strategy?s
  preferredHolder?s
# storage/v1
StorageClass: metadata!ObjectMeta provisioner!s parameters-{s reclaimPolicy?s mountOptions-[s allowVolumeExpansion?b
  volumeBindingMode?s allowedTopologies-[TopologySelectorTerm
CSINode: metadata!ObjectMeta spec!CSINodeSpec
CSINodeSpec: drivers![CSINodeDriver~name
CSINodeDriver: name!s nodeID!s topologyKeys![s allocatable?VolumeNodeResources
VolumeNodeResources: count?i
CSIDriver: metadata!ObjectMeta spec!CSIDriverSpec
CSIDriverSpec: attachRequired?b podInfoOnMount?b volumeLifecycleModes-[s storageCapacity?b fsGroupPolicy?s
  tokenRequests-[TokenRequest requiresRepublish?b seLinuxMount?b nodeAllocatableUpdatePeriodSeconds?i
  serviceAccountTokenInSecrets?b preventPodSchedulingIfMissing?b
TokenRequest: audience!s expirationSeconds?i
VolumeAttachment: metadata!ObjectMeta spec!VolumeAttachmentSpec status!VolumeAttachmentStatus
VolumeAttachmentSpec: attacher!s source!VolumeAttachmentSource nodeName!s
VolumeAttachmentSource: persistentVolumeName?s inlineVolumeSpec?PersistentVolumeSpec
VolumeAttachmentStatus: attached!b attachmentMetadata-{s attachError?VolumeError detachError?VolumeError
VolumeError: time!t message-s errorCode?i
CSIStorageCapacity: metadata!ObjectMeta nodeTopology?LabelSelector storageClassName!s capacity?q maximumVolumeSize?q
# node/v1
RuntimeClass: metadata!ObjectMeta handler!s overhead?Overhead scheduling?Scheduling
Overhead: podFixed-{q
Scheduling: nodeSelector-{s tolerations-[Toleration
# certificates/v1
CertificateSigningRequest: metadata!ObjectMeta spec!CertificateSigningRequestSpec
  status!CertificateSigningRequestStatus
CertificateSigningRequestSpec: request!y signerName!s expirationSeconds?i usages-[s username-s uid-s groups-[s
  extra-{[s
CertificateSigningRequestStatus: conditions-[CertificateSigningRequestCondition certificate-y
CertificateSigningRequestCondition: type!s status!s reason-s message-s lastUpdateTime!t lastTransitionTime!t
# authentication/v1
TokenReview: metadata!ObjectMeta spec!TokenReviewSpec status!TokenReviewStatus
TokenReviewSpec: token-s audiences-[s
TokenReviewStatus: authenticated-b user!UserInfo audiences-[s error-s
UserInfo: username-s uid-s groups-[s extra-{[s
TokenRequest: metadata!ObjectMeta spec!TokenRequestSpec status!TokenRequestStatus
TokenRequestSpec: audiences![s expirationSeconds!i boundObjectRef!BoundObjectReference
BoundObjectReference: kind-s apiVersion-s name-s uid-s
TokenRequestStatus: token!s expirationTimestamp!t
SelfSubjectReview: metadata!ObjectMeta status!SelfSubjectReviewStatus
SelfSubjectReviewStatus: userInfo!UserInfo
# authorization/v1
SubjectAccessReview: metadata!ObjectMeta spec!SubjectAccessReviewSpec status!SubjectAccessReviewStatus
SubjectAccessReviewSpec: resourceAttributes?ResourceAttributes nonResourceAttributes?NonResourceAttributes user-s
  groups-[s extra-{[s uid-s
ResourceAttributes: namespace-s verb-s group-s version-s resource-s subresource-s name-s
  fieldSelector?FieldSelectorAttributes labelSelector?LabelSelectorAttributes
FieldSelectorAttributes: rawSelector-s requirements-[FieldSelectorRequirement
LabelSelectorAttributes: rawSelector-s requirements-[LabelSelectorRequirement
NonResourceAttributes: path-s verb-s
SubjectAccessReviewStatus: allowed!b denied-b reason-s evaluationError-s
SelfSubjectAccessReview: metadata!ObjectMeta spec!SelfSubjectAccessReviewSpec status!SubjectAccessReviewStatus
SelfSubjectAccessReviewSpec: resourceAttributes?ResourceAttributes nonResourceAttributes?NonResourceAttributes
LocalSubjectAccessReview: metadata!ObjectMeta spec!SubjectAccessReviewSpec status!SubjectAccessReviewStatus
SelfSubjectRulesReview: metadata!ObjectMeta spec!SelfSubjectRulesReviewSpec status!SubjectRulesReviewStatus
SelfSubjectRulesReviewSpec: namespace-s
SubjectRulesReviewStatus: resourceRules![ResourceRule nonResourceRules![NonResourceRule incomplete!b evaluationError-s
ResourceRule: verbs![s apiGroups-[s resources-[s resourceNames-[s
NonResourceRule: verbs![s nonResourceURLs-[s
# rbac/v1
Role: metadata!ObjectMeta rules![PolicyRule
PolicyRule: verbs![s apiGroups-[s resources-[s resourceNames-[s nonResourceURLs-[s
RoleBinding: metadata!ObjectMeta subjects-[Subject roleRef!RoleRef
Subject: kind!s apiGroup-s name!s namespace-s
RoleRef: apiGroup!s kind!s name!s
ClusterRole: metadata!ObjectMeta rules![PolicyRule aggregationRule?AggregationRule
AggregationRule: clusterRoleSelectors-[LabelSelector
ClusterRoleBinding: metadata!ObjectMeta subjects-[Subject roleRef!RoleRef
# policy/v1
PodDisruptionBudget: metadata!ObjectMeta spec!PodDisruptionBudgetSpec status!PodDisruptionBudgetStatus
PodDisruptionBudgetSpec: minAvailable?x selector?LabelSelector maxUnavailable?x unhealthyPodEvictionPolicy?s
PodDisruptionBudgetStatus: observedGeneration-i disruptedPods-{t disruptionsAllowed!i currentHealthy!i
  desiredHealthy!i expectedPods!i conditions-[Condition~type
Eviction: metadata!ObjectMeta deleteOptions?DeleteOptions
# scheduling/v1
PriorityClass: metadata!ObjectMeta value!i globalDefault-b description-s preemptionPolicy?s
# discovery/v1
EndpointSlice: metadata!ObjectMeta addressType!s endpoints![Endpoint ports![EndpointPort
Endpoint: addresses![s conditions!EndpointConditions hostname?s targetRef?ObjectReference deprecatedTopology-{s
  nodeName?s zone?s hints?EndpointHints
EndpointConditions: ready?b serving?b terminating?b
EndpointHints: forZones-[ForZone forNodes-[ForNode
ForZone: name!s
ForNode: name!s
EndpointPort: name?s protocol?s port?i appProtocol?s
# networking/v1
Ingress: metadata!ObjectMeta spec!IngressSpec status!IngressStatus
IngressSpec: ingressClassName?s defaultBackend?IngressBackend tls-[IngressTLS rules-[IngressRule
IngressBackend: service?IngressServiceBackend resource?TypedLocalObjectReference
IngressServiceBackend: name!s port!ServiceBackendPort
ServiceBackendPort: name-s number-i
IngressTLS: hosts-[s secretName-s
IngressRule: host-s http?HTTPIngressRuleValue
HTTPIngressRuleValue: paths![HTTPIngressPath
HTTPIngressPath: path-s pathType!s backend!IngressBackend
IngressStatus: loadBalancer!IngressLoadBalancerStatus
IngressLoadBalancerStatus: ingress-[IngressLoadBalancerIngress
IngressLoadBalancerIngress: ip-s hostname-s ports-[IngressPortStatus
IngressPortStatus: port!i protocol!s error?s
IngressClass: metadata!ObjectMeta spec!IngressClassSpec
IngressClassSpec: controller-s parameters?IngressClassParametersReference
IngressClassParametersReference: apiGroup?s kind!s name!s scope!s namespace?s
NetworkPolicy: metadata!ObjectMeta spec!NetworkPolicySpec
NetworkPolicySpec: podSelector!LabelSelector ingress-[NetworkPolicyIngressRule egress-[NetworkPolicyEgressRule
  policyTypes-[s
NetworkPolicyIngressRule: ports-[NetworkPolicyPort from-[NetworkPolicyPeer
NetworkPolicyPort: protocol?s port?x endPort?i
NetworkPolicyPeer: podSelector?LabelSelector namespaceSelector?LabelSelector ipBlock?IPBlock
IPBlock: cidr!s except-[s
NetworkPolicyEgressRule: ports-[NetworkPolicyPort to-[NetworkPolicyPeer
# events/v1
Event: metadata!ObjectMeta eventTime!u series?EventSeries reportingController-s reportingInstance-s action-s reason-s
  regarding!ObjectReference related?ObjectReference note-s type-s deprecatedSource!EventSource
  deprecatedFirstTimestamp!t deprecatedLastTimestamp!t deprecatedCount-i
EventSeries: count!i lastObservedTime!u
# resource/v1
ResourceClaim: metadata!ObjectMeta spec!ResourceClaimSpec status!ResourceClaimStatus
ResourceClaimSpec: devices!DeviceClaim
DeviceClaim: requests![DeviceRequest constraints-[DeviceConstraint config-[DeviceClaimConfiguration
DeviceRequest: name!s exactly?ExactDeviceRequest firstAvailable-[DeviceSubRequest
ExactDeviceRequest: deviceClassName!s selectors-[DeviceSelector allocationMode-s count-i adminAccess?b
  tolerations-[DeviceToleration capacity?CapacityRequirements
DeviceSelector: cel?CELDeviceSelector
CELDeviceSelector: expression!s
DeviceToleration: key-s operator-s value-s effect-s tolerationSeconds?i
CapacityRequirements: requests-{q
DeviceSubRequest: name!s deviceClassName!s selectors-[DeviceSelector allocationMode-s count-i
  tolerations-[DeviceToleration capacity?CapacityRequirements
DeviceConstraint: requests-[s matchAttribute?s distinctAttribute?s
DeviceClaimConfiguration: requests-[s opaque?OpaqueDeviceConfiguration
OpaqueDeviceConfiguration: driver!s parameters!j
ResourceClaimStatus: allocation?AllocationResult reservedFor-[ResourceClaimConsumerReference~uid
  devices-[AllocatedDeviceStatus
AllocationResult: devices!DeviceAllocationResult nodeSelector?NodeSelector allocationTimestamp?t
DeviceAllocationResult: results-[DeviceRequestAllocationResult config-[DeviceAllocationConfiguration
DeviceRequestAllocationResult: request!s driver!s pool!s device!s adminAccess?b tolerations-[DeviceToleration
  bindingConditions-[s bindingFailureConditions-[s shareID?s consumedCapacity-{q
DeviceAllocationConfiguration: source!s requests-[s opaque?OpaqueDeviceConfiguration
ResourceClaimConsumerReference: apiGroup-s resource!s name!s uid!s
AllocatedDeviceStatus: driver!s pool!s device!s shareID?s conditions![Condition data?j networkData?NetworkDeviceData
NetworkDeviceData: interfaceName-s ips-[s hardwareAddress-s
ResourceClaimTemplate: metadata!ObjectMeta spec!ResourceClaimTemplateSpec
ResourceClaimTemplateSpec: metadata!ObjectMeta spec!ResourceClaimSpec
ResourceSlice: metadata!ObjectMeta spec!ResourceSliceSpec
ResourceSliceSpec: driver!s pool!ResourcePool nodeName?s nodeSelector?NodeSelector allNodes?b devices-[Device
  perDeviceNodeSelection?b sharedCounters-[CounterSet
ResourcePool: name!s generation!i resourceSliceCount!i
Device: name!s attributes-{DeviceAttribute capacity-{DeviceCapacity consumesCounters-[DeviceCounterConsumption
  nodeName?s nodeSelector?NodeSelector allNodes?b taints-[DeviceTaint bindsToNode?b bindingConditions-[s
  bindingFailureConditions-[s allowMultipleAllocations?b
  nodeAllocatableResourceMappings-{NodeAllocatableResourceMapping
DeviceAttribute: int?i bool?b string?s version?s ints-[i bools-[b strings-[s versions-[s
DeviceCapacity: value!q requestPolicy?CapacityRequestPolicy
CapacityRequestPolicy: default!q validValues-[q validRange?CapacityRequestPolicyRange
CapacityRequestPolicyRange: min?q max?q step?q
DeviceCounterConsumption: counterSet!s counters-{Counter
Counter: value!q
DeviceTaint: key!s value-s effect!s timeAdded?t
NodeAllocatableResourceMapping: capacityKey?s allocationMultiplier?q
CounterSet: name!s counters-{Counter
DeviceClass: metadata!ObjectMeta spec!DeviceClassSpec
DeviceClassSpec: selectors-[DeviceSelector config-[DeviceClassConfiguration extendedResourceName?s
DeviceClassConfiguration: opaque?OpaqueDeviceConfiguration
`
