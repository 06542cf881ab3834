/** Which labels a node may give itself at registration: those the NodeRestriction admission of API servers lets through. */

/** Label namespaces under kubernetes.io and k8s.io that a node may use, with all their subdomains. */
const openNamespaces = ["kubelet.kubernetes.io", "node.kubernetes.io"]

const openLabels: ReadonlySet<string> = new Set([
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/instance-type",
  "beta.kubernetes.io/os",
  "failure-domain.beta.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "kubernetes.io/arch",
  "kubernetes.io/hostname",
  "kubernetes.io/os",
  "node.kubernetes.io/instance-type",
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone"
])

const within = (namespace: string, domain: string): boolean => namespace === domain || namespace.endsWith(`.${domain}`)

/** Problems of `--node-labels`, each naming the label. Empty when they can be registered (parity B2). */
export const nodeLabelProblems = (labels: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  Object.entries(labels).flatMap(([key, value]) => [
    ...(isReserved(key) ? [`label "${key}" is reserved: a node may not give itself labels of this namespace`] : []),
    ...(isQualifiedName(key) ? [] : [`label "${key}": not a label name, want [domain/]name`]),
    ...(isLabelValue(value) ? [] : [`label "${key}": not a label value: "${value}"`])
  ])

const isReserved = (key: string): boolean => {
  const namespace = key.includes("/") ? key.slice(0, key.indexOf("/")) : ""
  const ofKubernetes = within(namespace, "kubernetes.io") || within(namespace, "k8s.io")
  return ofKubernetes && !openLabels.has(key) && !openNamespaces.some((open) => within(namespace, open))
}

const namePart = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const domainPart = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** `[domain/]name`, as keys of labels and annotations are. */
export const isQualifiedName = (key: string): boolean => {
  const slash = key.indexOf("/")
  if (slash === -1) return namePart.test(key)
  const domain = key.slice(0, slash)
  return domain.length <= 253 && domainPart.test(domain) && namePart.test(key.slice(slash + 1))
}

const isLabelValue = (value: string): boolean => value === "" || namePart.test(value)
