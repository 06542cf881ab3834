/** The network configuration that makes the runtime come to the agent: a list of the shim plugin alone. */
import { shimType } from "./networkFolder.ts"

/** Before every other file of the folder. */
export const shimListName = "00-kubeffect.conflist"

/** The oldest version that has all we use, so that every runtime of today can ask. */
export const shimListText: string = `${
  JSON.stringify(
    {
      cniVersion: "0.4.0",
      name: "kubeffect",
      plugins: [{
        type: shimType,
        // The runtime's own knowledge of a pod, for the case that the agent has not heard of it.
        capabilities: { portMappings: true, bandwidth: true, dns: true, cgroupPath: true, aliases: true }
      }]
    },
    null,
    2
  )
}\n`
