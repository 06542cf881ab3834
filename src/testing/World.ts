/**
 * A cluster in one fiber tree: an API server in memory and nodes that run the unchanged agent over made-up machines. On
 * the clock of `runSim` a day of it passes in seconds, and the same again for the same seed.
 */
import { Cause, Clock, Data, Effect, Logger, Option, type Scope } from "effect"
import type { Fault } from "../domain/chaos/fault.ts"
import { at } from "../domain/k8s/json.ts"
import * as resources from "../domain/k8s/resources.ts"
import { type ApiError, KubeApi, type KubeObject } from "../layers/api/KubeApi.ts"
import * as KubeApiMemory from "../layers/api/KubeApiMemory.ts"
import * as MemoryApi from "../layers/api/memory/MemoryApi.ts"
import type { SimOptions } from "../layers/cri/CriSim.ts"
import { pastPods } from "./pastPods.ts"
import { isReadyPod, podWords } from "./podWords.ts"
import type { ServeOptions } from "./serve.ts"
import { makeNode, type SimNode } from "./SimNode.ts"
import { Trace } from "./Trace.ts"

export interface WorldOptions {
  readonly seed: string | number
  readonly nodes: ReadonlyArray<string>
  readonly faults?: ReadonlyArray<Fault>
  readonly runtime?: Partial<SimOptions>
  /** Fields of every node's KubeletConfiguration. */
  readonly configuration?: Readonly<Record<string, unknown>>
  /** Keeps the entries of the trace; without, only its hash. */
  readonly keepTrace?: boolean
}

/** What was waited for did not come in time. */
export class NotReached extends Data.TaggedError("NotReached")<{
  readonly what: string
  readonly instead: string
}> {
  override get message(): string {
    return `${this.what}: it is ${this.instead}`
  }
}

/** Told of a defect in the agent, which retries and supervision would hide. */
export type DefectListener = (node: string, detail: string) => void

const textAt = (object: KubeObject | undefined, ...path: ReadonlyArray<string>): string => {
  const value = at(object, ...path)
  return typeof value === "string" ? value : ""
}

/** Looks at most this often at what is waited for. */
const lookEveryMs = 100

export interface PodHandle {
  readonly name: string
  readonly object: () => KubeObject | undefined
  readonly phase: () => string
  /** Waits until the pod is in the phase, or ready, or gone. */
  readonly reaches: (goal: "Running" | "Succeeded" | "Failed" | "Ready" | "Gone", withinMs?: number) => Effect.Effect<
    void,
    NotReached
  >
  readonly remove: (graceSeconds?: number) => Effect.Effect<void, ApiError>
}

export interface World {
  readonly api: MemoryApi.MemoryApi
  /** A client that no fault touches. */
  readonly client: KubeApi["Service"]
  readonly nodes: ReadonlyArray<SimNode>
  readonly node: (name: string) => SimNode
  readonly trace: Trace
  readonly startMs: number
  /** Makes a pod; without `spec.nodeName` the API server binds it to a node. */
  readonly createPod: (name: string, spec: Readonly<Record<string, unknown>>) => Effect.Effect<PodHandle, ApiError>
  readonly pod: (name: string) => PodHandle
  /** Waits for something to hold. */
  readonly until: (what: string, holds: () => string, withinMs: number) => Effect.Effect<void, NotReached>
  readonly onDefect: (listener: DefectListener) => void
}

const until = Effect.fn("World.until")(function*(what: string, problem: () => string, withinMs: number) {
  const end = (yield* Clock.currentTimeMillis) + withinMs
  while (true) {
    const instead = problem()
    if (instead === "") return
    if ((yield* Clock.currentTimeMillis) >= end) return yield* new NotReached({ what, instead })
    yield* Effect.sleep(lookEveryMs)
  }
})

