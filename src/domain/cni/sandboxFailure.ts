/**
 * What a runtime's message about a sandbox without a network means for the one who has to mend it. Runtimes hand on the
 * texts of the CNI library, which name the plugin but never the file that asked for it.
 */
import type { NetworkList } from "./networkList.ts"

/** A cause that the text names, and what to do about it. */
interface Sign {
  readonly pattern: RegExp
  readonly advice: (match: RegExpExecArray, network: NetworkList | undefined) => string
}

const fileOf = (network: NetworkList | undefined) =>
  network === undefined ? "the network configuration" : network.source

const signs: ReadonlyArray<Sign> = [
  {
    pattern: /failed to find plugin "([^"]+)" in path \[([^\]]*)\]/,
    advice: ([, plugin, path], network) => `install plugin ${plugin} into ${path} or correct ${fileOf(network)}`
  },
  {
    pattern: /plugin type="([^"]+)"[^:]*:.*no IP addresses available in range set: (\S+)/,
    advice: ([, plugin, range], network) =>
      `all addresses ${range} of plugin ${plugin} are taken: delete pods, or widen the range in ${fileOf(network)}`
  },
  {
    pattern: /cni plugin not initialized|cni config (uninitialized|load failed)|no networks? found in/i,
    advice: (_, network) =>
      network === undefined
        ? "the runtime has no network configuration"
        : `the runtime has not loaded ${network.source}`
  },
  {
    pattern: /incompatible CNI versions|incompatible CNI version/,
    advice: (_, network) => `a plugin does not speak the cniVersion of ${fileOf(network)}`
  },
  {
    pattern: /plugin type="([^"]+)"[^:]*:.*kubeffect: the node agent/,
    advice: () => "the node agent was away: the pod is tried again"
  },
  {
    pattern: /plugin type="([^"]+)" name="([^"]+)" failed/,
    advice: ([, plugin, name], network) => `see plugin ${plugin} of network ${name} in ${fileOf(network)}`
  },
  {
    pattern: /plugin type="([^"]+)" failed/,
    advice: ([, plugin], network) => `see plugin ${plugin} in ${fileOf(network)}`
  }
]

/** Advice for people; empty when the message is not about the network, or already names the file. */
export const networkAdvice = (detail: string, network: NetworkList | undefined): string => {
  if (network !== undefined && detail.includes(network.source)) return ""
  for (const { advice, pattern } of signs) {
    const match = pattern.exec(detail)
    if (match !== null) return advice(match, network)
  }
  return ""
}
