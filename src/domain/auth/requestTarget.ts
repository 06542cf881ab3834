/**
 * The target of an HTTP request, read once: authorization and routing see the same decoded path, so that no way of
 * writing a path means one thing to the one and another to the other.
 */
import { Result } from "effect"

export interface RequestTarget {
  /** Decoded and canonical: begins with `/`, has no `.`, `..` or empty segments but a last one. */
  readonly path: string
  readonly segments: ReadonlyArray<string>
  readonly query: URLSearchParams
  /** As sent, without `?`. */
  readonly rawQuery: string
}

export type BadTarget =
  /** The path has another form, under which it may be asked for. */
  | { readonly _tag: "Redirect"; readonly location: string }
  | { readonly _tag: "Malformed" }

const malformed: BadTarget = { _tag: "Malformed" }

/** Reads the request target of an HTTP/1.1 request line. */
export const parseTarget = (target: string): Result.Result<RequestTarget, BadTarget> => {
  const mark = target.indexOf("?")
  const rawPath = mark < 0 ? target : target.slice(0, mark)
  const rawQuery = mark < 0 ? "" : target.slice(mark + 1)
  if (!rawPath.startsWith("/")) {
    return Result.fail(malformed)
  }
  const decoded = decode(rawPath)
  if (decoded === undefined || hasControl(decoded)) {
    return Result.fail(malformed)
  }
  const path = clean(decoded)
  if (path !== decoded) {
    const location = path.split("/").map(encodeURIComponent).join("/")
    return Result.fail({ _tag: "Redirect", location: mark < 0 ? location : `${location}?${rawQuery}` })
  }
  return Result.succeed({ path, segments: path.slice(1).split("/"), query: new URLSearchParams(rawQuery), rawQuery })
}

const hasControl = (text: string): boolean => [...text].some((char) => char < " " || char === "\u007f")

const decode = (path: string): string | undefined => /%(?![0-9A-Fa-f]{2})/.test(path) ? undefined : decodeValid(path)

// `decodeURIComponent` throws on bytes that are not UTF-8; decoding them leniently cannot.
const decodeValid = (path: string): string | undefined => {
  const bytes: Array<number> = []
  const encoded = new TextEncoder().encode(path)
  for (let i = 0; i < encoded.length; i++) {
    const byte = encoded[i] ?? 0
    if (byte === 0x25) {
      bytes.push(Number.parseInt(String.fromCharCode(encoded[i + 1] ?? 0, encoded[i + 2] ?? 0), 16))
      i += 2
    } else {
      bytes.push(byte)
    }
  }
  const text = new TextDecoder().decode(Uint8Array.from(bytes))
  return text.includes("\ufffd") ? undefined : text
}

const clean = (path: string): string => {
  const out: Array<string> = []
  for (const segment of path.split("/")) {
    if (segment === "..") {
      out.pop()
    } else if (segment !== "." && segment !== "") {
      out.push(segment)
    }
  }
  const isDirectory = path.endsWith("/") || path.endsWith("/.") || path.endsWith("/..")
  return out.length === 0 ? "/" : `/${out.join("/")}${isDirectory ? "/" : ""}`
}
