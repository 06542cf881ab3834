/** The API server that simulated nodes join: one in memory, made for them, or the one of a kubeconfig. */
import { Effect, FileSystem, type Layer, Option, Path } from "effect"
import { randomBytes } from "node:crypto"
import { tmpdir } from "node:os"
import type { HeartbeatApi } from "../../layers/api/HeartbeatApi.ts"
import type { KubeApi } from "../../layers/api/KubeApi.ts"
import * as KubeApiLive from "../../layers/api/KubeApiLive.ts"
import * as KubeApiMemory from "../../layers/api/KubeApiMemory.ts"
import * as Kubeconfig from "../../layers/api/Kubeconfig.ts"
import { serve } from "../../layers/api/memory/ApiServerHttp.ts"
import { kubeconfig } from "../../layers/api/memory/kubeconfig.ts"
import * as MemoryApi from "../../layers/api/memory/MemoryApi.ts"

export interface ApiServer {
  readonly url: string
  /** Path of the kubeconfig. */
  readonly kubeconfig: string
  /** What the nodes use. */
  readonly layer: Layer.Layer<KubeApi | HeartbeatApi>
  /** PEM of the authority that the server's own certificate for nodes is of, as far as that is known. */
  readonly clientCa: Option.Option<string>
}

export interface MemoryServer extends ApiServer {
  readonly api: MemoryApi.MemoryApi
  /** Of someone who may do everything. */
  readonly token: string
  /** PEM */
  readonly certificateAuthority: string
}

/** Ends with the scope, and everything in it too. `path`: where to write the kubeconfig. */
export const memoryServer = Effect.fn("sim.memoryServer")(
  function*(options: { readonly port?: number; readonly path?: string | undefined } = {}) {
    const fs = yield* FileSystem.FileSystem
    const token = randomBytes(24).toString("base64url")
    const api = yield* MemoryApi.make({
      mountServiceAccountTokens: true,
      tokens: { [token]: { username: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] } }
    })
    const serving = yield* serve(api, { tls: true, names: ["localhost"], port: options.port ?? 0 })
    const path = options.path ?? (yield* ownFile)
    yield* fs.writeFileString(path, kubeconfig(serving, { token }), { mode: 0o600 })
    const { certificateAuthority = "" } = serving
    const server: MemoryServer = {
      url: serving.url,
      kubeconfig: path,
      layer: KubeApiMemory.layer(api),
      clientCa: Option.some(certificateAuthority),
      api,
      token,
      certificateAuthority
    }
    return server
  }
)

const ownFile = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* fs.makeTempDirectoryScoped({ directory: tmpdir(), prefix: "kubeffect-sim-" })
  return path.join(folder, "kubeconfig")
})

/** `clientCaFile` wins over the authority that the kubeconfig has. */
export const givenServer = Effect.fn("sim.givenServer")(
  function*(options: { readonly path: string; readonly clientCaFile: string | undefined }) {
    const fs = yield* FileSystem.FileSystem
    const access = yield* Kubeconfig.load(options.path)
    const file = options.clientCaFile ?? (access.ca?._tag === "File" ? access.ca.path : undefined)
    const clientCa = file !== undefined
      ? Option.some(yield* fs.readFileString(file))
      : access.ca?._tag === "Inline"
      ? Option.some(access.ca.pem)
      : Option.none<string>()
    const server: ApiServer = {
      url: access.server,
      kubeconfig: options.path,
      // One client for all nodes: its connections carry what a thousand kubelets would send, so there is no limit.
      layer: KubeApiLive.layer(access, { qps: 0 }),
      clientCa
    }
    return server
  }
)
