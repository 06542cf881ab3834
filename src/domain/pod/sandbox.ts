/** When a pod needs another sandbox (parity D1). */
import type { Pod } from "../k8s/pod.ts"
import type { ObservedPod, ObservedSandbox } from "./model.ts"

export type SandboxNeed =
  | { readonly _tag: "Usable"; readonly sandbox: ObservedSandbox }
  /** There has never been one. */
  | { readonly _tag: "First" }
  /** The newest one cannot be used any more. */
  | { readonly _tag: "Changed"; readonly attempt: number }

const fits = (pod: Pod, sandbox: ObservedSandbox): boolean => {
  const hostNetwork = pod.spec.hostNetwork === true
  return sandbox.ready && sandbox.hostNetwork === hostNetwork && (hostNetwork || sandbox.ips.length > 0)
}

export const sandboxNeed = (pod: Pod, observed: ObservedPod): SandboxNeed => {
  const newest = observed.sandboxes[0]
  if (newest === undefined) return { _tag: "First" }
  const ready = observed.sandboxes.filter((sandbox) => sandbox.ready).length
  return ready === 1 && fits(pod, newest)
    ? { _tag: "Usable", sandbox: newest }
    : { _tag: "Changed", attempt: Math.max(...observed.sandboxes.map((sandbox) => sandbox.attempt)) + 1 }
}
