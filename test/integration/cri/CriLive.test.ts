/** The runtime contract, on a private containerd. */
import { Effect, Layer } from "effect"
import { mkdir, readFile, rename } from "node:fs/promises"
import { join } from "node:path"
import * as RuntimeEventsLive from "../../../src/layers/cri/RuntimeEventsLive.ts"
import { CriContractHost } from "../../contract/cri/scenario.ts"
import { criContract } from "../../contract/CriContract.ts"
import * as TestContainerd from "../../fixture/containerd/TestContainerd.ts"
import * as TestRegistry from "../../fixture/containerd/TestRegistry.ts"

const host = Layer.effect(
  CriContractHost,
  Effect.gen(function*() {
    const { cgroup, directory } = yield* TestContainerd.TestContainerd
    const registry = yield* TestRegistry.make()
    const pullable = yield* registry.push("busybox:1")
    return CriContractHost.of({
      cgroup,
      logFolder: (sandbox) =>
        Effect.promise(async () => {
          const folder = join(directory, "logs", sandbox)
          await mkdir(folder, { recursive: true })
          return folder
        }),
      readLog: (path) =>
        Effect.promise(() => readFile(path, "utf8")).pipe(Effect.catchDefect(() => Effect.succeed(""))),
      renameLog: (from, to) => Effect.promise(() => rename(from, to)),
      pullable
    })
  })
)

const events = Layer.unwrap(
  Effect.map(TestContainerd.TestContainerd, ({ socket }) => RuntimeEventsLive.layer({ endpoint: socket }))
)

criContract(
  "containerd",
  Layer.mergeAll(events, host).pipe(
    Layer.provideMerge(TestContainerd.cri),
    Layer.provideMerge(TestContainerd.layer)
  )
)
