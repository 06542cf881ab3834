/** A web server that a test plays: pages by their URL. One that is not there does not exist. */
import { Effect, Layer } from "effect"
import { Retryable } from "../../domain/failure.ts"
import { type ManifestRequest, ManifestUrl, ManifestUrlError } from "./ManifestUrl.ts"

export interface SimPages {
  readonly pages: Map<string, string>
  readonly asked: Array<ManifestRequest>
}

export const makeHandle = (): SimPages => ({ pages: new Map(), asked: [] })

export const layer = (handle: SimPages = makeHandle()): Layer.Layer<ManifestUrl> =>
  Layer.succeed(
    ManifestUrl,
    ManifestUrl.of({
      read: (request) =>
        Effect.suspend(() => {
          handle.asked.push(request)
          const page = handle.pages.get(request.url)
          return page === undefined
            ? Effect.fail(
              new ManifestUrlError({ url: request.url, reason: new Retryable({}), detail: "404 Not Found" })
            )
            : Effect.succeed(page)
        })
    })
  )
