/**
 * `/logs/` (O8): the files of the node's log directory, read only. Links are followed as long as they stay in it: what
 * can write there must not be able to have any other file of the node read out.
 */
import { Effect, Option, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { relative } from "node:path"
import type { HostFileError, HostFiles } from "../../host/HostFiles.ts"
import { type NodeRequest, type Refusal, refuse, type ResponseRoute, route, text } from "./route.ts"

const blockBytes = 64 * 1024

export const systemLogsRoute = (files: HostFiles["Service"], root: string): ResponseRoute =>
  route(["GET", "HEAD"], "/logs/*", (_, request) =>
    serveLog(files, root, request).pipe(
      Effect.catchTag("HostFileError", (error) =>
        Effect.fail(
          error.reason._tag === "NotFound"
            ? refuse(404, "404 page not found\n")
            : error.code === "EACCES" || error.code === "EPERM"
            ? refuse(403, "403 Forbidden\n")
            : refuse(500, "500 Internal Server Error\n")
        ))
    ))

const serveLog = Effect.fnUntraced(function*(
  files: HostFiles["Service"],
  root: string,
  { target }: NodeRequest
): Effect.fn.Return<HttpServerResponse.HttpServerResponse, Refusal | HostFileError> {
  const asked = target.path.slice("/logs".length)
  if (asked === "") {
    return yield* refuse(301, "", { location: "logs/" })
  }
  const base = yield* files.realPath(root)
  const real = yield* files.realPath(`${base}${asked}`)
  const inside = relative(base, real)
  if (inside === ".." || inside.startsWith("../") || inside.startsWith("/")) {
    return yield* refuse(404, "404 page not found\n")
  }
  const { mtimeMs, sizeBytes, type } = yield* files.stat(real)
  if (type === "directory") {
    return asked.endsWith("/")
      ? listing(yield* files.readDirectory(real))
      : yield* refuse(301, "", { location: `${target.segments.at(-1) ?? ""}/` })
  }
  if (type !== "file") {
    return yield* refuse(404, "404 page not found\n")
  }
  return HttpServerResponse.stream(content(files, base, inside, sizeBytes), {
    contentType: "text/plain; charset=utf-8",
    contentLength: sizeBytes,
    headers: { "last-modified": new Date(mtimeMs).toUTCString(), "x-content-type-options": "nosniff" }
  })
})

// Exactly what was announced: the file may grow meanwhile. Opened beneath the root, so that a directory that becomes a
// link after it was looked at leads nowhere.
const content = (files: HostFiles["Service"], base: string, inside: string, sizeBytes: number) =>
  Stream.unwrap(Effect.map(files.openBeneath(base, inside), ({ path }) =>
    Stream.paginate(0, (offset) =>
      Effect.map(
        files.readRange(path, { offsetBytes: offset, lengthBytes: Math.min(blockBytes, sizeBytes - offset) }),
        (bytes) => {
          const next = offset + bytes.length
          return [[bytes], bytes.length > 0 && next < sizeBytes ? Option.some(next) : Option.none<number>()] as const
        }
      ))))

const escapeHtml = (name: string): string =>
  name.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&#34;")

const listing = (names: ReadonlyArray<string>) =>
  text(
    `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${
      names.map((name) => `<a href="${encodeURIComponent(name)}">${escapeHtml(name)}</a>\n`).join("")
    }</pre>\n`,
    "text/html; charset=utf-8"
  )
