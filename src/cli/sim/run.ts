/** `kubeffect sim`: simulated nodes in real time, from start to end. */
import { Clock, Console, Effect, FileSystem, Logger } from "effect"
import { parse } from "yaml"
import { isObject } from "../../domain/k8s/json.ts"
import { nodes } from "../../domain/k8s/resources.ts"
import { parseGoDuration } from "../../domain/kubeletConfig/goDuration.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import { readyNodes } from "../compose/readyNodes.ts"
import { version } from "../version.ts"
import { givenServer, memoryServer } from "./apiServer.ts"
import { planSim, SimError, type SimPlan, simulatedLabel, type SimWish } from "./plan.ts"
import { makePremises, type Premises, supervisedNode } from "./SimulatedNodes.ts"

export interface SimOptions extends Omit<SimWish, "configuration"> {
  readonly config: string | undefined
  readonly kubeconfig: string | undefined
  readonly clientCaFile: string | undefined
  readonly apiPort: number
  readonly writeKubeconfig: string | undefined
  readonly deleteNodes: boolean
  readonly logFile: string | undefined
  readonly cluster: string | undefined
  readonly runnerHost: string
  readonly runnerPort: number
  /** A duration as Go writes them. */
  readonly takeoverAfter: string
}

const say = Console.log

/** Nodes begin this long after each other, so that the first are Ready before the last have begun. */
const startPaceMs = 2

const plural = (count: number): string => `${count} simulated node${count === 1 ? "" : "s"}`

export const sim = Effect.fn("sim")(function*(options: SimOptions) {
  const configuration = options.config === undefined ? {} : yield* configurationFile(options.config)
  const plan = yield* Effect.fromResult(planSim({ ...options, configuration }))
  if (options.cluster !== undefined && options.kubeconfig === undefined) {
    return yield* new SimError({
      detail: "--cluster: processes that share nodes need --kubeconfig, one API server for all"
    })
  }
  yield* say(`kubeffect ${version}: ${plural(plan.names.length)}`)
  const server = yield* options.kubeconfig === undefined
    ? memoryServer({ port: options.apiPort, path: options.writeKubeconfig })
    : givenServer({ path: options.kubeconfig, clientCaFile: options.clientCaFile })
  yield* say(
    `API server: ${server.url}${options.kubeconfig === undefined ? ", in memory: what is in it ends with it" : ""}`
  )
  const body = Effect.gen(function*() {
    const premises = yield* makePremises(plan, server.clientCa)
    yield* say(`\n  export KUBECONFIG=${server.kubeconfig}\n  kubectl get nodes,pods\n`)
    if (options.deleteNodes) yield* Effect.addFinalizer(() => deleteNodes(plan))
    const running = options.cluster === undefined
      ? allNodes(premises, plan)
      : yield* shared(options, options.cluster, premises, plan)
    yield* Effect.raceFirst(running, Effect.andThen(tellReady(plan), Effect.never))
  }).pipe(Effect.scoped)
  yield* Effect.provide(body, server.layer).pipe(Effect.provide(yield* logging(options.logFile)))
}, Effect.scoped)

/** What it says is checked where the nodes' configuration is read. */
const configurationFile = Effect.fnUntraced(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  const unreadable = (why: string) => new SimError({ detail: `--config: ${path}: ${why}` })
  const text = yield* Effect.mapError(fs.readFileString(path), ({ message }) => unreadable(message))
  const document = yield* Effect.try({
    try: (): unknown => parse(text),
    catch: (cause) => unreadable(cause instanceof Error ? cause.message : "")
  })
  return isObject(document) ? document : yield* unreadable("is no object")
})

/** A thousand agents talk too much for a terminal. */
const logging = Effect.fnUntraced(function*(file: string | undefined) {
  return Logger.layer(file === undefined ? [] : [yield* Logger.toFile(Logger.formatLogFmt, file)])
})

const supervised = (premises: Premises, plan: SimPlan, index: number) =>
  supervisedNode(premises, plan, index, (name, why) => Console.error(`${name}: ${why}; it begins again in 5 s`))

const allNodes = (premises: Premises, plan: SimPlan) =>
  Effect.forEach(
    plan.names,
    (_, index) => Effect.delay(supervised(premises, plan, index), index * startPaceMs),
    { concurrency: "unbounded", discard: true }
  )

const shared = Effect.fnUntraced(function*(options: SimOptions, cluster: string, premises: Premises, plan: SimPlan) {
  const takeoverMs = parseGoDuration(options.takeoverAfter) ?? 0
  if (takeoverMs < 3000 || takeoverMs % 1000 !== 0) {
    const detail = `--takeover-after: wants three seconds or more, whole ones, has "${options.takeoverAfter}"`
    return yield* new SimError({ detail })
  }
  // The cluster engine and the databases are large; a process that has its nodes for itself does without.
  const { sharedNodes } = yield* Effect.promise(() => import("./sharedNodes.ts"))
  return sharedNodes({
    engine: { database: cluster, host: options.runnerHost, port: options.runnerPort, takeoverMs },
    names: plan.names,
    node: (index) => supervised(premises, plan, index)
  })
})

const tellReady = Effect.fnUntraced(function*(plan: SimPlan) {
  const begin = yield* Clock.currentTimeMillis
  yield* readyNodes(new Set(plan.names), { labelSelector: simulatedLabel })
  const seconds = ((yield* Clock.currentTimeMillis) - begin) / 1000
  yield* say(`${plan.names.length} of ${plan.names.length} nodes are Ready, after ${seconds.toFixed(1)} s`)
})

/** Bounded: whoever stops the command wants it to end. */
const deleteNodes = ({ names }: SimPlan) =>
  Effect.gen(function*() {
    const api = yield* KubeApi
    yield* Effect.forEach(names, (name) => Effect.ignore(api.delete(nodes, { name })), {
      concurrency: 32,
      discard: true
    })
  }).pipe(Effect.timeoutOption("20 seconds"), Effect.asVoid)
