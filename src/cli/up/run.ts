/** `kubeffect up`: an API server, a node and a runtime for one person, from start to end. */
import { Console, Effect, Fiber, FileSystem, Logger, Path } from "effect"
import { randomBytes } from "node:crypto"
import { tmpdir } from "node:os"
import * as KubeApiLive from "../../layers/api/KubeApiLive.ts"
import * as Kubeconfig from "../../layers/api/Kubeconfig.ts"
import { serve } from "../../layers/api/memory/ApiServerHttp.ts"
import { kubeconfig } from "../../layers/api/memory/kubeconfig.ts"
import * as MemoryApi from "../../layers/api/memory/MemoryApi.ts"
import { readyNodes } from "../compose/readyNodes.ts"
import { version } from "../version.ts"
import { clearNode } from "./clearNode.ts"
import { findManifest, runDemo } from "./demo.ts"
import { followPods } from "./followPods.ts"
import { findMachine } from "./machine.ts"
import { nodeName, type Runtime, upNode } from "./node.ts"
import { makePlace, type Place } from "./place.ts"
import { startPrivateRuntime } from "./privateRuntime.ts"
import { chooseRuntime, runtimeAnnouncement } from "./runtimeChoice.ts"

export interface UpOptions {
  readonly demo: boolean
  /** End when the demo has been shown, or at once when the node is ready. */
  readonly exit: boolean
  readonly endpoint: string | undefined
  readonly simulated: boolean
  readonly searchPath: string
}

const say = Console.log

export const up = Effect.fn("up")(function*(options: UpOptions) {
  yield* say(`kubeffect ${version}: a node for one person`)
  const machine = yield* findMachine(options.searchPath)
  const choice = chooseRuntime(machine, options)
  const place = yield* makePlace(tmpdir(), process.pid % 50_000)
  const body = Effect.gen(function*() {
    yield* Effect.forEach(runtimeAnnouncement(choice), (line) => say(line), { discard: true })
    const runtime: Runtime = choice._tag === "Given"
      ? { _tag: "Real", endpoint: choice.endpoint }
      : choice._tag === "Simulated"
      ? choice
      : yield* privateRuntime(choice, place)
    const server = yield* apiServer(place)
    const node = upNode({ place, runtime, api: server.api, certificateAuthority: server.certificateAuthority })
    const access = yield* Kubeconfig.load(place.kubeconfig)
    // The node outlives the tour, which may still have pods to clear away when it is interrupted.
    const running = yield* Effect.forkScoped(node)
    const tour = choice._tag === "Given" ? Effect.ensuring(show(options, place), clearNode) : show(options, place)
    // Whichever ends first: the node only ends by failing.
    yield* Effect.raceFirst(
      Fiber.join(running),
      Effect.provide(tour, KubeApiLive.layer(access, { qps: 0 }))
    )
  })
  yield* Effect.provide(body, yield* logToFile(place))
}, Effect.scoped)

const privateRuntime = Effect.fnUntraced(function*(
  choice: Parameters<typeof startPrivateRuntime>[0],
  place: Place
) {
  const { endpoint, madeOf } = yield* startPrivateRuntime(choice, place)
  yield* say(`         its image busybox:1.36 is made of ${madeOf}, so that the demo needs no network`)
  const runtime: Runtime = { _tag: "Real", endpoint }
  return runtime
})

/** Everything that the agent says, for who wants to know; the terminal is for what happens to pods. */
const logToFile = (place: Place) =>
  Effect.map(Logger.toFile(Logger.formatLogFmt, place.log), (file) => Logger.layer([file]))

/** The API server, and the kubeconfig for it. */
const apiServer = Effect.fnUntraced(function*(place: Place) {
  const fs = yield* FileSystem.FileSystem
  const token = randomBytes(24).toString("base64url")
  const api = yield* MemoryApi.make({
    mountServiceAccountTokens: true,
    tokens: { [token]: { username: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] } }
  })
  const { certificateAuthority = "", url } = yield* serve(api, { tls: true, names: ["localhost"] })
  yield* fs.writeFileString(place.kubeconfig, kubeconfig({ url, certificateAuthority }, { token }), { mode: 0o600 })
  yield* say(`API server: ${url}, in memory: what is in it ends with it`)
  return { api, certificateAuthority }
})

/** What the person at the terminal sees, until it is over. */
const show = Effect.fnUntraced(function*(options: UpOptions, place: Place) {
  const path = yield* Path.Path
  yield* readyNodes(new Set([nodeName]))
  yield* say(`node ${nodeName} is Ready; its log: ${place.log}`)
  yield* say(`\n  export KUBECONFIG=${place.kubeconfig}\n  kubectl get nodes,pods\n`)
  yield* Effect.forkChild(followPods((line) => say(`pod  ${line}`)))
  if (options.demo) {
    const manifest = yield* findManifest(import.meta.dirname)
    yield* say(`demo: kubectl apply -f ${path.relative(process.cwd(), manifest)}`)
    const { log, pod } = yield* runDemo(manifest)
    const name = pod.metadata.name
    yield* say(`demo: ${name} is ${pod.status?.phase ?? "unknown"}; kubectl logs ${name}:`)
    yield* Effect.forEach(log.trimEnd().split("\n"), (line) => say(`  | ${line}`), { discard: true })
  }
  if (options.exit) return
  yield* say(`\nCtrl-C ends all of it.`)
  return yield* Effect.never
})
