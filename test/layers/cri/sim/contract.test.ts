/** The simulated runtime keeps the contract of the real one. */
import { Effect, Layer, Record } from "effect"
import * as CriSim from "../../../../src/layers/cri/CriSim.ts"
import { HostFiles } from "../../../../src/layers/host/HostFiles.ts"
import * as HostFilesMemory from "../../../../src/layers/host/HostFilesMemory.ts"
import { CriContractHost, image } from "../../../contract/cri/scenario.ts"
import { criContract } from "../../../contract/CriContract.ts"

const pullable = "registry.example/busybox:1"

const host = Layer.effect(
  CriContractHost,
  Effect.gen(function*() {
    const files = yield* HostFiles
    return CriContractHost.of({
      cgroup: "/contract",
      logFolder: (sandbox) => {
        const folder = `/var/log/pods/${sandbox}`
        return files.makeDirectory(folder, { recursive: true }).pipe(Effect.orDie, Effect.as(folder))
      },
      readLog: (path) => Effect.orElseSucceed(files.readText(path), () => ""),
      renameLog: (from, to) => Effect.orDie(files.rename(from, to)),
      pullable
    })
  })
)

const runtime = CriSim.make({
  // The contract is about order and outcome, not about how long a real disk takes.
  latencies: Record.map(CriSim.containerdLatencies, (): CriSim.Latency => [1, 3]),
  images: [image],
  registry: (name) =>
    [image, pullable].includes(name) ? { _tag: "Image", sizeBytes: 1_000_000, pullMs: 20 } : { _tag: "NotFound" }
})

criContract(
  "simulated",
  Layer.merge(CriSim.layer(runtime), host).pipe(
    Layer.provide(HostFilesMemory.layer(new HostFilesMemory.MemoryHost()))
  )
)
