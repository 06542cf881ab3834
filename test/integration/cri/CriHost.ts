/** A private containerd with all that scenarios of the runtime need, for tests of the integration project. */
import { Effect, Layer } from "effect"
import { mkdir, readFile, rename } from "node:fs/promises"
import { join } from "node:path"
import * as RuntimeEventsLive from "../../../src/layers/cri/RuntimeEventsLive.ts"
import { CriContractHost } from "../../contract/cri/scenario.ts"
import * as TestContainerd from "../../fixture/containerd/TestContainerd.ts"
import * as TestRegistry from "../../fixture/containerd/TestRegistry.ts"

/** A folder that goes with the containerd. */
export const folder = Effect.fnUntraced(function*(name: string) {
  const { directory } = yield* TestContainerd.TestContainerd
  return yield* makeFolder(join(directory, name))
})

const makeFolder = (path: string) =>
  Effect.promise(async () => {
    await mkdir(path, { recursive: true })
    return path
  })

const host = Layer.effect(
  CriContractHost,
  Effect.gen(function*() {
    const { cgroup, directory } = yield* TestContainerd.TestContainerd
    const registry = yield* TestRegistry.make()
    const pullable = yield* registry.push("busybox:1")
    return CriContractHost.of({
      cgroup,
      logFolder: (sandbox) => makeFolder(join(directory, "logs", sandbox)),
      readLog: (path) => Effect.orElseSucceed(Effect.tryPromise(() => readFile(path, "utf8")), () => ""),
      renameLog: (from, to) => Effect.promise(() => rename(from, to)),
      pullable
    })
  })
)

const events = Layer.unwrap(
  Effect.map(TestContainerd.TestContainerd, ({ socket }) => RuntimeEventsLive.layer({ endpoint: socket }))
)

export const layer = Layer.mergeAll(events, host).pipe(
  Layer.provideMerge(TestContainerd.cri),
  Layer.provideMerge(TestContainerd.layer)
)
