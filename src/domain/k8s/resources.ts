/** The Kubernetes resources the agent reads or writes, by the names the API server serves them under. */

/** Names one resource of the API: where its objects live and what kind they are. */
export interface ApiResource {
  /** API group, empty for the core group. */
  readonly group: string
  readonly version: string
  /** Plural name in URLs. */
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
}

const namespaced = (group: string, version: string, plural: string, kind: string): ApiResource => ({
  group,
  version,
  plural,
  kind,
  namespaced: true
})
const cluster = (group: string, version: string, plural: string, kind: string): ApiResource => ({
  group,
  version,
  plural,
  kind,
  namespaced: false
})

export const pods = namespaced("", "v1", "pods", "Pod")
export const nodes = cluster("", "v1", "nodes", "Node")
export const namespaces = cluster("", "v1", "namespaces", "Namespace")
export const services = namespaced("", "v1", "services", "Service")
export const secrets = namespaced("", "v1", "secrets", "Secret")
export const configMaps = namespaced("", "v1", "configmaps", "ConfigMap")
export const events = namespaced("", "v1", "events", "Event")
export const serviceAccounts = namespaced("", "v1", "serviceaccounts", "ServiceAccount")
export const persistentVolumes = cluster("", "v1", "persistentvolumes", "PersistentVolume")
export const persistentVolumeClaims = namespaced("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
export const leases = namespaced("coordination.k8s.io", "v1", "leases", "Lease")
export const csiNodes = cluster("storage.k8s.io", "v1", "csinodes", "CSINode")
export const csiDrivers = cluster("storage.k8s.io", "v1", "csidrivers", "CSIDriver")
export const volumeAttachments = cluster("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment")
export const runtimeClasses = cluster("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass")
export const certificateSigningRequests = cluster(
  "certificates.k8s.io",
  "v1",
  "certificatesigningrequests",
  "CertificateSigningRequest"
)
/** Not yet of the first version everywhere; 1.36 serves the newer one where its feature is on. */
export const clusterTrustBundles = cluster(
  "certificates.k8s.io",
  "v1beta1",
  "clustertrustbundles",
  "ClusterTrustBundle"
)
export const clusterTrustBundlesAlpha = cluster(
  "certificates.k8s.io",
  "v1alpha1",
  "clustertrustbundles",
  "ClusterTrustBundle"
)
export const podCertificateRequests = namespaced(
  "certificates.k8s.io",
  "v1beta1",
  "podcertificaterequests",
  "PodCertificateRequest"
)
export const tokenReviews = cluster("authentication.k8s.io", "v1", "tokenreviews", "TokenReview")
export const subjectAccessReviews = cluster("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview")

/** Of the Network Plumbing Working Group: how a cluster names additional networks of pods. */
export const networkAttachmentDefinitions = namespaced(
  "k8s.cni.cncf.io",
  "v1",
  "network-attachment-definitions",
  "NetworkAttachmentDefinition"
)

/** `v1` or `group/v1`, as `apiVersion` has it. */
export const apiVersionOf = (resource: ApiResource): string =>
  resource.group === "" ? resource.version : `${resource.group}/${resource.version}`
