/** `/pods`, `/runningpods/` and `/configz`: the agent's own view as objects of the API. */
import { Effect } from "effect"
import type { Pod } from "../../../domain/k8s/pod.ts"
import type { NodeReadModel } from "../NodeReadModel.ts"
import { json, type ResponseRoute, route } from "./route.ts"

const podList = (items: ReadonlyArray<Pod>) => json({ kind: "PodList", apiVersion: "v1", metadata: {}, items })

export const podsRoute = (model: NodeReadModel["Service"]): ResponseRoute =>
  route(["GET"], "/pods", () => Effect.map(model.pods, podList))

export const runningPodsRoute = (model: NodeReadModel["Service"]): ResponseRoute =>
  route(["GET"], "/runningpods", () => Effect.map(model.runtimePods, podList))

export const configzRoute = (model: NodeReadModel["Service"]): ResponseRoute =>
  route(["GET", "HEAD"], "/configz", () => Effect.map(model.config, (config) => json({ kubeletconfig: config })))
