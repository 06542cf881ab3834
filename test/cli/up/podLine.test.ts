import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { podLine } from "../../../src/cli/up/podLine.ts"
import { decodePod } from "../../../src/domain/k8s/decode.ts"

const line = (status: object, metadata: object = {}) =>
  podLine(Result.getOrThrow(decodePod({
    metadata: { name: "p", namespace: "n", uid: "u", ...metadata },
    spec: { containers: [{ name: "a", image: "i" }] },
    status
  })))
const container = (state: object, more: object = {}) => ({ name: "a", image: "i", imageID: "", state, ...more })

describe("a pod on one line", () => {
  it.each<{ status: object; metadata?: object; want: string; why: string }>([
    { status: {}, want: "n/p  0/1  Pending", why: "nothing is known yet" },
    {
      status: { phase: "Pending", containerStatuses: [container({ waiting: { reason: "ContainerCreating" } })] },
      want: "n/p  0/1  ContainerCreating",
      why: "what it waits for says more than the phase"
    },
    {
      status: {
        phase: "Running",
        podIP: "10.1.0.2",
        containerStatuses: [container({ running: {} }, { ready: true, restartCount: 2 })]
      },
      want: "n/p  1/1  Running  2 restarts  10.1.0.2",
      why: "restarts and address where there are any"
    },
    {
      status: { phase: "Failed", containerStatuses: [container({ terminated: { exitCode: 3 } })] },
      want: "n/p  0/1  ExitCode:3",
      why: "an end without a reason has a code"
    },
    {
      status: {
        phase: "Pending",
        initContainerStatuses: [container({ terminated: { exitCode: 1, reason: "Error" } })]
      },
      want: "n/p  0/1  Init:Error",
      why: "init containers come first"
    },
    { status: { phase: "Failed", reason: "Evicted" }, want: "n/p  0/1  Evicted", why: "the pod's own reason" },
    {
      status: { phase: "Running" },
      metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" },
      want: "n/p  0/1  Terminating",
      why: "it is on its way out"
    }
  ])("$want: $why", ({ metadata, status, want }) => assert.strictEqual(line(status, metadata), want))
})
