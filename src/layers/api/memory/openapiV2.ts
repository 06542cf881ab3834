/**
 * OpenAPI v2, which `kubectl` asks for only about kinds that it has not found in v3: a document that says there are none.
 * It is read as protobuf, by the numbers of gnostic's `openapi.v2.Document`.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import { jsonReply, type Reply } from "./reply.ts"

const title = "Kubernetes"
const version = "v1.36.0"

/** Clients ask for it with an `@`, which no answer may have in its media type. */
const asked = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
const answered = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

const encoded = (): Uint8Array => {
  const info = new BinaryWriter()
  info.tag(1, WireType.LengthDelimited).string(title)
  info.tag(2, WireType.LengthDelimited).string(version)
  const document = new BinaryWriter()
  document.tag(1, WireType.LengthDelimited).string("2.0")
  document.tag(2, WireType.LengthDelimited).bytes(info.finish())
  document.tag(8, WireType.LengthDelimited).bytes(new Uint8Array())
  return document.finish()
}

/** Answers the path of OpenAPI v2; undefined for any other. */
export const openApiV2 = (path: string, accept: string): Reply | undefined => {
  if (path !== "/openapi/v2") return undefined
  if (!accept.includes(asked) && !accept.includes(answered)) {
    return jsonReply({ swagger: "2.0", info: { title, version }, paths: {} })
  }
  return { _tag: "Reply", status: 200, contentType: answered, headers: {}, body: encoded() }
}
