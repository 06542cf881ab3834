/** The kinds this server knows: where they are served, what they can do, which subresources they have. */
import type { ApiResource } from "../../../domain/k8s/resources.ts"
import type { FieldTable, Shape } from "./fields.ts"

export interface ApiKind extends ApiResource {
  readonly singular: string
  readonly shortNames: ReadonlyArray<string>
  /** Part of `kubectl get all`. */
  readonly inAll: boolean
  readonly subresources: ReadonlyArray<string>
  /** Created for its answer only: nothing is stored. */
  readonly virtual: boolean
  /** `metadata.generation` counts the changes of its spec. */
  readonly counted: boolean
  /** An update must name the version it replaces. */
  readonly versioned: boolean
  /** An update of what does not exist creates it. */
  readonly upserted: boolean
  /** A deletion is answered with the object that is gone, not with a `Status`. */
  readonly returned: boolean
  readonly shape: Shape
}

/**
 * One kind a line: plural, kind, short names, subresources, flags. Flags: `n` namespaced, `a` in `all`, `v` virtual, `g`
 * counts generations, `r` updates need a version, `u` updates create, `d` deletions answer with the object.
 */
const table = `
# /v1 core/v1
pods Pod po status,binding,eviction,ephemeralcontainers,resize,log,exec,attach,portforward n,a,g,d
nodes Node no status,proxy -
namespaces Namespace ns status,finalize d
services Service svc status n,a,d
endpoints Endpoints ep - n,u
events Event ev - n,u
secrets Secret - - n
configmaps ConfigMap cm - n
serviceaccounts ServiceAccount sa token n,d
persistentvolumes PersistentVolume pv status d
persistentvolumeclaims PersistentVolumeClaim pvc status n,d
replicationcontrollers ReplicationController rc status n,a,g
podtemplates PodTemplate - - n,g,d
limitranges LimitRange limits - n
resourcequotas ResourceQuota quota status n,d
bindings Binding - - n,v
# apps/v1 apps/v1
deployments Deployment deploy status n,a,g
replicasets ReplicaSet rs status n,a,g
daemonsets DaemonSet ds status n,a,g
statefulsets StatefulSet sts status n,a,g
controllerrevisions ControllerRevision - - n
# batch/v1 batch/v1
jobs Job - status n,a,g
cronjobs CronJob cj status n,a,g
# autoscaling/v2 autoscaling/v2
horizontalpodautoscalers HorizontalPodAutoscaler hpa status n,a
# coordination.k8s.io/v1 coordination/v1
leases Lease - - n,r,u
# storage.k8s.io/v1 storage/v1
storageclasses StorageClass sc - d
csinodes CSINode - - r,d
csidrivers CSIDriver - - r,d
volumeattachments VolumeAttachment - status r,d
csistoragecapacities CSIStorageCapacity - - n,r
# node.k8s.io/v1 node/v1
runtimeclasses RuntimeClass - - r
# certificates.k8s.io/v1 certificates/v1
certificatesigningrequests CertificateSigningRequest csr status,approval -
# certificates.k8s.io/v1beta1 certificates/v1beta1
clustertrustbundles ClusterTrustBundle - - -
podcertificaterequests PodCertificateRequest - status n
# authentication.k8s.io/v1 authentication/v1
tokenreviews TokenReview - - v
selfsubjectreviews SelfSubjectReview - - v
# authorization.k8s.io/v1 authorization/v1
subjectaccessreviews SubjectAccessReview - - v
selfsubjectaccessreviews SelfSubjectAccessReview - - v
localsubjectaccessreviews LocalSubjectAccessReview - - n,v
selfsubjectrulesreviews SelfSubjectRulesReview - - v
# rbac.authorization.k8s.io/v1 rbac/v1
roles Role - - n,u
rolebindings RoleBinding - - n,u
clusterroles ClusterRole - - u
clusterrolebindings ClusterRoleBinding - - u
# policy/v1 policy/v1
poddisruptionbudgets PodDisruptionBudget pdb status n,g
# scheduling.k8s.io/v1 scheduling/v1
priorityclasses PriorityClass pc - g
# discovery.k8s.io/v1 discovery/v1
endpointslices EndpointSlice - - n,g
# networking.k8s.io/v1 networking/v1
ingresses Ingress ing status n,g
ingressclasses IngressClass - - g
networkpolicies NetworkPolicy netpol - n,g
# resource.k8s.io/v1 resource/v1
resourceclaims ResourceClaim - status n
resourceclaimtemplates ResourceClaimTemplate - - n
resourceslices ResourceSlice - - g
deviceclasses DeviceClass - - g
`

const listed = (text: string): ReadonlyArray<string> => text === "-" ? [] : text.split(",")

/** In the order of discovery: groups and kinds as the table has them. */
export const readKinds = (fields: FieldTable): ReadonlyArray<ApiKind> => {
  const kinds: Array<ApiKind> = []
  let group = ""
  let version = ""
  let types = ""
  for (const line of table.trim().split("\n")) {
    const [first = "", second = "", third = "", subresources = "", flagText = ""] = line.split(" ")
    if (first === "#") {
      const [heading = "", number = ""] = second.split("/")
      group = heading
      version = number
      types = third
      continue
    }
    const flags = new Set(listed(flagText))
    kinds.push({
      group,
      version,
      plural: first,
      kind: second,
      namespaced: flags.has("n"),
      singular: second.toLowerCase(),
      shortNames: listed(third),
      inAll: flags.has("a"),
      subresources: listed(subresources),
      virtual: flags.has("v"),
      counted: flags.has("g"),
      versioned: flags.has("r"),
      upserted: flags.has("u"),
      returned: flags.has("d"),
      shape: fields.shape(types, second)
    })
  }
  return kinds
}