const podHandles = (api: MemoryApi.MemoryApi, client: KubeApi["Service"]) => (name: string): PodHandle => {
  const object = () => api.objects(resources.pods).find(({ metadata }) => metadata.name === name)
  const phase = () => textAt(object(), "status", "phase")
  const problem = (goal: string) => () => {
    const pod = object()
    if (goal === "Gone") return pod === undefined ? "" : `there, ${phase()}`
    if (pod === undefined) return "not there"
    if (goal === "Ready") return isReadyPod(pod) ? "" : `${phase()}, not ready`
    return phase() === goal ? "" : phase()
  }
  return {
    name,
    object,
    phase,
    reaches: (goal, withinMs = 60_000) => until(`${name} reaches ${goal}`, problem(goal), withinMs),
    remove: (gracePeriodSeconds) =>
      Effect.asVoid(client.delete(
        resources.pods,
        { namespace: "default", name },
        gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }
      ))
  }
}

/** Everything the world shows goes into its trace: happenings of the runtimes, and changes of pods. */
const record = (trace: Trace, api: MemoryApi.MemoryApi, nodes: ReadonlyArray<SimNode>, clock: Clock.Clock) => {
  const startMs = clock.currentTimeMillisUnsafe()
  const atMs = () => clock.currentTimeMillisUnsafe() - startMs
  for (const node of nodes) {
    node.runtime.listeners.add(({ container, kind, sandbox }) =>
      trace.add({
        atMs: atMs(),
        where: node.name,
        what: `${container === undefined ? "sandbox" : "container"} ${kind}`,
        about: container === undefined
          ? `${sandbox.name}#${sandbox.attempt}`
          : `${sandbox.name}/${container.name}#${container.attempt}` +
            (kind === "Stopped" ? ` exit ${container.exitCode}` : "")
      })
    )
  }
  api.onChange(({ plural }, { object, type }) => {
    if (plural !== "pods" && plural !== "events") return
    const about = plural === "pods"
      ? podWords(object)
      : `${textAt(object, "involvedObject", "name")} ${textAt(object, "reason")} ${textAt(object, "message")}`
    trace.add({ atMs: atMs(), where: "api", what: `${plural} ${type}`, about })
  })
}

/** Hears what the agents log: a defect that a supervisor caught is a bug all the same. */
const defectLogger = (listeners: ReadonlyArray<DefectListener>) =>
  Logger.make(({ cause, message }) => {
    if (!Cause.hasDies(cause)) return
    for (const listener of listeners) listener("", `${String(message)}: ${Cause.pretty(cause)}`)
  })

export const make = Effect.fn("World.make")(function*(
  options: WorldOptions
): Effect.fn.Return<World, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const startMs = yield* Clock.currentTimeMillis
  const api = yield* MemoryApi.make()
  const trace = new Trace(options.keepTrace ?? false)
  const listeners: Array<DefectListener> = []
  const seed = String(options.seed)
  const past = pastPods(api)
  const nodes = yield* Effect.forEach(options.nodes, (name) =>
    makeNode({
      name,
      api,
      seed,
      faults: options.faults ?? [],
      past,
      trace,
      startMs,
      ...(options.runtime === undefined ? {} : { runtime: options.runtime }),
      ...(options.configuration === undefined ? {} : { configuration: options.configuration })
    }).pipe(Effect.provide(Logger.layer([defectLogger(listeners)]))))
  record(trace, api, nodes, clock)
  const client = yield* Effect.provide(KubeApi, KubeApiMemory.layer(api))
  const handle = podHandles(api, client)
  const node = (name: string): SimNode =>
    Option.getOrThrowWith(
      Option.fromNullishOr(nodes.find((one) => one.name === name)),
      () => new Error(`the world has no node ${name}`)
    )
  return {
    api,
    client,
    nodes,
    node,
    trace,
    startMs,
    createPod: (name, spec) =>
      client.create(resources.pods, {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, namespace: "default" },
        spec: { automountServiceAccountToken: false, ...spec }
      }).pipe(Effect.as(handle(name))),
    pod: handle,
    until,
    onDefect: (listener) => void listeners.push(listener)
  }
})

/** A world in real time that others reach by a URL and a kubeconfig; see `serve.ts`, which is loaded when it is asked for. */
export const serve = Effect.fnUntraced(function*(options: ServeOptions = {}) {
  const module = yield* Effect.promise(() => import("./serve.ts"))
  return yield* module.serve(options)
})
