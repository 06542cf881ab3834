/** One run of a plugin: the environment and the standard input that the specification asks for. */
import { isObject, type JsonObject, textOf } from "./json.ts"
import type { NetworkList, NetworkPlugin } from "./networkList.ts"
import { type CniResult, encodeResult } from "./result.ts"

export type CniVerb = "ADD" | "DEL" | "CHECK" | "GC" | "STATUS" | "VERSION"

/** A container's place in a network. */
export interface Attachment {
  readonly containerId: string
  /** Path of the network namespace; empty for a DEL when it is gone. */
  readonly netns: string
  readonly ifname: string
  /** `CNI_ARGS`, in order. */
  readonly args: ReadonlyArray<readonly [string, string]>
  /** By capability: what plugins that ask for it find in `runtimeConfig`. */
  readonly capabilityArgs: JsonObject
}

/** What tells one attachment of a network from the others. */
export interface AttachmentName {
  readonly containerId: string
  readonly ifname: string
}

export const sameAttachment = (a: AttachmentName, b: AttachmentName): boolean =>
  a.containerId === b.containerId && a.ifname === b.ifname

const containerIdPattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

/** Why an attachment cannot be asked for; undefined when it can. What it is made of becomes names of files. */
export const attachmentProblem = ({ args, containerId, ifname }: Attachment): string | undefined => {
  if (!containerIdPattern.test(containerId)) return `container id "${containerId}" is not valid`
  if (ifname === "" || ifname.length > 15) return `interface name "${ifname}" must have 1 to 15 characters`
  if (ifname === "." || ifname === ".." || /[/:\s]/.test(ifname)) return `interface name "${ifname}" is not valid`
  const bad = args.find(([key, value]) => key === "" || /[=;]/.test(key) || value.includes(";"))
  return bad === undefined ? undefined : `argument ${bad[0]} is not valid`
}

export const argsText = (args: Attachment["args"]): string => args.map(([key, value]) => `${key}=${value}`).join(";")

/** `A=b;C=d`; parts without a value are left out. */
export const parseArgs = (text: string): ReadonlyArray<readonly [string, string]> =>
  text.split(";").flatMap((part) => {
    const at = part.indexOf("=")
    return at <= 0 ? [] : [[part.slice(0, at), part.slice(at + 1)] as const]
  })

/** `attachment` is absent for verbs that are about no container. */
export const pluginEnv = (
  verb: CniVerb,
  cniPath: ReadonlyArray<string>,
  attachment?: Attachment
): Readonly<Record<string, string>> => ({
  CNI_COMMAND: verb,
  CNI_PATH: cniPath.join(":"),
  ...(attachment === undefined ? {} : {
    CNI_CONTAINERID: attachment.containerId,
    CNI_NETNS: attachment.netns,
    CNI_IFNAME: attachment.ifname,
    CNI_ARGS: argsText(attachment.args)
  })
})

export interface PluginInput {
  readonly list: NetworkList
  readonly version: string
  readonly plugin: NetworkPlugin
  readonly capabilityArgs?: JsonObject
  readonly prevResult?: CniResult
  /** All attachments that GC must leave alone. */
  readonly validAttachments?: ReadonlyArray<AttachmentName>
}

const runtimeConfigOf = ({ capabilityArgs = {}, plugin }: PluginInput): JsonObject =>
  Object.fromEntries(
    plugin.capabilities.flatMap((name) =>
      Object.hasOwn(capabilityArgs, name) && capabilityArgs[name] !== undefined ? [[name, capabilityArgs[name]]] : []
    )
  )

/** The plugin's own fields, with what the list and the runtime add to them. */
export const pluginStdin = (input: PluginInput): string => {
  const { list, plugin, prevResult, validAttachments, version } = input
  // The runtime's own business: the specification has it taken out.
  const { capabilities: _, ...fields } = plugin.fields
  const runtimeConfig = runtimeConfigOf(input)
  return JSON.stringify({
    ...fields,
    name: list.name,
    cniVersion: version,
    ...(Object.keys(runtimeConfig).length === 0 ? {} : { runtimeConfig }),
    ...(prevResult === undefined ? {} : { prevResult: encodeResult(prevResult, version) }),
    ...(validAttachments === undefined ? {} : {
      "cni.dev/valid-attachments": validAttachments.map(({ containerId, ifname }) => ({
        containerID: containerId,
        ifname
      }))
    })
  })
}

/** The attachments that a GC request says are in use. */
export const attachmentsOf = (config: JsonObject): ReadonlyArray<AttachmentName> => {
  const valid = config["cni.dev/valid-attachments"]
  return (Array.isArray(valid) ? valid : []).flatMap((each) =>
    isObject(each) ? [{ containerId: textOf(each["containerID"]), ifname: textOf(each["ifname"]) }] : []
  )
}
