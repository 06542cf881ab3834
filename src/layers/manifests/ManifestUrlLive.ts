/** Manifests over HTTP and HTTPS, with the machine's own trust. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer, Stream } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { STATUS_CODES } from "node:http"
import { Permanent, Retryable, Uncertain } from "../../domain/failure.ts"
import { manifestTimeoutMs, ManifestUrl, ManifestUrlError, maxManifestBytes } from "./ManifestUrl.ts"

const make = Effect.gen(function*() {
  const client = yield* HttpClient.HttpClient
  return ManifestUrl.of({
    read: Effect.fn("ManifestUrl.read")(function*({ headers, url }) {
      const fail = (reason: Permanent | Retryable | Uncertain, detail: string, cause?: unknown) =>
        new ManifestUrlError({ url, reason, detail, ...(cause === undefined ? {} : { cause }) })
      const values = Object.entries(headers).map(([name, all]) => [name, all.join(", ")] as const)
      const response = yield* client.execute(HttpClientRequest.get(url, { headers: values })).pipe(
        Effect.mapError((cause) => fail(new Retryable({}), cause.message, cause))
      )
      if (response.status !== 200) {
        return yield* fail(new Retryable({}), `${response.status} ${STATUS_CODES[response.status] ?? ""}`.trim())
      }
      const parts: Array<Uint8Array> = []
      let size = 0
      yield* response.stream.pipe(
        Stream.mapError((cause) => fail(new Retryable({}), cause.message, cause)),
        Stream.runForEach((part) => {
          parts.push(part)
          size += part.byteLength
          return size <= maxManifestBytes
            ? Effect.void
            : Effect.fail(fail(new Permanent(), `is larger than ${maxManifestBytes} bytes`))
        })
      )
      return Buffer.concat(parts).toString("utf8")
    }, (effect, { url }) =>
      Effect.timeoutOrElse(effect, {
        duration: manifestTimeoutMs,
        orElse: () =>
          Effect.fail(
            new ManifestUrlError({ url, reason: new Uncertain(), detail: `no answer in ${manifestTimeoutMs} ms` })
          )
      }))
  })
})

export const layer: Layer.Layer<ManifestUrl> = Layer.effect(ManifestUrl, make).pipe(
  Layer.provide(NodeHttpClient.layerNodeHttp)
)
