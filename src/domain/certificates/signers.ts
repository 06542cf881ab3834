/** The signers of the cluster that give nodes their certificates. */
export const nodeSigners = {
  client: "kubernetes.io/kube-apiserver-client-kubelet",
  serving: "kubernetes.io/kubelet-serving"
} as const
