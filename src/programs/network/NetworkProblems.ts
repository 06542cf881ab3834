/**
 * What is wrong with the network of pods, beyond the runtime's own word: its configuration folder is watched, its files are
 * read, its plugins looked for and asked for their STATUS. A runtime that does not say where its folder is keeps its peace.
 */
import { Context, Effect, Layer, Option, Ref, Schedule, Stream, SubscriptionRef } from "effect"
import type { NetworkList } from "../../domain/cni/networkList.ts"
import { type CniFolders, runtimeFolders } from "../../domain/cni/runtimeFolders.ts"
import { networkAdvice } from "../../domain/cni/sandboxFailure.ts"
import { Cni } from "../../layers/cni/Cni.ts"
import { Cri } from "../../layers/cri/Cri.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { supervise } from "../supervise.ts"
import { surveyNetworks } from "./networkFiles.ts"

/** A watch may miss, and STATUS is answered only when asked. */
const periodMs = 15_000

/** Editors and package tools write more than once. */
const settleMs = 200

export class NetworkProblems extends Context.Service<NetworkProblems, {
  /** Empty when nothing is known to be wrong; else sentences that name file and plugin. */
  readonly current: Effect.Effect<ReadonlyArray<string>>
  /** The problems now and at each change. */
  readonly changes: Stream.Stream<ReadonlyArray<string>>
  /** The network that pods get; undefined when there is none, or it is not known. */
  readonly network: Effect.Effect<NetworkList | undefined>
  /** A runtime's message about a sandbox, with what to do about it when it is about the network. */
  readonly explain: (detail: string) => Effect.Effect<string>
}>()("kubeffect/programs/network/NetworkProblems") {}

/** Where this runtime looks; undefined for one that does not tell. */
export const askFolders = Effect.fn("askFolders")(function*() {
  const cri = yield* Cri
  const { info } = yield* cri.status({ verbose: true })
  return runtimeFolders(info)
})

const sameTexts = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean =>
  a.length === b.length && a.every((text, i) => text === b[i])

/** The network and all that is wrong with it. */
const check = Effect.fn("checkNetwork")(function*(folders: CniFolders) {
  const cni = yield* Cni
  const { chosen, problems } = yield* surveyNetworks(folders)
  // Plugins that are not there cannot be asked.
  if (chosen === undefined || problems.length > 0) return { chosen, problems }
  const status = yield* Effect.result(cni.status(chosen))
  return { chosen, problems: status._tag === "Failure" ? [status.failure.message] : [] }
})

/** Ticks when the folder or the plugins may have changed. */
const hints = ({ binDirs, confDir }: CniFolders) =>
  Stream.unwrap(Effect.gen(function*() {
    const files = yield* HostFiles
    const watches = [confDir, ...binDirs].map((folder) =>
      // A folder that is not there yet is found by the period.
      Stream.catch(files.watch(folder), () => Stream.empty)
    )
    const ticks = Stream.fromEffectRepeat(Effect.sleep(periodMs))
    return Stream.mergeAll([...watches, ticks], { concurrency: "unbounded" })
  })).pipe(Stream.debounce(settleMs))

export const layer: Layer.Layer<NetworkProblems, never, Cni | Cri | HostFiles> = Layer.effect(
  NetworkProblems,
  Effect.gen(function*() {
    const problems = yield* SubscriptionRef.make<ReadonlyArray<string>>([])
    const network = yield* Ref.make<NetworkList | undefined>(undefined)

    const look = Effect.fnUntraced(function*(folders: CniFolders) {
      const found = yield* check(folders)
      yield* Ref.set(network, found.chosen)
      yield* SubscriptionRef.updateSome(
        problems,
        (before) => sameTexts(before, found.problems) ? Option.none() : Option.some(found.problems)
      )
    })

    const loop = Effect.gen(function*() {
      const folders = yield* Effect.retry(askFolders(), Schedule.spaced("5 seconds"))
      if (folders === undefined) return yield* Effect.never
      yield* look(folders)
      yield* Stream.runForEach(hints(folders), () => look(folders))
    })
    yield* Effect.forkScoped(supervise("network configuration", loop))

    return NetworkProblems.of({
      current: SubscriptionRef.get(problems),
      changes: SubscriptionRef.changes(problems),
      network: Ref.get(network),
      explain: (detail) =>
        Effect.map(Ref.get(network), (list) => {
          const advice = networkAdvice(detail, list)
          return advice === "" ? detail : `${detail} (${advice})`
        })
    })
  })
)
