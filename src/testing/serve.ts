/**
 * A world in real time that others reach: an API server with a URL and a kubeconfig, and nodes that run the real agent
 * over made-up machines. Controllers in any language are tested against it as they are against envtest, but here pods
 * run, have logs, and end.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Context, Effect, FiberMap, type FileSystem, Layer, Logger, type Path, type Scope } from "effect"
import { readyNodes } from "../cli/compose/readyNodes.ts"
import { type MemoryServer, memoryServer } from "../cli/sim/apiServer.ts"
import { planSim, SimError, type SimWish, usual } from "../cli/sim/plan.ts"
import { makePremises, supervisedNode } from "../cli/sim/SimulatedNodes.ts"
import { KubeApi } from "../layers/api/KubeApi.ts"

/** Fields of the command line of `kubeffect sim`; what is left out is as there. */
export interface ServeOptions extends Partial<SimWish> {
  /** Of the API server; any that is free when absent. */
  readonly apiPort?: number
}

export interface ServedWorld extends Pick<MemoryServer, "api" | "certificateAuthority" | "token" | "url"> {
  /** Path of a kubeconfig, for as long as the world is there. */
  readonly kubeconfig: string
  readonly client: KubeApi["Service"]
  readonly nodes: ReadonlyArray<string>
  /** Kills the agent of a node; its containers run on. */
  readonly stopNode: (name: string) => Effect.Effect<void>
  /** Starts it again, on what it left; nothing when it runs. */
  readonly startNode: (name: string) => Effect.Effect<void>
}

/** Gives the world when all its nodes are Ready. All of it ends with the scope. */
export const serve = (options: ServeOptions = {}): Effect.Effect<ServedWorld, SimError, Scope.Scope> =>
  Effect.provide(make(options), [NodeServices.layer, Logger.layer([])])

const make = Effect.fn("World.serve")(function*(
  { apiPort = 0, ...wish }: ServeOptions
): Effect.fn.Return<ServedWorld, SimError, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const plan = yield* Effect.fromResult(planSim({ ...usual, ...wish }))
  const failed = (what: string) => (cause: { readonly message: string }) =>
    new SimError({ detail: `${what}: ${cause.message}` })
  const server = yield* Effect.mapError(memoryServer({ port: apiPort }), failed("the API server"))
  const services = yield* Layer.build(server.layer)
  const premises = yield* Effect.mapError(makePremises(plan, server.clientCa), failed("the nodes' servers"))
  const running = yield* FiberMap.make<string>()
  const startNode = (name: string) =>
    Effect.suspend(() => {
      const index = plan.names.indexOf(name)
      if (index < 0) return Effect.die(new Error(`the world has no node ${name}`))
      const node = supervisedNode(premises, plan, index, (_, why) => Effect.logWarning(`${name}: ${why}`))
      const quiet = node.pipe(Effect.provide(services), Effect.provide(Logger.layer([])))
      return Effect.asVoid(FiberMap.run(running, name, quiet, { onlyIfMissing: true }))
    })
  yield* Effect.forEach(plan.names, startNode, { discard: true })
  yield* Effect.provide(readyNodes(new Set(plan.names)), services)
  const { api, certificateAuthority, kubeconfig, token, url } = server
  return {
    api,
    certificateAuthority,
    token,
    url,
    kubeconfig,
    client: Context.get(services, KubeApi),
    nodes: plan.names,
    stopNode: (name) => FiberMap.remove(running, name),
    startNode
  }
})
