/** The contract, with Debian's plugins in real network namespaces; and what only real programs show. */
import { Effect, Layer, Result } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseNetwork } from "../../../src/domain/cni/networkList.ts"
import * as CniLive from "../../../src/layers/cni/CniLive.ts"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import * as ProcessesLive from "../../../src/layers/host/ProcessesLive.ts"
import { cniContract, CniGround } from "../../contract/CniContract.ts"
import { bridgeNetwork } from "../../fixture/cni/bridgeNetwork.ts"
import { bridgeName, namespace } from "./namespaces.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "kubeffect-cni-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

let networks = 0

const live = Layer.unwrap(
  Effect.map(directory, (folder) =>
    Layer.merge(
      CniLive.layer({ binDirs: ["/usr/lib/cni"], cacheDir: join(folder, "cache") }),
      Layer.succeed(
        CniGround,
        CniGround.of({
          network: (size) =>
            Effect.map(bridgeName("kfb"), (name) =>
              Result.getOrThrow(
                parseNetwork(bridgeNetwork({ name, octet: networks++, size, dataDir: join(folder, "leases") }))
              )),
          netns: namespace
        })
      )
    ))
).pipe(Layer.provide([HostFilesLive.layer, ProcessesLive.layer]))

cniContract("Debian's plugins", live)
