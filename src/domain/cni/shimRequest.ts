/** What the shim plugin sends and is sent: one request and one answer, each behind the two lengths it is made of. */
import { type Attachment, type CniVerb, parseArgs } from "./execution.ts"
import { codeMeaning } from "./failure.ts"
import { isObject, type JsonObject, parseJson, textOf } from "./json.ts"

export interface ShimRequest {
  readonly verb: CniVerb
  readonly attachment: Attachment
  /** The configuration that the runtime passed, with the version it speaks. */
  readonly config: JsonObject
  readonly cniVersion: string
}

export interface ShimAnswer {
  readonly exitCode: number
  readonly output: string
}

const headerBytes = 8

const verbs: ReadonlyArray<string> = ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"] satisfies ReadonlyArray<CniVerb>

const isVerb = (text: string): text is CniVerb => verbs.includes(text)

/** Bytes of the whole request, as far as its beginning tells; undefined when it does not yet. */
export const requestLength = (received: Uint8Array): number | undefined => {
  if (received.length < headerBytes) return undefined
  const view = new DataView(received.buffer, received.byteOffset, received.byteLength)
  return headerBytes + view.getUint32(0, true) + view.getUint32(4, true)
}

/** Undefined for what is no request of a shim. */
export const decodeRequest = (received: Uint8Array): ShimRequest | undefined => {
  const view = new DataView(received.buffer, received.byteOffset, received.byteLength)
  const input = headerBytes + view.getUint32(0, true)
  const text = new TextDecoder()
  const variables = new Map(
    text.decode(received.subarray(headerBytes, input)).split("\0").map((variable) => {
      const at = variable.indexOf("=")
      return [variable.slice(0, at), variable.slice(at + 1)]
    })
  )
  const verb = variables.get("CNI_COMMAND") ?? ""
  if (!isVerb(verb)) return undefined
  const parsed = parseJson(text.decode(received.subarray(input)))
  const config = parsed._tag === "Success" && isObject(parsed.success) ? parsed.success : {}
  const runtimeConfig = config["runtimeConfig"]
  return {
    verb,
    attachment: {
      containerId: variables.get("CNI_CONTAINERID") ?? "",
      netns: variables.get("CNI_NETNS") ?? "",
      ifname: variables.get("CNI_IFNAME") ?? "",
      args: parseArgs(variables.get("CNI_ARGS") ?? ""),
      capabilityArgs: isObject(runtimeConfig) ? runtimeConfig : {}
    },
    config,
    cniVersion: textOf(config["cniVersion"]) || "1.0.0"
  }
}

export const encodeAnswer = ({ exitCode, output }: ShimAnswer): Uint8Array => {
  const body = new TextEncoder().encode(output)
  const bytes = new Uint8Array(headerBytes + body.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, exitCode, true)
  view.setUint32(4, body.length, true)
  bytes.set(body, headerBytes)
  return bytes
}

export const success = (output: unknown): ShimAnswer => ({
  exitCode: 0,
  output: output === undefined ? "" : JSON.stringify(output)
})

/** An error as the specification has plugins print it. `code` 0 stands for trouble of our own. */
export const refusal = (cniVersion: string, code: number, details: string): ShimAnswer => ({
  exitCode: 1,
  output: JSON.stringify({
    cniVersion,
    code: code === 0 ? 999 : code,
    msg: details,
    ...(codeMeaning(code) === "" ? {} : { details: codeMeaning(code) })
  })
})
