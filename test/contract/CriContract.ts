/**
 * What the agent relies on of a container runtime, as scenarios that run against the real one and the simulated one. A
 * sentence of the contract is a test; where the two disagree, the simulated one is wrong.
 */
import { layer } from "@effect/vitest"
import type { Layer } from "effect"
import type { Cri } from "../../src/layers/cri/Cri.ts"
import type { RuntimeEvents } from "../../src/layers/cri/RuntimeEvents.ts"
import { callContract } from "./cri/calls.ts"
import { containerContract } from "./cri/containers.ts"
import { eventContract } from "./cri/events.ts"
import { execContract } from "./cri/execs.ts"
import { imageContract } from "./cri/images.ts"
import { logContract } from "./cri/logs.ts"
import { sandboxContract } from "./cri/sandboxes.ts"
import type { CriContractHost } from "./cri/scenario.ts"
import { stopContract } from "./cri/stops.ts"
import { usageContract } from "./cri/usage.ts"

export const criContract = (name: string, under: Layer.Layer<Cri | RuntimeEvents | CriContractHost, unknown>) =>
  // Real time: a real runtime has no other.
  layer(under, { excludeTestServices: true, timeout: "60 seconds" })(`Cri: ${name}`, (it) => {
    sandboxContract(it)
    containerContract(it)
    stopContract(it)
    execContract(it)
    logContract(it)
    imageContract(it)
    usageContract(it)
    eventContract(it)
    callContract(it)
  })
