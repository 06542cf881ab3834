/** The versions this program goes by. */

// The bundler puts the package's version here; run from the sources there is none.
declare const KUBEFFECT_VERSION: string | undefined

export const version: string = typeof KUBEFFECT_VERSION === "string" ? KUBEFFECT_VERSION : "0.0.0-dev"

/** The release whose kubelet this agent does the work of. */
export const kubernetesVersion = "v1.36.0"

/** As the node object has it: orders like the release, and says that it is not the kubelet. */
export const kubeletVersion = `${kubernetesVersion}+kubeffect.${version}`
