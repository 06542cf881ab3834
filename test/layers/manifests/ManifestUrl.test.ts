import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { createServer, type IncomingHttpHeaders, type Server } from "node:http"
import { ManifestUrl } from "../../../src/layers/manifests/ManifestUrl.ts"
import * as ManifestUrlLive from "../../../src/layers/manifests/ManifestUrlLive.ts"
import * as ManifestUrlSim from "../../../src/layers/manifests/ManifestUrlSim.ts"
import { ManifestGround, manifestUrlContract } from "../../contract/ManifestUrlContract.ts"

const pages = ManifestUrlSim.makeHandle()
pages.pages.set("http://web/there", "pod: 1")

manifestUrlContract(
  "sim",
  Layer.merge(
    ManifestUrlSim.layer(pages),
    Layer.succeed(
      ManifestGround,
      ManifestGround.of({
        there: "http://web/there",
        gone: "http://web/gone",
        headers: () => pages.asked.at(-1)?.headers ?? {}
      })
    )
  )
)

const listening = (server: Server) =>
  Effect.callback<string>((resume) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resume(Effect.succeed(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`))
    })
  })

const serve = Effect.gen(function*() {
  let seen: IncomingHttpHeaders = {}
  const server = yield* Effect.acquireRelease(
    Effect.sync(() =>
      createServer((request, response) => {
        seen = request.headers
        if (request.url === "/huge") response.end(Buffer.alloc(10 * 1024 * 1024 + 1))
        else if (request.url === "/there") response.end("pod: 1")
        else response.writeHead(404).end()
      })
    ),
    (one) => Effect.sync(() => one.close())
  )
  return { url: yield* listening(server), headers: () => seen }
})

manifestUrlContract(
  "live",
  Layer.unwrap(Effect.map(serve, ({ headers, url }) =>
    Layer.merge(
      ManifestUrlLive.layer,
      Layer.succeed(ManifestGround, ManifestGround.of({ there: `${url}/there`, gone: `${url}/gone`, headers }))
    )))
)

describe("ManifestUrl: live", () => {
  it.effect("C4: what is too large is refused, and a server that is not there is named", () =>
    Effect.gen(function*() {
      const manifests = yield* ManifestUrl
      const { url } = yield* serve
      const huge = yield* Effect.flip(manifests.read({ url: `${url}/huge`, headers: {} }))
      assert.strictEqual(huge.message, `${url}/huge: is larger than 10485760 bytes`)
      const nobody = yield* Effect.flip(manifests.read({ url: "http://127.0.0.1:1/", headers: {} }))
      assert.strictEqual(nobody.reason._tag, "Retryable")
    }).pipe(Effect.provide(ManifestUrlLive.layer)))
})
